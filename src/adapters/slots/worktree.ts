/**
 * Slots as detached git worktrees, with the user's uncommitted changes put in.
 * Never deletes a worktree that this audit did not make.
 */
import { join } from "node:path";
import { z } from "zod";
import { failed, ok, type Result } from "../../model/result.js";
import type { Slot, SlotAdapter, SlotContext, SlotProvider } from "../../model/slot.js";
import { exists } from "../../support/files.js";
import { git } from "../../support/git.js";
import { archive } from "./archive.js";
import {
  asSlotFailure,
  auditId,
  dropMark,
  emptySlot,
  folderNames,
  isFree,
  type Mark,
  readMark,
  reserve,
  slotFolder,
  writeMark,
} from "./mark.js";
import { queue } from "./queue.js";
import { findRepository, headOf, provision, type Repository, snapshot } from "./repository.js";

const settings = z.strictObject({});

export const worktree: SlotAdapter<z.infer<typeof settings>> = {
  id: "worktree",
  settings,
  async create(_settings, context) {
    const repositories: Repository[] = [];
    for (const repo of context.repos) {
      const found = await findRepository(repo);
      if (!found.ok) return found;
      if (found.value === null) {
        return failed("slot-failed", `${repo.path} is no git checkout, so there can be no worktree of it`, {
          hint: "Use another provider: `slots: {provider: copy}`.",
        });
      }
      repositories.push(found.value);
    }
    return ok(provider(context, repositories));
  },
};

function provider(context: SlotContext, repositories: readonly Repository[]): SlotProvider {
  const folders = folderNames(context);
  const serially = queue();
  const rootOf = (number: number, name: string) => join(slotFolder(context, number), folders.get(name) ?? name);

  const locate = (number: number): Slot => ({
    number,
    paths: Object.fromEntries(
      repositories.map(({ repo, prefix }) => [repo.name, join(rootOf(number, repo.name), prefix)]),
    ),
  });

  const check = async (number: number): Promise<Result<void>> => {
    for (const repository of repositories) {
      const head = await headOf(repository);
      if (!head.ok) return head;
    }
    return isFree(slotFolder(context, number));
  };

  const fill = async (mark: Mark, signal: AbortSignal): Promise<Result<void>> => {
    for (const repository of repositories) {
      const { repo, prefix } = repository;
      const folder = folders.get(repo.name) ?? repo.name;
      const root = rootOf(mark.number, repo.name);
      mark.checkouts[folder] = { repository: repository.root, tree: null };
      await writeMark(context, mark);
      // One at a time: worktrees of one repository that are added side by side fail now and then.
      const added = await serially(() => addWorktree(repository, mark, context, root, signal));
      if (!added.ok) return added;
      mark.checkouts[folder] = { repository: repository.root, tree: added.value };
      const provisioned = await provision(repo, join(root, prefix), context, signal);
      if (!provisioned.ok) return provisioned;
    }
    mark.state = "ready";
    await writeMark(context, mark);
    return ok(undefined);
  };

  const discard = async (mark: Mark): Promise<Result<void>> => {
    const emptied = await emptySlot(context, mark.number);
    if (!emptied.ok) return emptied;
    for (const [folder, { repository }] of Object.entries(mark.checkouts)) {
      const root = join(slotFolder(context, mark.number), folder);
      const unregistered = await serially(() => unregister(repository, root));
      if (!unregistered.ok) return unregistered;
    }
    return dropMark(context, mark.number);
  };

  return {
    id: "worktree",
    locate,
    check,
    async create(number, signal) {
      if (signal.aborted) return failed("aborted", `slot ${number} was not made`);
      const free = await check(number);
      if (!free.ok) return free;
      const reserved = await reserve(context, number, "worktree");
      if (!reserved.ok) return reserved;
      const filled = await fill(reserved.value, signal);
      if (filled.ok) return ok(locate(number));
      await discard(reserved.value);
      return asSlotFailure(filled);
    },
    async remove(slot, archiveDir) {
      const mark = await readMark(context, slot.number);
      if (!mark.ok || mark.value === null) return mark.ok ? ok(null) : mark;
      const archived = mark.value.state === "ready" ? await archiveSlot(mark.value, archiveDir) : ok(null);
      if (!archived.ok) return asSlotFailure(archived);
      const discarded = await discard(mark.value);
      return discarded.ok ? archived : asSlotFailure(discarded);
    },
  };

  async function archiveSlot(mark: Mark, archiveDir: string): Promise<Result<string | null>> {
    const trees = [];
    for (const { repo, gitDir } of repositories) {
      const name = folders.get(repo.name) ?? repo.name;
      const root = rootOf(mark.number, repo.name);
      const base = mark.checkouts[name]?.tree ?? null;
      if (base === null || !(await exists(root))) continue;
      // With the repository given by us: the agent may have put anything in the place of the checkout's own .git.
      trees.push({ name, gitDir, root, base, index: join(slotFolder(context, mark.number), ".index") });
    }
    return archive(trees, mark.number, archiveDir);
  }
}

/** Resolves to the tree that the new worktree holds. */
async function addWorktree(
  repository: Repository,
  mark: Mark,
  context: SlotContext,
  root: string,
  signal: AbortSignal,
): Promise<Result<string>> {
  const head = await headOf(repository);
  if (!head.ok) return head;
  const tree = await snapshot(repository, context, join(slotFolder(context, mark.number), ".index"), signal);
  if (!tree.ok) return tree;
  // A dead worktree may still be registered at this path: its folder is gone, or we could not have made ours.
  await unregister(repository.root, root);
  const added = await git(repository.root, ["worktree", "add", "--detach", "--quiet", root, head.value.commit], {
    signal,
  });
  if (!added.ok) return added;
  const reason = `audit-run ${await auditId(context)}, slot ${mark.number}`;
  const locked = await git(repository.root, ["worktree", "lock", "--reason", reason, root], { signal });
  if (!locked.ok) return locked;
  if (tree.value !== head.value.tree) {
    const restored = await git(root, ["restore", `--source=${tree.value}`, "--worktree", "--", "."], { signal });
    if (!restored.ok) return restored;
  }
  return tree;
}

/** Twice `-f` for a locked one. Not `prune`, which would also drop worktrees of the user's on a disk that is away. */
async function unregister(repository: string, root: string): Promise<Result<void>> {
  if (!(await exists(repository))) return ok(undefined);
  const removed = await git(repository, ["worktree", "remove", "-f", "-f", root]);
  if (removed.ok || (removed.failure.detail ?? "").includes("is not a working tree")) return ok(undefined);
  if ((removed.failure.detail ?? "").includes("not a git repository")) return ok(undefined);
  return removed;
}
