/**
 * What is in a working tree, as a git tree; and what changed in it since, as a patch. Both through an index file of our
 * own, so that neither the user's index nor a file of the working tree is touched.
 * Knows no slot.
 */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";
import { git } from "../../support/git.js";

export interface WorkTree {
  /** Where objects are kept. */
  readonly gitDir: string;
  readonly root: string;
  /** The index file to use; it may or may not exist. */
  readonly index: string;
}

/** A repository of our own, which keeps every byte as it is, for folders that are no checkout of a repository. */
export async function makePrivateRepository(gitDir: string, signal: AbortSignal): Promise<Result<void>> {
  await mkdir(gitDir, { recursive: true });
  const made = await git(gitDir, ["init", "--quiet", "--bare", "."], { signal });
  if (!made.ok) return made;
  await mkdir(join(gitDir, "info"), { recursive: true });
  await writeFile(join(gitDir, "info", "attributes"), "* -text -filter -ident -working-tree-encoding\n");
  return ok(undefined);
}

/**
 * The tree of all that the working tree holds and git does not ignore. `pathspecs` are more arguments of `git add`.
 * Repositories inside it are left out (they are `embedded`).
 */
export async function treeOf(
  tree: WorkTree,
  pathspecs: readonly string[],
  signal?: AbortSignal,
): Promise<Result<{ readonly id: string; readonly embedded: boolean }>> {
  const options = { index: tree.index, ...(signal === undefined ? {} : { signal }) };
  const at = ["--git-dir", tree.gitDir, "--work-tree", tree.root, "-c", "core.looseCompression=1"];
  const added = await git(tree.root, [...at, "add", "--all", "--ignore-errors", "--", ".", ...pathspecs], {
    ...options,
    okCodes: [0, 1],
  });
  if (!added.ok) return added;
  const complaints = added.value.stderr.split("\n").filter((line) => /^(error|fatal):/.test(line));
  // A repository without a commit inside the tree: git can neither add nor pass over it without a word.
  const unborn = complaints.filter((line) => line.includes("does not have a commit checked out"));
  if (added.value.exitCode !== 0 && (complaints.length === 0 || complaints.length > unborn.length)) {
    const detail = added.value.stderr.trim().slice(-2_000);
    const first = complaints.find((line) => !unborn.includes(line)) ?? detail;
    return failed("slot-failed", `git cannot read all of ${tree.root}: ${first}`, { detail });
  }
  const written = await git(tree.root, [...at, "write-tree"], options);
  if (!written.ok) return written;
  const id = written.value.stdout.trim();
  const links = await gitLinks(tree, id);
  if (!links.ok) return links;
  if (links.value.length === 0) return ok({ id, embedded: unborn.length > 0 });
  const removed = await git(
    tree.root,
    ["--literal-pathspecs", ...at, "rm", "-r", "-f", "-q", "--cached", "--ignore-unmatch", "--", ...links.value],
    options,
  );
  if (!removed.ok) return removed;
  const rewritten = await git(tree.root, [...at, "write-tree"], options);
  return rewritten.ok ? ok({ id: rewritten.value.stdout.trim(), embedded: true }) : rewritten;
}

/** Paths in a tree that stand for other repositories: submodules, and checkouts that lie in the tree by chance. */
export async function gitLinks(tree: Pick<WorkTree, "gitDir" | "root">, id: string): Promise<Result<string[]>> {
  const listed = await git(tree.root, ["--git-dir", tree.gitDir, "ls-tree", "-r", "-z", "--full-tree", id]);
  if (!listed.ok) return listed;
  const links = listed.value.stdout.split("\0").filter((line) => line.startsWith("160000 "));
  return ok(links.map((line) => line.slice(line.indexOf("\t") + 1)));
}

/**
 * Writes what changed since `base` into `file`, untracked and binary files included; false where nothing did.
 * `git apply` turns the base into what is there now.
 */
export async function writePatch(tree: WorkTree, base: string, file: string): Promise<Result<boolean>> {
  const at = ["--git-dir", tree.gitDir, "--work-tree", tree.root];
  const read = await git(tree.root, [...at, "read-tree", base], { index: tree.index });
  if (!read.ok) return read;
  let now = await treeOf(tree, []);
  if (now.ok && now.value.embedded) {
    // A repository that the agent made or cloned inside: as plain files it goes into the patch.
    await removeInnerRepositories(tree.root, true);
    now = await treeOf(tree, []);
  }
  if (!now.ok) return now;
  if (now.value.id === base) return ok(false);
  const plain = ["--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames"];
  const prefixes = ["--src-prefix=a/", "--dst-prefix=b/"];
  const diff = ["diff-tree", "-r", "-p", ...plain, ...prefixes, `--output=${file}`, base, now.value.id];
  const written = await git(tree.root, ["--git-dir", tree.gitDir, ...diff]);
  return written.ok ? ok(true) : written;
}

async function removeInnerRepositories(folder: string, isRoot: boolean): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === ".git") {
      if (!isRoot) await rm(path, { recursive: true, force: true });
    } else if (entry.isDirectory()) await removeInnerRepositories(path, false);
  }
}
