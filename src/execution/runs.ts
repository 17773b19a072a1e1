/**
 * Folders of old runs in the audit folder: which of them go. Nothing decides on reuse by them.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** The newest ones stay however old, and the younger ones however many. */
const keptRuns = 20;
const keptFor = 30 * 24 * 60 * 60 * 1000;

/** As `runId` writes it; what is called otherwise is none of ours. */
const runName = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(\d{3})$/;

/** Whether this is a run's name, and so a safe part of a path. */
export function isRun(name: unknown): name is string {
  return typeof name === "string" && runName.test(name);
}

/** Removes the folders of runs that are neither among the newest 20 nor younger than 30 days; resolves to their names. */
export async function pruneRuns(dir: string, now: Date): Promise<readonly string[]> {
  const folder = join(dir, "runs");
  const old = oldRuns(await runsIn(dir), now);
  for (const name of old) await rm(join(folder, name), { recursive: true, force: true });
  return old;
}

/** Names of runs, oldest first. A link that somebody has put there is no run. */
export async function runsIn(dir: string): Promise<readonly string[]> {
  const entries = await readdir(join(dir, "runs"), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory() && runName.test(entry.name))
    .map(({ name }) => name)
    .sort();
}

export function oldRuns(names: readonly string[], now: Date): readonly string[] {
  const beyond = [...names].sort().slice(0, -keptRuns);
  return beyond.filter((name) => now.getTime() - startOf(name) > keptFor);
}

function startOf(name: string): number {
  return Date.parse(name.replace(runName, "$1-$2-$3T$4:$5:$6.$7Z"));
}
