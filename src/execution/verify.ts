/**
 * Looks at everything that the trace store has written, byte for byte: a run trusts what it does not read.
 */
import { join } from "node:path";
import { sha256 } from "../model/digest.js";
import type { Trace } from "../model/graph.js";
import { ok, type Result } from "../model/result.js";
import { type Disk, realDisk } from "../support/disk.js";
import { worthKeeping } from "./journal.js";
import { loadJournal } from "./journal-file.js";
import { listObjects } from "./objects.js";
import { damagedOutput, rewrite } from "./traces.js";

export interface Verification {
  /** Lines of the journal that can be read. */
  readonly traces: number;
  /** Output files, whole and damaged. */
  readonly outputs: number;
  /** Outputs that no trace names: of lost lines, or of a run that was killed. They harm nothing. */
  readonly unused: number;
  /** What is not as it was written, one message each. */
  readonly damage: readonly string[];
}

/** Changes nothing. Failure code: state-unreadable. */
export async function verifyTraces(folder: string, disk: Disk = realDisk): Promise<Result<Verification>> {
  const inspected = await inspect(folder, disk);
  return inspected.ok ? ok(inspected.value.verification) : inspected;
}

/**
 * Takes out of the store what is damaged, and outputs that nobody names; resolves to what was damaged.
 * The caller holds run.lock. Failure code: state-unreadable.
 */
export async function dropDamage(folder: string, disk: Disk = realDisk): Promise<Result<readonly string[]>> {
  const inspected = await inspect(folder, disk);
  if (!inspected.ok) return inspected;
  const { verification, whole } = inspected.value;
  if (verification.damage.length > 0 || verification.unused > 0) await rewrite(folder, worthKeeping(whole), disk);
  return ok(verification.damage);
}

/** `whole`: the traces whose outputs are as they were written. */
async function inspect(
  folder: string,
  disk: Disk,
): Promise<Result<{ readonly verification: Verification; readonly whole: readonly Trace[] }>> {
  const journal = await loadJournal(folder, disk);
  if (!journal.ok) return journal;
  const { traces, damage } = journal.value;
  const files = await listObjects(join(folder, "objects"), disk).catch(() => []);
  const outputs = new Map<string, string | null>();
  for (const { file, digest } of files) {
    if (digest === null) continue;
    const complaint = await complaintOf(file, digest, disk);
    outputs.set(digest, complaint === null ? null : `${file.slice(folder.length + 1)}: ${complaint}`);
  }
  const damaged = [...outputs.values()].filter((complaint) => complaint !== null);
  const missing = traces.filter(({ output }) => !outputs.has(output)).map((trace) => damagedOutput(trace, "missing"));
  const named = new Set(traces.map(({ output }) => output));
  const verification: Verification = {
    traces: traces.length,
    outputs: outputs.size,
    unused: [...outputs.keys()].filter((digest) => !named.has(digest)).length,
    damage: [...damage, ...damaged, ...missing],
  };
  return ok({ verification, whole: traces.filter(({ output }) => outputs.get(output) === null) });
}

async function complaintOf(file: string, digest: string, disk: Disk): Promise<string | null> {
  const content = await disk.read(file).catch((error: Error) => error);
  if (content instanceof Error) return content.message;
  return sha256(content) === digest ? null : "is not what was written";
}
