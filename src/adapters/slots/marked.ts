/**
 * What every provider that makes something shares: a marked folder is taken, filled, and given back with what an agent
 * changed in it archived. Knows no way of making a checkout.
 */
import { failed, ok, type Result } from "../../model/result.js";
import type { Slot, SlotContext, SlotProvider } from "../../model/slot.js";
import { exists } from "../../support/files.js";
import { archive } from "./archive.js";
import { asSlotFailure, type Mark, readMark, reserve, writeMark } from "./mark.js";
import type { WorkTree } from "./state.js";

/** A provider's own part. */
export interface Maker {
  readonly id: string;
  locate(number: number): Slot;
  check(number: number): Promise<Result<void>>;
  /** Makes the checkouts of a slot whose folder is taken, and notes their first content in the mark. */
  fill(mark: Mark, signal: AbortSignal): Promise<Result<void>>;
  /** Deletes what `fill` made, or half made, and the mark last. */
  discard(mark: Mark): Promise<Result<void>>;
  /** Where an agent may have changed something; `name` is the checkout's in the mark. */
  trees(number: number): readonly (WorkTree & { readonly name: string })[];
}

export function markedSlots(maker: Maker, context: SlotContext): SlotProvider {
  const { id, locate, check, fill, discard, trees } = maker;

  const archiveChanges = async (mark: Mark, archiveDir: string): Promise<Result<string | null>> => {
    // Only a slot that became ready can hold an agent's work.
    if (mark.state !== "ready") return ok(null);
    const there = [];
    for (const tree of trees(mark.number)) {
      const base = mark.checkouts[tree.name]?.tree ?? null;
      if (base !== null && (await exists(tree.root))) there.push({ ...tree, base });
    }
    return archive(there, mark.number, archiveDir);
  };

  return {
    id,
    locate,
    check,
    async create(number, signal) {
      if (signal.aborted) return failed("aborted", `slot ${number} was not made`);
      const free = await check(number);
      if (!free.ok) return free;
      const reserved = await reserve(context, number, id);
      if (!reserved.ok) return reserved;
      const mark = reserved.value;
      const filled = await fill(mark, signal);
      if (!filled.ok) {
        await discard(mark);
        return asSlotFailure(filled);
      }
      mark.state = "ready";
      await writeMark(context, mark);
      return ok(locate(number));
    },
    async remove(slot, archiveDir) {
      const mark = await readMark(context, slot.number);
      if (!mark.ok || mark.value === null) return mark.ok ? ok(null) : mark;
      const archived = await archiveChanges(mark.value, archiveDir);
      if (!archived.ok) return asSlotFailure(archived);
      const discarded = await discard(mark.value);
      return discarded.ok ? archived : asSlotFailure(discarded);
    },
  };
}
