/**
 * Leases of slots, and the ledger that remembers them: slots/ledger.json is written before a slot is made,
 * so that whatever a dead run left is found and removed. Knows no provider.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ok, type Result } from "../model/result.js";
import type { Slot, SlotPool, SlotProvider } from "../model/slot.js";
import { writeFileAtomic } from "../support/files.js";

export function createSlotPool(options: {
  readonly provider: SlotProvider;
  readonly count: number;
  /** `<audit folder>/slots` */
  readonly folder: string;
}): SlotPool {
  const { provider, folder } = options;
  const ledgerFile = join(folder, "ledger.json");
  const archive = join(folder, "archive");
  const leased = new Set<number>();
  let ledger: Promise<Map<number, Slot>> | null = null;
  let writing: Promise<void> = Promise.resolve();

  const change = async (edit: (slots: Map<number, Slot>) => void): Promise<void> => {
    ledger ??= readLedger(ledgerFile);
    const slots = await ledger;
    edit(slots);
    writing = writing.catch(() => undefined).then(() => writeFileAtomic(ledgerFile, ledgerText(provider.id, slots)));
    await writing;
  };

  const remove = async (slot: Slot): Promise<Result<string | null>> => {
    await mkdir(archive, { recursive: true });
    const removed = await provider.remove(slot, archive);
    if (removed.ok) await change((slots) => slots.delete(slot.number));
    return removed;
  };

  const make = async (number: number, signal: AbortSignal): Promise<Result<Slot>> => {
    const planned = provider.locate(number);
    await change((slots) => slots.set(number, planned));
    const made = await provider.create(number, signal);
    if (made.ok) return made;
    // What stood there before is not ours to remove.
    if (made.failure.code === "slot-exists") await change((slots) => slots.delete(number));
    else await remove(planned);
    return made;
  };

  return {
    async lease(signal) {
      const number = Array.from({ length: options.count }, (_, index) => index + 1).find((free) => !leased.has(free));
      if (number === undefined) throw new Error("BUG: more leases than slots");
      leased.add(number);
      // Also where the disk refuses the ledger: the next task would find no number.
      const free = (): boolean => leased.delete(number);
      const made = await make(number, signal).catch((error: unknown) => {
        free();
        throw error;
      });
      if (made.ok) return ok({ slot: made.value, release: () => remove(made.value).finally(free) });
      free();
      return made;
    },
    async clear() {
      ledger ??= readLedger(ledgerFile);
      const left: { slot: Slot; message: string }[] = [];
      for (const slot of [...(await ledger).values()]) {
        const removed = await remove(slot);
        if (!removed.ok) left.push({ slot, message: removed.failure.message });
      }
      return left;
    },
  };
}

function ledgerText(provider: string, slots: ReadonlyMap<number, Slot>): string {
  return `${JSON.stringify({ version: 1, provider, slots: [...slots.values()] }, null, 2)}\n`;
}

/** A ledger that cannot be read is as good as none: providers delete nothing without their own mark on it. */
async function readLedger(file: string): Promise<Map<number, Slot>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  try {
    const { slots = [] } = JSON.parse(text) as { slots?: Slot[] };
    return new Map(slots.filter((slot) => Number.isInteger(slot?.number)).map((slot) => [slot.number, slot]));
  } catch {
    return new Map();
  }
}
