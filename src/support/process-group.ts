/**
 * Signals to process groups, and their end. Knows nothing of what runs in them; never needs `ps`.
 */
import { processesByProc } from "./process-table.js";

const pollInterval = 15;

/** Ends a group: TERM, and KILL after `grace` milliseconds. Resolves to whether nothing of it runs any more. */
export async function endGroup(group: number, grace: number): Promise<boolean> {
  if (!signalGroup(group, "SIGTERM")) return true;
  if (await isGone(group, grace)) return true;
  signalGroup(group, "SIGKILL");
  return isGone(group, 1_000);
}

/** False where no process of the group is left (or none that is ours). */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  // To the system 0 is our own group, and 1 everybody.
  if (!Number.isInteger(group) || group < 2) throw new Error(`BUG: ${group} is no group of a child`);
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

async function isGone(group: number, patience: number): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (signalGroup(group, 0) && !(await hasOnlyZombies(group))) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pollInterval));
  }
  return true;
}

/**
 * Orphans that ended stay as zombies until process 1 reaps them, which in a container may be late or never, and a group
 * of zombies still takes signals. Only Linux says so without `ps`; elsewhere process 1 reaps at once.
 */
async function hasOnlyZombies(group: number): Promise<boolean> {
  const all = await processesByProc();
  return all?.every((entry) => entry.group !== group || entry.isZombie) ?? false;
}
