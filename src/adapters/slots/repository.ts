/**
 * A user's git repository as slots need it: where it is, and its content as a tree, uncommitted changes included.
 * Writes objects into it, and nothing else: its index and working tree stay as they are.
 */
import { copyFile, mkdir, readdir, realpath, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";
import type { SlotContext, SlotRepo } from "../../model/slot.js";
import { git } from "../../support/git.js";
import { copyTree, isInside } from "./copy-tree.js";
import { excludedPaths, isExcluded } from "./excludes.js";
import { gitLinks, treeOf } from "./state.js";

export interface Repository {
  readonly repo: SlotRepo;
  /** Root of the user's checkout; `repo.path` may be a folder of it. */
  readonly root: string;
  /** `repo.path` relative to the root; empty where they are the same. */
  readonly prefix: string;
  /** Where its objects are, shared by all its worktrees. */
  readonly gitDir: string;
}

const copyHint = "Use another provider for this audit: `slots: {provider: copy}`.";

/** Null where the path is in no git checkout. Failure code: slot-failed. */
export async function findRepository(repo: SlotRepo): Promise<Result<Repository | null>> {
  const asked = ["--is-inside-work-tree", "--git-common-dir", "--show-prefix", "--show-toplevel"];
  const told = await git(repo.path, ["rev-parse", ...asked]);
  if (!told.ok) {
    const { code, message, detail = "" } = told.failure;
    if (detail.includes("not a git repository")) return ok(null);
    if (detail.includes("must be run in a work tree")) {
      return failed("slot-failed", `${repo.path} is a bare git repository: it has no files to copy`, {
        hint: "Give the path of a checkout (git worktree add, or git clone).",
      });
    }
    return failed("slot-failed", `${repo.path}: ${message}`, {
      detail,
      ...(code === "command-not-found"
        ? { hint: "Slots need git: install it, or use `slots: {provider: none}`." }
        : {}),
    });
  }
  const [, gitDir = "", prefix = "", root = "", ...more] = line(told.value.stdout).split("\n");
  if (more.length > 0) return failed("slot-failed", `${JSON.stringify(repo.path)} has a line break in it`);
  return ok({ repo, root, prefix: prefix.replace(/\/$/, ""), gitDir: resolve(repo.path, gitDir) });
}

/** Commit and tree of HEAD. Failure code: slot-failed (no commit yet). */
export async function headOf(
  repository: Repository,
): Promise<Result<{ readonly commit: string; readonly tree: string }>> {
  const found = await git(repository.root, ["rev-parse", "--quiet", "HEAD^{commit}", "HEAD^{tree}"]);
  const [commit, tree] = found.ok ? found.value.stdout.trim().split("\n") : [];
  if (commit !== undefined && tree !== undefined) return ok({ commit, tree });
  return failed("slot-failed", `${repository.root} has no commit yet, so git can make no worktree of it`, {
    hint: `Commit once, or use another provider: \`slots: {provider: copy}\`.`,
  });
}

/**
 * The tree of HEAD plus the uncommitted changes (modified, deleted, untracked and not ignored), without the audit folder.
 * `index` is a file of ours, made and removed here. Failure codes: slot-failed, aborted.
 */
export async function snapshot(
  repository: Repository,
  context: SlotContext,
  index: string,
  signal: AbortSignal,
): Promise<Result<string>> {
  const { root, gitDir } = repository;
  const submodules = await filledSubmodules(repository);
  if (!submodules.ok) return submodules;
  if (submodules.value.length > 0) {
    const names = submodules.value.map((path) => JSON.stringify(path)).join(", ");
    return failed("slot-failed", `${root} has submodules (${names}), which git worktrees leave empty`, {
      hint: copyHint,
    });
  }
  try {
    // A copy of the user's index knows which files are unchanged, and those that were added although they are ignored.
    const own = await git(root, ["rev-parse", "--git-path", "index"], { signal });
    if (!own.ok) return own;
    const copied = await copyFile(resolve(root, line(own.value.stdout)), index).then(
      () => true,
      () => false,
    );
    if (!copied) {
      const read = await git(root, ["read-tree", "HEAD"], { index, signal });
      if (!read.ok) return read;
    }
    const { auditDir, paths } = await excludedPaths(context);
    const pathspecs: string[] = [];
    for (const path of [auditDir, ...paths].filter((each) => each !== root && isInside(each, root))) {
      const excluded = await exclude(root, relative(root, path), index, signal);
      if (!excluded.ok) return excluded;
      pathspecs.push(...excluded.value);
    }
    const tree = await treeOf({ gitDir, root, index }, pathspecs, signal);
    return tree.ok ? ok(tree.value.id) : tree;
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

/** Takes a path out of the index, tracked or not; resolves to the arguments of `git add` that keep it out. */
async function exclude(root: string, path: string, index: string, signal: AbortSignal): Promise<Result<string[]>> {
  const untracked = ["--literal-pathspecs", "rm", "-r", "-f", "-q", "--cached", "--ignore-unmatch", "--", path];
  const removed = await git(root, untracked, { index, signal });
  if (!removed.ok) return removed;
  // git refuses an exclusion that names an ignored path; an ignored path needs none.
  const asked = ["check-ignore", "--quiet", "--no-index", "--", path];
  const ignored = await git(root, asked, { signal, okCodes: [0, 1] });
  if (!ignored.ok) return ignored;
  return ok(ignored.value.exitCode === 0 ? [] : [`:(exclude,top,literal)${path}`]);
}

/** Copies the folders that git ignores but an agent needs. A missing one is no failure. */
export async function provision(
  repo: SlotRepo,
  to: string,
  context: SlotContext,
  signal: AbortSignal,
): Promise<Result<void>> {
  const excluded = await excludedPaths(context);
  for (const { from, to: folder } of repo.provision) {
    if (!isInside(join(to, folder), to) || resolve(to, folder) === resolve(to)) {
      return failed(
        "slot-failed",
        `${JSON.stringify(folder)} is no folder inside ${repo.path}, so nothing is put there`,
      );
    }
    const real = await realpath(from).catch(() => null);
    if (real === null) continue;
    try {
      await mkdir(join(to, folder), { recursive: true });
      await copyTree({
        from: real,
        to: join(to, folder),
        links: { from: repo.path, to },
        excludes: (path) => isExcluded(path, real, excluded),
        signal,
      });
    } catch (error) {
      if (signal.aborted) return failed("aborted", `the copy of ${from} was ended`);
      return failed("slot-failed", `${from} cannot be copied: ${(error as Error).message}`);
    }
  }
  return ok(undefined);
}

/** Submodules that hold files in the user's tree; an empty one is as empty in a worktree. */
async function filledSubmodules(repository: Repository): Promise<Result<string[]>> {
  const links = await gitLinks(repository, "HEAD");
  if (!links.ok) return links;
  const filled: string[] = [];
  for (const path of links.value) {
    const entries = await readdir(join(repository.root, path)).catch(() => []);
    if (entries.length > 0) filled.push(path);
  }
  return ok(filled);
}

/** git ends a path with one newline; the path itself may end with blanks. */
function line(output: string): string {
  return output.endsWith("\n") ? output.slice(0, -1) : output;
}
