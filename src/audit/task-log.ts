/**
 * The events of one task, of a run that goes on or has ended: finds the run, and follows its log. Takes no lock; knows no
 * terminal, and no agent's own log but its place.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readEventLog } from "../execution/event-log.js";
import { runsIn } from "../execution/runs.js";
import type { AuditEventLine } from "../model/events.js";
import type { NodeId } from "../model/graph.js";
import { runHolder } from "./ask.js";
import { emptyLog, type NodeLog, take } from "./run-log.js";

export type FoundTask =
  | { readonly kind: "found"; readonly run: string; readonly goesOn: boolean; readonly log: NodeLog }
  /** `tasks`: those of the newest run that has any. */
  | { readonly kind: "unknown"; readonly tasks: readonly NodeId[] };

/**
 * The run that goes on, where the task is not used again in it; else the newest in which an agent was at it; else the newest
 * that has the task at all. @param run only this one.
 */
export async function findTask(dir: string, node: NodeId, run: string | null): Promise<FoundTask> {
  const going = (await runHolder(dir))?.run ?? null;
  const runs = (await runsIn(dir)).filter((name) => run === null || name === run).reverse();
  let idle: FoundTask | null = null;
  let tasks: readonly NodeId[] = [];
  for (const name of runs) {
    const log = emptyLog();
    for (const event of await readEventLog(eventsOf(dir, name)).more()) take(log, event);
    const own = log.nodes.get(node);
    if (own !== undefined) {
      const found: FoundTask = { kind: "found", run: name, goesOn: name === going, log: own };
      if (own.startedAt !== null || own.work !== null || (found.goesOn && own.state === "waiting")) return found;
      idle ??= found;
    }
    if (tasks.length === 0) tasks = [...log.nodes.keys()].filter((id) => id.startsWith("investigate:"));
  }
  return idle ?? { kind: "unknown", tasks };
}

export type LogEnd = "settled" | "run-ended" | "so-far" | "interrupted";

/** Milliseconds between two looks, and every how many looks the run is looked for. */
const pause = 200;
const looksPerSign = 5;

/**
 * The task's events as they come, from the first one. Ends when the task has settled, or its run is no more, or the signal
 * is aborted; without `follow`, at the end of the log as it is. @param tell events of one look, in order
 */
export async function readTask(
  dir: string,
  run: string,
  node: NodeId,
  options: {
    readonly follow: boolean;
    readonly signal: AbortSignal;
    readonly tell: (events: readonly AuditEventLine[]) => void;
  },
): Promise<LogEnd> {
  const reader = readEventLog(eventsOf(dir, run));
  const log = emptyLog();
  const read = async (): Promise<void> => {
    const events = await reader.more();
    for (const event of events) take(log, event);
    options.tell(events.filter((event) => "node" in event && event.node === node));
  };
  const hasSettled = (): boolean => !["waiting", "running"].includes(log.nodes.get(node)?.state ?? "waiting");
  for (let look = 0; ; look += 1) {
    const isDead = look % looksPerSign === 0 && (await runHolder(dir))?.run !== run;
    // After that look: what its run wrote last is read too.
    await read();
    if (hasSettled()) return "settled";
    if (isDead || log.exitCode !== null) return "run-ended";
    if (!options.follow) return "so-far";
    await sleep(pause, undefined, { signal: options.signal }).catch(() => undefined);
    if (options.signal.aborted) return "interrupted";
  }
}

/** The newest log that the agent's program itself has left, absolute; where there is none, the run's events. */
export async function logFile(dir: string, run: string, task: string): Promise<string> {
  const folder = join(dir, "runs", run, "tasks", task);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^agent.*\.(log|jsonl)$/.test(name));
  // Of a program that prints its transcript on stdout, stderr has the lesser half.
  const best = names.some((name) => name.endsWith(".jsonl")) ? ".jsonl" : ".log";
  let newest = { file: eventsOf(dir, run), at: Number.NEGATIVE_INFINITY };
  for (const name of names.filter((each) => each.endsWith(best))) {
    const file = join(folder, name);
    const at = (await stat(file).catch(() => null))?.mtimeMs ?? Number.NEGATIVE_INFINITY;
    if (at > newest.at) newest = { file, at };
  }
  return newest.file;
}

function eventsOf(dir: string, run: string): string {
  return join(dir, "runs", run, "events.jsonl");
}
