/**
 * How the audit in a folder stands: a row a task and totals, from the event log of the run that goes on, or else of the last.
 * Takes no lock, decides nothing, knows no terminal.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type EventReader, readEventLog } from "../execution/event-log.js";
import { runsIn } from "../execution/runs.js";
import type { NodeId, Outcome } from "../model/graph.js";
import type { Failure } from "../model/result.js";
import { nothingSpent, type Spent } from "../model/spending.js";
import { ownerOf } from "../tasks/task-list.js";
import { runHolder } from "./ask.js";
import { emptyLog, type NodeLog, type RunLog, take, type Work } from "./run-log.js";

/** `killed`: it ran when its run was killed. */
export type NodeState = "waiting" | "running" | "killed" | Outcome;

type Nullable<Type> = { readonly [Key in keyof Type]: Type[Key] | null };

/** Of `Work` all is null until an agent is at work, and in logs of older versions. */
export interface StatusRow extends Nullable<Work> {
  readonly node: NodeId;
  readonly state: NodeState;
  /** The agent's name, once it has started. */
  readonly owner: string | null;
  /** What agents have told of it, in all attempts of this run. */
  readonly spent: Spent;
  /** Milliseconds that it ran, or has run. */
  readonly elapsed: number;
  /** ISO; null where nothing was heard of it. */
  readonly lastActivity: string | null;
  /** What it said last; a failure's message where it failed. */
  readonly message: string | null;
  readonly findings: number;
  readonly failure: Failure | null;
}

export interface Status {
  readonly version: 1;
  readonly state: "none" | "running" | "ended" | "killed";
  readonly run: string | null;
  readonly startedAt: string | null;
  /** Milliseconds, to now or to the end. */
  readonly elapsed: number;
  /** Once the run has ended by itself. */
  readonly exitCode: number | null;
  readonly process: { readonly pid: number; readonly host: string } | null;
  readonly totals: Readonly<Record<NodeState, number>> & { readonly findings: number; readonly spent: Spent };
  /** Nodes that are no tasks: `setup`, `summary`, … */
  readonly stages: readonly StatusRow[];
  readonly tasks: readonly StatusRow[];
}

/** Looks again each time it is called, and reads only what is new. */
export function watchStatus(dir: string, now: () => Date): () => Promise<Status> {
  let followed: { readonly run: string; readonly reader: EventReader; readonly log: RunLog } | null = null;
  return async () => {
    const holder = await runHolder(dir);
    const run = holder?.run ?? (await newestRun(dir));
    if (run === null) return statusOf(emptyLog(), { run, process: null, now: now() });
    if (followed?.run !== run) {
      followed = { run, reader: readEventLog(join(dir, "runs", run, "events.jsonl")), log: emptyLog() };
    }
    const { log, reader } = followed;
    for (const event of await reader.more()) take(log, event);
    const process = holder?.run === run ? { pid: holder.pid, host: holder.host } : null;
    return statusOf(log, { run, process, now: now() });
  };
}

/** One that was refused the folder has left a run's folder too, but no log. */
async function newestRun(dir: string): Promise<string | null> {
  for (const run of [...(await runsIn(dir))].reverse()) {
    const found = await stat(join(dir, "runs", run, "events.jsonl")).catch(() => null);
    if (found?.isFile()) return run;
  }
  return null;
}

export function statusOf(
  log: RunLog,
  seen: { readonly run: string | null; readonly process: Status["process"]; readonly now: Date },
): Status {
  const { run, process } = seen;
  const state = run === null ? "none" : process !== null ? "running" : log.exitCode === null ? "killed" : "ended";
  const until = process === null ? Date.parse(log.lastAt ?? "") : seen.now.getTime();
  const since = Date.parse(log.startedAt ?? "");
  const rows = [...log.nodes].map(([node, each]) => rowOf(node, each, until, state === "running"));
  const totals = { waiting: 0, running: 0, killed: 0, executed: 0, reused: 0, failed: 0, blocked: 0, cancelled: 0 };
  const tasks = rows.filter(({ node }) => isTask(node));
  for (const row of tasks) totals[row.state] += 1;
  return {
    version: 1,
    state,
    run,
    startedAt: log.startedAt,
    elapsed: Math.max(0, until - since || 0),
    exitCode: process === null ? log.exitCode : null,
    process,
    totals: {
      ...totals,
      findings: tasks.reduce((count, { findings }) => count + findings, 0),
      spent: tasks.reduce((all, { spent }) => together(all, spent), nothingSpent),
    },
    stages: rows.filter(({ node }) => !isTask(node)),
    tasks,
  };
}

function together(one: Spent, other: Spent): Spent {
  const { input, output, cached, turns, cost, unpriced } = other;
  return {
    ...{ input: one.input + input, output: one.output + output, cached: one.cached + cached },
    ...{ turns: one.turns + turns, cost: one.cost + cost, unpriced: one.unpriced + unpriced },
  };
}

function rowOf(node: NodeId, log: NodeLog, until: number, goesOn: boolean): StatusRow {
  const runs = log.state === "running";
  const since = log.startedAt ?? until;
  return {
    node,
    state: runs && !goesOn ? "killed" : log.state,
    owner: log.startedAt === null || !isTask(node) ? null : ownerOf(taskOf(node)),
    ...(log.work ?? { agent: null, slot: null, isolation: null, session: null }),
    spent: log.spent,
    elapsed: runs ? Math.max(0, until - since) : log.duration,
    lastActivity: log.lastAt,
    message: log.failure?.message ?? log.message,
    findings: log.findings,
    failure: log.failure,
  };
}

const prefix = "investigate:";

function isTask(node: NodeId): boolean {
  return node.startsWith(prefix);
}

export function taskOf(node: NodeId): string {
  return isTask(node) ? node.slice(prefix.length) : node;
}
