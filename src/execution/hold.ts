/**
 * The audit folder for one process: its lock, and the record of what it starts. Whoever takes it over from a run that
 * was killed first ends what that run had started, which would race it otherwise.
 */
import { join } from "node:path";
import { ok, type Result } from "../model/result.js";
import { endLeftovers, keepRecord, type Leftovers } from "../support/process-record.js";
import { acquireLock } from "./lock.js";

export interface Hold {
  /** What a dead run had left running, one message each. */
  readonly warnings: readonly string[];
  readonly giveBack: () => Promise<void>;
}

/** @param dir the audit folder, which exists. @param run the run it is for; null: for something else. Failure code: state-locked. */
export async function takeFolder(dir: string, now: () => Date, run: string | null = null): Promise<Result<Hold>> {
  const lock = await acquireLock(join(dir, "run.lock"), now, run);
  if (!lock.ok) return lock;
  const record = join(dir, "processes.jsonl");
  const warnings = messages(await endLeftovers(record));
  const close = keepRecord(record);
  const giveBack = async (): Promise<void> => {
    close();
    await lock.value();
  };
  return ok({ warnings, giveBack });
}

function messages({ ended, unsure }: Leftovers): readonly string[] {
  return [
    ...(ended.length === 0 ? [] : [`A run that was killed had left running, and it is ended now: ${ended.join(", ")}`]),
    ...unsure.map(
      ({ what, group }) =>
        `Process group ${group} may be what a run that was killed has left of ${what}; look, and end it: kill -- -${group}`,
    ),
  ];
}
