/**
 * Slots as plain copies, for folders that are no git checkout. A copy has no `.git`; what changes in it is found with a
 * git repository of our own beside it.
 */
import { join, resolve } from "node:path";
import { z } from "zod";
import { failed, ok, type Result } from "../../model/result.js";
import type { Slot, SlotAdapter, SlotContext, SlotProvider } from "../../model/slot.js";
import { exists } from "../../support/files.js";
import { archive } from "./archive.js";
import { copyTree, isInside } from "./copy-tree.js";
import {
  asSlotFailure,
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
import { provision } from "./repository.js";
import { makePrivateRepository, treeOf } from "./state.js";

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
  const locate = (number: number): Slot => ({
    number,
    paths: Object.fromEntries(context.repos.map((repo) => [repo.name, rootOf(number, repo.name)])),
  });

  const fill = async (mark: Mark, signal: AbortSignal): Promise<Result<void>> => {
    for (const repo of context.repos) {
      const to = rootOf(mark.number, repo.name);
      try {
        const excludes = (path: string) => isLeftOut(path) || isInside(path, context.auditDir);
        await copyTree({ from: repo.path, to, links: { from: repo.path, to }, excludes, signal });
      } catch (error) {
        if (signal.aborted) return failed("aborted", `the copy of ${repo.path} was ended`);
        return failed("slot-failed", `${repo.path} cannot be copied: ${(error as Error).message}`);
      }
      // What lies in the repository itself has come with it.
      const more = repo.provision.filter((one) => resolve(one.from) !== resolve(repo.path, one.to));
      const provisioned = await provision({ ...repo, provision: more }, to, context, signal);
      if (!provisioned.ok) return provisioned;
      const tree = await recordTree(treeIn(mark.number, repo.name), signal);
      if (!tree.ok) return tree;
      mark.checkouts[folderOf(repo.name)] = { repository: repo.path, tree: tree.value };
    }
    mark.state = "ready";
    await writeMark(context, mark);
    return ok(undefined);
  };

  const discard = async (number: number): Promise<Result<void>> => {
    const emptied = await emptySlot(context, number);
    return emptied.ok ? dropMark(context, number) : emptied;
  };

  return {
    id: "copy",
    locate,
    check: (number) => isFree(slotFolder(context, number)),
    async create(number, signal) {
      if (signal.aborted) return failed("aborted", `slot ${number} was not made`);
      const reserved = await reserve(context, number, "copy");
      if (!reserved.ok) return reserved;
      const filled = await fill(reserved.value, signal);
      if (filled.ok) return ok(locate(number));
      await discard(number);
      return asSlotFailure(filled);
    },
    async remove(slot, archiveDir) {
      const mark = await readMark(context, slot.number);
      if (!mark.ok || mark.value === null) return mark.ok ? ok(null) : mark;
      const trees = [];
      for (const { name } of context.repos) {
        const base = mark.value.checkouts[folderOf(name)]?.tree ?? null;
        const tree = treeIn(slot.number, name);
        if (mark.value.state === "ready" && base !== null && (await exists(tree.root)))
          trees.push({ ...tree, name: folderOf(name), base });
      }
      const archived = await archive(trees, slot.number, archiveDir);
      if (!archived.ok) return asSlotFailure(archived);
      const discarded = await discard(slot.number);
      return discarded.ok ? archived : asSlotFailure(discarded);
    },
  };
}

/** A working tree whose objects are kept in the slot's folder, beside the checkout. */
export function privateTree(context: SlotContext, number: number, folder: string, root: string) {
  const slot = slotFolder(context, number);
  // A dot is in no safe name, so these two can be nobody's checkout.
  return { gitDir: join(slot, `${folder}.git`), root, index: join(slot, `${folder}.index`) };
}

/** The tree of what is there now, in a private repository that is made for it. */
export async function recordTree(tree: ReturnType<typeof privateTree>, signal: AbortSignal): Promise<Result<string>> {
  const made = await makePrivateRepository(tree.gitDir, signal);
  if (!made.ok) return made;
  const recorded = await treeOf(tree, [], signal);
  return recorded.ok ? ok(recorded.value.id) : recorded;
}

function isLeftOut(path: string): boolean {
  return leftOut.has(path.slice(path.lastIndexOf("/") + 1));
}
