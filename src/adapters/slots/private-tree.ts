/**
 * What changes in a folder that is no checkout of ours, found with a git repository of our own beside it, in the slot's
 * folder. Knows no provider.
 */
import { join } from "node:path";
import { ok, type Result } from "../../model/result.js";
import type { SlotContext } from "../../model/slot.js";
import { slotFolder } from "./mark.js";
import { makePrivateRepository, treeOf, type WorkTree } from "./state.js";

/** `folder` is the checkout's name in the mark, `root` its absolute path. */
export function privateTree(context: SlotContext, number: number, folder: string, root: string): WorkTree {
  const slot = slotFolder(context, number);
  // A dot is in no safe name, so these two can be nobody's checkout.
  return { gitDir: join(slot, `${folder}.git`), root, index: join(slot, `${folder}.index`) };
}

/** The tree of what is there now, in a private repository that is made for it. */
export async function recordTree(tree: WorkTree, signal: AbortSignal): Promise<Result<string>> {
  const made = await makePrivateRepository(tree.gitDir, signal);
  if (!made.ok) return made;
  const recorded = await treeOf(tree, [], signal);
  return recorded.ok ? ok(recorded.value.id) : recorded;
}
