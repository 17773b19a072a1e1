/**
 * The one loop that runs a graph: the schedule says what may start, the pools when, the stage shows it,
 * and a runner does the work. Every change of a node's state goes through `settle` below.
 * Knows no kind of node.
 */
import { createSchedule } from "../graph/schedule.js";
import type { AuditEvent } from "../model/events.js";
import type { AuditGraph, AuditNode, NodeEnd, NodeId, Outcome, Settled } from "../model/graph.js";
import type { Pools } from "./pools.js";

/** Shows nodes; a listr2 in the real program. */
export interface Stage {
  add(node: NodeId): void;
  run(node: NodeId, work: () => Promise<Settled>): Promise<Settled>;
  end(): Promise<void>;
}

export interface LoopOptions {
  readonly graph: AuditGraph;
  /** Does the work of one node. Must not throw for what the world refuses. */
  readonly runNode: (node: AuditNode) => Promise<NodeEnd>;
  readonly pools: Pools;
  readonly stage: Stage;
  readonly emit: (event: AuditEvent) => void;
  /** Aborted: nothing new starts but `collect` and `cleanup`; what runs is told by its own signal. */
  readonly signal: AbortSignal;
  /** After the first failed node nothing new starts but `collect` and `cleanup`; what runs may finish. */
  readonly failFast?: boolean;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
}

export async function runGraph(options: LoopOptions): Promise<ReadonlyMap<NodeId, Settled>> {
  const { stage, emit, clock } = options;
  const schedule = createSchedule(options.graph);
  const settled = new Map<NodeId, Settled>();
  let halted = false;
  let running = 0;
  let bug: { readonly error: unknown } | null = null;
  let wake: () => void = () => undefined;

  const note = (end: Settled): void => {
    settled.set(end.node, end);
    emit({ type: "settled", ...end });
  };
  const noteAll = (ends: readonly { node: NodeId; outcome: Outcome }[]): void => {
    for (const end of ends) note({ ...end, duration: 0 });
  };
  const join = (graph: AuditGraph): void => {
    for (const node of graph.nodes) stage.add(node.id);
    emit({ type: "added", nodes: graph.nodes.map((node) => node.id) });
  };

  const halt = (): void => {
    if (halted) return;
    halted = true;
    noteAll(schedule.cancel());
  };

  const perform = async (node: AuditNode): Promise<void> => {
    if (node.reused) {
      note({ node: node.id, outcome: "reused", duration: 0 });
      noteAll(schedule.settle(node.id, "reused"));
      return;
    }
    let adds: AuditGraph | undefined;
    const end = await options.pools.use(node.pools, async (): Promise<Settled> => {
      // Cancelled while it waited for a place in a pool.
      if (halted && node.kind !== "collect" && node.kind !== "cleanup") {
        return { node: node.id, outcome: "cancelled", duration: 0 };
      }
      const ended = await stage.run(node.id, async () => {
        emit({ type: "started", node: node.id });
        const start = clock();
        const { adds: added, ...rest } = await options.runNode(node);
        adds = added;
        return { node: node.id, ...rest, duration: Math.round(clock() - start) };
      });
      // Before the place in the pool is free: whoever waits for it would start.
      if (ended.outcome === "failed" && options.failFast) halt();
      return ended;
    });
    if (adds !== undefined) {
      schedule.add(adds);
      join(adds);
    }
    note(end);
    noteAll(schedule.settle(node.id, end.outcome));
  };

  options.signal.addEventListener("abort", halt, { once: true });
  if (options.signal.aborted) halt();
  join(options.graph);
  while (schedule.unsettled > 0 && bug === null) {
    for (const node of schedule.takeReady()) {
      running += 1;
      perform(node)
        .catch((error: unknown) => {
          bug ??= { error };
        })
        .finally(() => {
          running -= 1;
          wake();
        });
    }
    if (schedule.unsettled === 0) break;
    if (running === 0) throw new Error("BUG: nothing runs and nothing may start, but nodes are left");
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  options.signal.removeEventListener("abort", halt);
  await stage.end();
  if (bug !== null) throw (bug as { error: unknown }).error;
  return settled;
}
