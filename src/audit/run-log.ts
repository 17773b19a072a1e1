/**
 * What a run's events, taken in one by one, say of each of its nodes. Knows no file, no clock and no run that goes on.
 */
import type { AgentActivity } from "../model/agent.js";
import type { AuditEventLine } from "../model/events.js";
import type { NodeId, Outcome } from "../model/graph.js";
import type { Isolation } from "../model/isolation.js";
import type { Failure } from "../model/result.js";
import { nothingSpent, type Spent, spentAlso } from "../model/spending.js";

/** The agent of a task, and where it works. */
export interface Work {
  /** Such as `claude`. */
  readonly agent: string;
  readonly slot: number | null;
  readonly isolation: Isolation;
  /** Name of the tmux session in which it can, or could, be watched. */
  readonly session: string | null;
}

export interface NodeLog {
  state: "waiting" | "running" | Outcome;
  startedAt: number | null;
  duration: number;
  lastAt: string | null;
  message: string | null;
  findings: number;
  failure: Failure | null;
  work: Work | null;
  spent: Spent;
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
    case "at-work": {
      const { agent, slot, isolation, session } = event;
      change(log, event.node, event.at, { work: { agent, slot, isolation, session } });
      return;
    }
    case "agent": {
      const { node, activity } = event;
      const spent = activity.type === "spent" ? { spent: spentAlso(nodeIn(log, node).spent, activity.usage) } : {};
      const message = doing(activity);
      change(log, node, event.at, { ...spent, ...(message === null ? {} : { message }) });
      return;
    }
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

/** What it does, in a few words; null where that says nothing of it. */
export function doing(activity: AgentActivity): string | null {
  switch (activity.type) {
    case "says":
      return activity.text;
    case "uses":
      return `${activity.tool} ${activity.detail}`.trim();
    case "waits":
      return `waits: ${activity.why}`;
    case "started":
      return `${activity.version} has started`;
    default:
      return null;
  }
}

function nodeIn(log: RunLog, node: NodeId): NodeLog {
  let found = log.nodes.get(node);
  if (found === undefined) {
    found = {
      ...{ state: "waiting", startedAt: null, duration: 0, lastAt: null, message: null },
      ...{ findings: 0, failure: null, work: null, spent: nothingSpent },
    };
    log.nodes.set(node, found);
  }
  return found;
}

function change(log: RunLog, node: NodeId, at: string, change: Partial<NodeLog>): void {
  Object.assign(nodeIn(log, node), change, { lastAt: at });
}
