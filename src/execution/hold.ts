/**
 * The audit folder for one process: its lock, and the record of what it starts. Whoever takes it over from a run that
 * was killed first ends what that run had started, which would race it otherwise.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ok, type Result } from "../model/result.js";
import { endLeftovers, keepRecord, type Leftovers } from "../support/process-record.js";
import { acquireLock, lockHolder } from "./lock.js";

export interface Hold {
  /** What a dead run had left running, one message each. */
  readonly warnings: readonly string[];
  readonly giveBack: () => Promise<void>;
}

/** @param dir the audit folder, which exists. @param run the run it is for; null: for something else. Failure code: state-locked. */
export async function takeFolder(dir: string, now: () => Date, run: string | null = null): Promise<Result<Hold>> {
  const lock = await patiently(join(dir, "run.lock"), now, run);
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

/** Longest wait for somebody who holds the folder for a moment and is no run; one of them may wait for a slow query. */
const patience = 60_000;

async function patiently(file: string, now: () => Date, run: string | null): ReturnType<typeof acquireLock> {
  const start = performance.now();
  for (;;) {
    const lock = await acquireLock(file, now, run);
    if (lock.ok || performance.now() - start > patience) return lock;
    const holder = await lockHolder(file);
    if (holder !== null && (holder.run !== null || holder.host !== hostname())) return lock;
    await sleep(50);
  }
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
