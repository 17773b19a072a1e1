/**
 * How long a graph takes, if its nodes take this long: by the schedule of a real run, and pools that serve who comes first.
 * Simulated; runs nothing, and knows nothing of where durations come from.
 */
import type { AuditGraph, AuditNode, NodeId, PoolName } from "../model/graph.js";
import { createSchedule } from "./schedule.js";

/** Milliseconds. @param places how many nodes each pool takes at a time. */
export function makespan(
  graph: AuditGraph,
  duration: (node: NodeId) => number,
  places: Readonly<Record<PoolName, number>>,
): number {
  const schedule = createSchedule(graph);
  const free = { ...places };
  const queues: Record<PoolName, { node: AuditNode; next: number }[]> = { agent: [], slots: [], warehouse: [] };
  const running = new Map<AuditNode, number>();
  let now = 0;

  /** In the order of the pools' names, as execution/pools.ts does; then the node starts. */
  const request = (node: AuditNode, next: number): void => {
    const pool = [...node.pools].sort()[next];
    if (pool === undefined) running.set(node, now + duration(node.id));
    else if (free[pool] === 0) queues[pool].push({ node, next: next + 1 });
    else {
      free[pool] -= 1;
      request(node, next + 1);
    }
  };
  const release = (node: AuditNode): void => {
    for (const pool of node.pools) {
      const first = queues[pool].shift();
      if (first === undefined) free[pool] += 1;
      else request(first.node, first.next);
    }
  };

  for (;;) {
    for (const node of schedule.takeReady()) request(node, 0);
    const first = earliest(running);
    if (first === null) return now;
    now = first.end;
    running.delete(first.node);
    schedule.settle(first.node.id, "executed");
    release(first.node);
  }
}

function earliest(running: ReadonlyMap<AuditNode, number>): { readonly node: AuditNode; readonly end: number } | null {
  let first: { node: AuditNode; end: number } | null = null;
  for (const [node, end] of running) if (first === null || end < first.end) first = { node, end };
  return first;
}
