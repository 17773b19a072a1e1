/**
 * When each node of a run started and ended, from its event log. Knows no terminal.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
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

/** The newest run where none is named; null where there is no such run. */
export async function readTimeline(dir: string, run: string | null): Promise<Timeline | null> {
  const runs = (await readdir(join(dir, "runs")).catch(() => [])).sort();
  const chosen = run ?? runs.at(-1);
  if (chosen === undefined || !runs.includes(chosen)) return null;
  const text = await readFile(join(dir, "runs", chosen, "events.jsonl"), "utf8").catch(() => "");
  return timelineOf(chosen, text.split("\n").flatMap(parse));
}

/** A line that was cut off by a crash says nothing. */
function parse(line: string): AuditEventLine[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as AuditEventLine];
  } catch {
    return [];
  }
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
