/**
 * When each node of a run started and ended, from its event log. Knows no terminal.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readEventLog } from "../execution/event-log.js";
import type { AuditEventLine } from "../model/events.js";
import type { NodeId, Outcome } from "../model/graph.js";

export interface TimelineRow {
  readonly node: NodeId;
  /** Milliseconds since the run started. */
  readonly start: number;
  readonly end: number;
  /** Null where the log ends before the node did: the run was killed, or still goes on. */
  readonly outcome: Outcome | null;
}

export interface Timeline {
  readonly run: string;
  readonly startedAt: string;
  /** Milliseconds from the first event to the last. */
  readonly duration: number;
  /** Nodes that ran, by start; reused ones are only counted. */
  readonly rows: readonly TimelineRow[];
  readonly reused: number;
}

/** The newest run where none is named; null where there is no such run. One that was refused has no events. */
export async function readTimeline(dir: string, run: string | null): Promise<Timeline | null> {
  const runs = (await readdir(join(dir, "runs")).catch(() => [])).sort().reverse();
  for (const each of runs.filter((name) => run === null || name === run)) {
    const events = await readEventLog(join(dir, "runs", each, "events.jsonl")).more();
    if (events.length > 0 || run !== null) return timelineOf(each, events);
  }
  return null;
}

export function timelineOf(run: string, events: readonly AuditEventLine[]): Timeline {
  const times = events.map(({ at }) => Date.parse(at));
  const origin = times[0] ?? 0;
  const last = times.at(-1) ?? origin;
  const started = new Map<NodeId, number>();
  const rows: TimelineRow[] = [];
  let reused = 0;
  for (const [index, event] of events.entries()) {
    const now = (times[index] ?? origin) - origin;
    if (event.type === "started") started.set(event.node, now);
    if (event.type === "reused") reused += event.nodes.length;
    if (event.type !== "settled") continue;
    const start = started.get(event.node);
    if (event.outcome === "reused") reused += 1;
    if (start !== undefined) rows.push({ node: event.node, start, end: now, outcome: event.outcome });
    started.delete(event.node);
  }
  for (const [node, start] of started) rows.push({ node, start, end: last - origin, outcome: null });
  rows.sort((left, right) => left.start - right.start);
  return { run, startedAt: events[0]?.at ?? "", duration: last - origin, rows, reused };
}
