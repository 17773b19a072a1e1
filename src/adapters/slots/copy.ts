/**
 * Slots as plain copies, for folders that are no git checkout, or that git makes no worktree of. A copy has no `.git`;
 * what changes in it is found with a git repository of our own beside it.
 */
import { realpath } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { failed, ok, type Result } from "../../model/result.js";
import type { SlotAdapter, SlotContext, SlotProvider, SlotRepo } from "../../model/slot.js";
import { copyTree } from "./copy-tree.js";
import { excludedPaths, isExcluded } from "./excludes.js";
import { dropMark, emptySlot, folderNames, isFree, slotFolder } from "./mark.js";
import { markedSlots } from "./marked.js";
import { privateTree, recordTree } from "./private-tree.js";
import { findRepository, provision } from "./repository.js";
import { trackedPaths } from "./tracked.js";

const settings = z.strictObject({});

export const copy: SlotAdapter<z.infer<typeof settings>> = {
  id: "copy",
  settings,
  create: async (_settings, context) => ok(provider(context)),
};

const leftOut = new Set([".git", "node_modules"]);

function provider(context: SlotContext): SlotProvider {
  const folders = folderNames(context);
  const folderOf = (name: string) => folders.get(name) ?? name;
  const rootOf = (number: number, name: string) => join(slotFolder(context, number), folderOf(name));
  const treeIn = (number: number, name: string) => privateTree(context, number, folderOf(name), rootOf(number, name));

  return markedSlots(
    {
      id: "copy",
      locate: (number) => ({
        number,
        paths: Object.fromEntries(context.repos.map((repo) => [repo.name, rootOf(number, repo.name)])),
      }),
      check: (number) => isFree(slotFolder(context, number)),
      async fill(mark, signal) {
        for (const repo of context.repos) {
          const copied = await copyRepository(repo, rootOf(mark.number, repo.name), context, signal);
          if (!copied.ok) return copied;
          const tree = await recordTree(treeIn(mark.number, repo.name), signal);
          if (!tree.ok) return tree;
          mark.checkouts[folderOf(repo.name)] = { repository: repo.path, tree: tree.value };
        }
        return ok(undefined);
      },
      async discard({ number }) {
        const emptied = await emptySlot(context, number);
        return emptied.ok ? dropMark(context, number) : emptied;
      },
      trees: (number) => context.repos.map(({ name }) => ({ ...treeIn(number, name), name: folderOf(name) })),
    },
    context,
  );
}

async function copyRepository(
  repo: SlotRepo,
  to: string,
  context: SlotContext,
  signal: AbortSignal,
): Promise<Result<void>> {
  const excluded = await excludedPaths(context);
  const own = await ownPaths(repo, signal);
  if (!own.ok) return own;
  const isOwn = (path: string) => (own.value === null ? !leftOut.has(basename(path)) : own.value.has(path));
  try {
    const from = await realpath(repo.path);
    const excludes = (path: string) => !isOwn(path) || isExcluded(path, from, excluded);
    await copyTree({ from, to, links: { from: repo.path, to }, excludes, signal });
  } catch (error) {
    if (signal.aborted) return failed("aborted", `the copy of ${repo.path} was ended`);
    return failed("slot-failed", `${repo.path} cannot be copied: ${(error as Error).message}`);
  }
  // What lies in a folder that is no git checkout has come with it.
  const isMore = (one: { from: string; to: string }) => resolve(one.from) !== resolve(repo.path, one.to);
  const more = own.value === null ? repo.provision.filter(isMore) : repo.provision;
  return provision({ ...repo, provision: more }, to, context, signal);
}

/** The files of a git checkout by their real paths; null where the folder is none, so that all in it belongs to it. */
async function ownPaths(repo: SlotRepo, signal: AbortSignal): Promise<Result<ReadonlySet<string> | null>> {
  const repository = await findRepository(repo);
  if (!repository.ok) return repository;
  if (repository.value === null) return ok(null);
  const tracked = await trackedPaths(await realpath(repo.path), signal);
  if (!tracked.ok) return tracked;
  // A folder that a repository around it ignores (a home folder kept in git, say) is none of that repository's.
  const isIgnored = repository.value.prefix !== "" && tracked.value.size === 1;
  return isIgnored ? ok(null) : tracked;
}
