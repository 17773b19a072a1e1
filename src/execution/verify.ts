/**
 * Looks at everything that the trace store has written, byte for byte: a run trusts what it does not read.
 * Changes nothing.
 */
import { join } from "node:path";
import { sha256 } from "../model/digest.js";
import type { Trace } from "../model/graph.js";
import { ok, type Result } from "../model/result.js";
import { type Disk, realDisk } from "../support/disk.js";
import { listObjects } from "./objects.js";
import { loadJournal } from "./traces.js";

export interface Verification {
  /** Traces that can be used. */
  readonly traces: number;
  /** Output files, whole and damaged. */
  readonly outputs: number;
  /** Outputs that no trace names: of lost lines, or of a run that was killed. They harm nothing. */
  readonly unused: number;
  /** What is not as it was written, one message each. */
  readonly damage: readonly string[];
}

/** Failure code: state-unreadable. */
export async function verifyTraces(folder: string, disk: Disk = realDisk): Promise<Result<Verification>> {
  const journal = await loadJournal(folder, disk);
  if (!journal.ok) return journal;
  const { traces, damage } = journal.value;
  const objects = join(folder, "objects");
  const files = await listObjects(objects, disk).catch(() => []);
  const outputs = files.filter(({ digest }) => digest !== null);

  const damaged: string[] = [];
  for (const { file, digest } of outputs) {
    const content = await disk.read(file).catch((error: Error) => error);
    const complaint =
      content instanceof Error ? content.message : sha256(content) === digest ? null : "is not what was written";
    if (complaint !== null) damaged.push(`${file.slice(folder.length + 1)}: ${complaint}`);
  }
  const there = new Set(outputs.map(({ digest }) => digest));
  const missing = traces.filter(({ output }) => !there.has(output)).map(missingOutput);
  const named = new Set(traces.map(({ output }) => output));
  const unused = outputs.filter(({ digest }) => digest !== null && !named.has(digest)).length;
  return ok({
    traces: traces.length,
    outputs: outputs.length,
    unused,
    damage: [...damage, ...damaged, ...missing],
  });
}

function missingOutput({ subject, run, output }: Trace): string {
  return `objects/${output.slice(0, 2)}/${output.slice(2)}.json: is missing; it is what run ${run} found of ${subject}`;
}
