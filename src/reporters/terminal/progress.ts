/**
 * What a run's events add up to: how many nodes are where, which ones run, which ones failed, how long it may take.
 * Every event costs the same, however many nodes there are. Knows neither terminal nor clock.
 */
import type { AuditEvent } from "../../model/events.js";
import type { NodeId, Outcome } from "../../model/graph.js";
import type { Failure } from "../../model/result.js";

export interface RunningNode {
  readonly node: NodeId;
  readonly since: number;
  /** The last progress message; empty before the first. */
  message: string;
  done: number | null;
  total: number | null;
}

export interface FailedNode {
  readonly node: NodeId;
  readonly failure: Failure | null;
}

export interface Progress {
  /** Time of the first event; null before it. */
  startedAt: number | null;
  readonly nodes: Set<NodeId>;
  readonly settled: Map<NodeId, Outcome>;
  readonly outcomes: Record<Outcome, number>;
  /** In the order of their starts. */
  readonly running: Map<NodeId, RunningNode>;
  readonly failures: FailedNode[];
  readonly findings: Map<NodeId, number>;
  readonly investigations: { firstStart: number | null; added: number; settled: number; executed: number };
}

export function createProgress(): Progress {
  return {
    startedAt: null,
    nodes: new Set(),
    settled: new Map(),
    outcomes: { executed: 0, reused: 0, failed: 0, blocked: 0, cancelled: 0 },
    running: new Map(),
    failures: [],
    findings: new Map(),
    investigations: { firstStart: null, added: 0, settled: 0, executed: 0 },
  };
}

/** Takes one event in; `now` in milliseconds, of any one clock. */
export function advance(progress: Progress, event: AuditEvent, now: number): void {
  progress.startedAt ??= now;
  switch (event.type) {
    case "added":
      for (const node of event.nodes) join(progress, node);
      break;
    case "reused":
      for (const node of event.nodes) settle(progress, node, "reused", null);
      break;
    case "reopened":
      reopen(progress, event.node);
      break;
    case "started":
      join(progress, event.node);
      progress.running.set(event.node, { node: event.node, since: now, message: "", done: null, total: null });
      if (isInvestigation(event.node)) progress.investigations.firstStart ??= now;
      break;
    case "progress": {
      const running = progress.running.get(event.node);
      if (running === undefined) break;
      running.message = event.message;
      running.done = event.done ?? null;
      running.total = event.total ?? null;
      break;
    }
    case "finding":
      progress.findings.set(event.node, (progress.findings.get(event.node) ?? 0) + 1);
      break;
    case "settled":
      settle(progress, event.node, event.outcome, event.failure ?? null);
      break;
    case "run-started":
    case "run-settled":
    case "request":
    case "warning":
      break;
  }
}

function join(progress: Progress, node: NodeId): void {
  if (progress.nodes.has(node)) return;
  progress.nodes.add(node);
  if (isInvestigation(node)) progress.investigations.added += 1;
}

function settle(progress: Progress, node: NodeId, outcome: Outcome, failure: Failure | null): void {
  join(progress, node);
  if (progress.settled.has(node)) return;
  progress.settled.set(node, outcome);
  progress.running.delete(node);
  progress.outcomes[outcome] += 1;
  if (outcome === "failed") progress.failures.push({ node, failure });
  if (!isInvestigation(node)) return;
  progress.investigations.settled += 1;
  if (outcome === "executed" || outcome === "failed") progress.investigations.executed += 1;
}

function reopen(progress: Progress, node: NodeId): void {
  const outcome = progress.settled.get(node);
  if (outcome === undefined) return;
  progress.settled.delete(node);
  progress.outcomes[outcome] -= 1;
  const failure = progress.failures.findIndex((failed) => failed.node === node);
  if (failure >= 0) progress.failures.splice(failure, 1);
  if (isInvestigation(node)) progress.investigations.settled -= 1;
}

export function waitingCount(progress: Progress): number {
  return progress.nodes.size - progress.settled.size - progress.running.size;
}

/**
 * Milliseconds until the investigations are through, at the pace so far; null while there is no pace to speak of.
 * Only what was executed makes a pace: reused ones cost nothing and say nothing of the rest.
 */
export function timeLeft(progress: Progress, now: number): number | null {
  const { firstStart, added, settled, executed } = progress.investigations;
  if (firstStart === null || executed < 2 || settled === added) return null;
  return ((now - firstStart) / executed) * (added - settled);
}

function isInvestigation(node: NodeId): boolean {
  return node.startsWith("investigate:");
}
