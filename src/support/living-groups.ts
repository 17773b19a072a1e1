/**
 * Which groups of processes of ours run, so that our end is theirs as well: a detached group gets no Ctrl-C from the terminal.
 * Knows neither what they are nor how they are started.
 */
import { signalGroup } from "./process-group.js";

/** Group leaders that may still run. */
export const living = new Set<number>();
const deadlySignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Processes that run or start. */
let guarded = 0;

/** To be called before a process starts: a signal that comes meanwhile must find us listening. */
export function guard(): void {
  guarded += 1;
  if (guarded > 1) return;
  process.on("exit", killAllProcesses);
  for (const signal of deadlySignals) process.on(signal, dieWithChildren);
}

/** To be called when it has ended, or could not be started. */
export function unguard(): void {
  guarded -= 1;
  if (guarded > 0) return;
  process.off("exit", killAllProcesses);
  for (const signal of deadlySignals) process.off(signal, dieWithChildren);
}

/** Kills every group that runs now, at once: for the second Ctrl-C. */
export function killAllProcesses(): void {
  for (const pid of living) signalGroup(pid, "SIGKILL");
}

/** Lets `killAllProcesses`, and our own death, take a group along that someone else spawned. Returns its release. */
export function holdGroup(pid: number): () => void {
  guard();
  living.add(pid);
  return () => {
    living.delete(pid);
    unguard();
  };
}

/** Does what the signal would have done by itself; where someone else listens, ending is theirs to decide. */
function dieWithChildren(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAllProcesses();
  process.off(signal, dieWithChildren);
  process.kill(process.pid, signal);
}
