/**
 * How the audit in a folder stands: a row a task and totals, from the event log of the run that goes on, or else of the last.
 * Takes no lock, decides nothing, knows no terminal.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type EventReader, readEventLog } from "../execution/event-log.js";
import { runsIn } from "../execution/runs.js";
import type { AuditEventLine } from "../model/events.js";
import type { NodeId, Outcome } from "../model/graph.js";
import type { Failure } from "../model/result.js";
import { ownerOf } from "../tasks/task-list.js";
import { runHolder } from "./ask.js";

/** `killed`: it ran when its run was killed. */
export type NodeState = "waiting" | "running" | "killed" | Outcome;

export interface StatusRow {
  readonly node: NodeId;
  readonly state: NodeState;
  /** The agent's name, once it has started. */
  readonly owner: string | null;
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
  readonly totals: Readonly<Record<NodeState, number>> & { readonly findings: number };
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

interface NodeLog {
  state: "waiting" | "running" | Outcome;
  startedAt: number | null;
  duration: number;
  lastAt: string | null;
  message: string | null;
  findings: number;
  failure: Failure | null;
}

export interface RunLog {
  startedAt: string | null;
  lastAt: string | null;
  exitCode: number | null;
  readonly nodes: Map<NodeId, NodeLog>;
}

export function emptyLog(): RunLog {
  return { startedAt: null, lastAt: null, exitCode: null, nodes: new Map() };
}

/** Takes one event in. Events of other versions have types that say nothing here. */
export function take(log: RunLog, event: AuditEventLine): void {
  log.startedAt ??= event.at;
  log.lastAt = event.at;
  switch (event.type) {
    case "added":
      for (const node of event.nodes) nodeIn(log, node);
      return;
    case "reused":
      for (const node of event.nodes) nodeIn(log, node).state = "reused";
      return;
    case "started":
      change(log, event.node, event.at, { state: "running", startedAt: Date.parse(event.at), failure: null });
      return;
    case "progress":
      change(log, event.node, event.at, { message: event.message });
      return;
    case "finding":
      change(log, event.node, event.at, { findings: nodeIn(log, event.node).findings + 1 });
      return;
    case "reopened":
      change(log, event.node, event.at, { state: "waiting", startedAt: null, message: null, failure: null });
      return;
    case "settled": {
      const failure = event.failure ?? null;
      change(log, event.node, event.at, { state: event.outcome, duration: event.duration, failure });
      return;
    }
    case "run-settled":
      log.exitCode = event.exitCode;
  }
}

function nodeIn(log: RunLog, node: NodeId): NodeLog {
  let found = log.nodes.get(node);
  if (found === undefined) {
    found = { state: "waiting", startedAt: null, duration: 0, lastAt: null, message: null, findings: 0, failure: null };
    log.nodes.set(node, found);
  }
  return found;
}

function change(log: RunLog, node: NodeId, at: string, change: Partial<NodeLog>): void {
  Object.assign(nodeIn(log, node), change, { lastAt: at });
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
    totals: { ...totals, findings: tasks.reduce((sum, { findings }) => sum + findings, 0) },
    stages: rows.filter(({ node }) => !isTask(node)),
    tasks,
  };
}

function rowOf(node: NodeId, log: NodeLog, until: number, goesOn: boolean): StatusRow {
  const runs = log.state === "running";
  const since = log.startedAt ?? until;
  return {
    node,
    state: runs && !goesOn ? "killed" : log.state,
    owner: log.startedAt === null || !isTask(node) ? null : ownerOf(taskOf(node)),
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
