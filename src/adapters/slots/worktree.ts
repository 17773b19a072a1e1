/**
 * Slots as detached git worktrees, with the user's uncommitted changes put in.
 * Never deletes a worktree that this audit did not make.
 */
import { join } from "node:path";
import { z } from "zod";
import { failed, ok, type Result } from "../../model/result.js";
import type { SlotAdapter, SlotContext, SlotProvider } from "../../model/slot.js";
import { exists } from "../../support/files.js";
import { git } from "../../support/git.js";
import { auditId, dropMark, emptySlot, folderNames, isFree, type Mark, slotFolder, writeMark } from "./mark.js";
import { markedSlots } from "./marked.js";
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
  const folderOf = (name: string) => folders.get(name) ?? name;
  const rootOf = (number: number, name: string) => join(slotFolder(context, number), folderOf(name));

  return markedSlots(
    {
      id: "worktree",
      locate: (number) => ({
        number,
        paths: Object.fromEntries(
          repositories.map(({ repo, prefix }) => [repo.name, join(rootOf(number, repo.name), prefix)]),
        ),
      }),
      async check(number) {
        for (const repository of repositories) {
          const head = await headOf(repository);
          if (!head.ok) return head;
        }
        return isFree(slotFolder(context, number));
      },
      async fill(mark, signal) {
        for (const repository of repositories) {
          const { repo, prefix } = repository;
          const root = rootOf(mark.number, repo.name);
          mark.checkouts[folderOf(repo.name)] = { repository: repository.root, tree: null };
          await writeMark(context, mark);
          // One at a time: worktrees of one repository that are added side by side fail now and then.
          const added = await serially(() => addWorktree(repository, mark, context, root, signal));
          if (!added.ok) return added;
          mark.checkouts[folderOf(repo.name)] = { repository: repository.root, tree: added.value };
          const provisioned = await provision(repo, join(root, prefix), context, signal);
          if (!provisioned.ok) return provisioned;
        }
        return ok(undefined);
      },
      async discard(mark) {
        const emptied = await emptySlot(context, mark.number);
        if (!emptied.ok) return emptied;
        for (const [folder, { repository }] of Object.entries(mark.checkouts)) {
          const root = join(slotFolder(context, mark.number), folder);
          const unregistered = await serially(() => unregister(repository, root));
          if (!unregistered.ok) return unregistered;
        }
        return dropMark(context, mark.number);
      },
      // With the repository given by us: the agent may have put anything in the place of the checkout's own .git.
      trees: (number) =>
        repositories.map(({ repo, gitDir }) => ({
          name: folderOf(repo.name),
          gitDir,
          root: rootOf(number, repo.name),
          index: join(slotFolder(context, number), ".index"),
        })),
    },
    context,
  );
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
