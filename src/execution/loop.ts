/**
 * The one loop that runs a graph: the schedule says what may start, the pools when, the stage shows it,
 * and a runner does the work. Every change of a node's state goes through `settle` below.
 * Knows no kind of node.
 */
import { createSchedule } from "../graph/schedule.js";
import type { AuditEvent } from "../model/events.js";
import type { AuditGraph, AuditNode, NodeEnd, NodeId, Outcome, Settled } from "../model/graph.js";
import type { Failure } from "../model/result.js";
import type { Pools } from "./pools.js";

/** Shows nodes; a listr2 in the real program. */
export interface Stage {
  /** Also of a node that has ended, which may run once more then. */
  add(node: NodeId): void;
  run(node: NodeId, work: () => Promise<Settled>): Promise<Settled>;
  end(): Promise<void>;
}

export interface LoopOptions {
  readonly graph: AuditGraph;
  /** Does the work of one node. Must not throw for what the world refuses. Its signal is aborted when this node is stopped. */
  readonly runNode: (node: AuditNode, signal: AbortSignal) => Promise<NodeEnd>;
  readonly pools: Pools;
  readonly stage: Stage;
  readonly emit: (event: AuditEvent) => void;
  /** Aborted: nothing new starts but `collect` and `cleanup`; what runs is told by its own signal. */
  readonly signal: AbortSignal;
  /** After the first failed node nothing new starts but `collect` and `cleanup`; what runs may finish. */
  readonly failFast?: boolean;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** Told once, at the start, how to interfere. */
  readonly controls?: (controls: LoopControls) => void;
}

/** Interferes with single nodes while the graph runs. Answers tell how it stood before; `unknown`: there is no such node. */
export interface LoopControls {
  /** Ends the node if it runs, and cancels it with this failure if it waits for a place in a pool. */
  stop(node: NodeId, failure: Failure): "running" | "waiting" | "settled" | "unknown";
  /** Runs a node once more that has failed or was cancelled. */
  retry(node: NodeId): "reopened" | "open" | "well" | "late" | "unknown";
  /** Nodes that have failed or were cancelled so far. */
  failed(): readonly NodeId[];
  /**
   * Nothing new starts but `collect` and `cleanup`: what waits is cancelled for this reason, what runs may finish. Answers how
   * many nodes that were.
   */
  halt(failure: Failure): number;
}

/** One pass of a node through the pools. */
interface Pass {
  readonly node: AuditNode;
  readonly abort: AbortController;
  runs: boolean;
  /** Settled while it waited for a place; when its turn comes there is nothing left to do. */
  isVoid: boolean;
}

export async function runGraph(options: LoopOptions): Promise<ReadonlyMap<NodeId, Settled>> {
  const { stage, emit, clock } = options;
  const schedule = createSchedule(options.graph);
  const settled = new Map<NodeId, Settled>();
  const passes = new Map<NodeId, Pass>();
  const ran = new Set<NodeId>();
  let halted = false;
  let haltedFor: { readonly failure: Failure } | Record<string, never> = {};
  let over = false;
  let running = 0;
  let bug: { readonly error: unknown } | null = null;
  let wake: () => void = () => undefined;

  const note = (end: Settled): void => {
    settled.set(end.node, end);
    emit({ type: "settled", ...end });
  };
  const noteAll = (ends: readonly { node: NodeId; outcome: Outcome }[]): void => {
    for (const end of ends) note({ ...end, ...(end.outcome === "cancelled" && haltedFor), duration: 0 });
  };
  const settle = (end: Settled): void => {
    note(end);
    noteAll(schedule.settle(end.node, end.outcome));
  };
  const join = (graph: AuditGraph): void => {
    for (const node of graph.nodes) stage.add(node.id);
    if (graph.nodes.length > 0) emit({ type: "added", nodes: graph.nodes.map((node) => node.id) });
  };
  /** Neither the schedule nor the stage hears of them: ten thousand cost one event. */
  const reuse = (nodes: readonly NodeId[]): void => {
    for (const node of nodes) settled.set(node, { node, outcome: "reused", duration: 0 });
    if (nodes.length > 0) emit({ type: "reused", nodes });
  };

  const halt = (): void => {
    if (halted) return;
    halted = true;
    noteAll(schedule.cancel());
  };

  /** Settled while it waits for a place. */
  const drop = (pass: Pass, failure: Failure): void => {
    pass.isVoid = true;
    passes.delete(pass.node.id);
    settle({ node: pass.node.id, outcome: "cancelled", failure, duration: 0 });
  };

  const perform = async (pass: Pass): Promise<void> => {
    const { node } = pass;
    let joining: Pick<NodeEnd, "adds" | "reused"> = {};
    const end = await options.pools.use(node.pools, async (): Promise<Settled | null> => {
      if (pass.isVoid) return null;
      // Cancelled while it waited for a place in a pool.
      if (halted && !runsAnyhow(node)) {
        return { node: node.id, outcome: "cancelled", duration: 0 };
      }
      pass.runs = true;
      ran.add(node.id);
      const ended = await stage.run(node.id, async () => {
        emit({ type: "started", node: node.id });
        const start = clock();
        const { adds, reused, ...rest } = await options.runNode(node, pass.abort.signal);
        joining = { ...(adds && { adds }), ...(reused && { reused }) };
        return { node: node.id, ...rest, duration: Math.round(clock() - start) };
      });
      // Before the place in the pool is free: whoever waits for it would start.
      if (ended.outcome === "failed" && options.failFast) halt();
      return ended;
    });
    if (end === null) return;
    passes.delete(node.id);
    if (joining.adds !== undefined) {
      schedule.add(joining.adds);
      join(joining.adds);
    }
    reuse(joining.reused ?? []);
    settle(end);
  };

  const start = (node: AuditNode): void => {
    const pass: Pass = { node, abort: new AbortController(), runs: false, isVoid: false };
    passes.set(node.id, pass);
    running += 1;
    perform(pass)
      .catch((error: unknown) => {
        bug ??= { error };
      })
      .finally(() => {
        running -= 1;
        wake();
      });
  };

  const startReady = (): void => {
    for (const node of schedule.takeReady()) start(node);
  };

  options.controls?.({
    stop(node, failure) {
      const pass = passes.get(node);
      if (pass === undefined) return settled.has(node) ? "settled" : "unknown";
      if (pass.runs) {
        pass.abort.abort(failure);
        return "running";
      }
      drop(pass, failure);
      wake();
      return "waiting";
    },
    retry(node) {
      const end = settled.get(node);
      if (end === undefined) return passes.has(node) ? "open" : "unknown";
      if (end.outcome === "executed" || end.outcome === "reused") return "well";
      if (over || !schedule.reopen(node)) return "late";
      settled.delete(node);
      if (ran.delete(node)) stage.add(node);
      emit({ type: "reopened", node });
      // At once: between two states nobody could stop it.
      startReady();
      return "reopened";
    },
    failed: () =>
      [...settled.values()]
        .filter(({ outcome }) => outcome === "failed" || outcome === "cancelled")
        .map(({ node }) => node),
    halt(failure) {
      if (halted) return 0;
      const before = settled.size;
      haltedFor = { failure };
      halt();
      for (const pass of [...passes.values()]) if (!pass.runs && !runsAnyhow(pass.node)) drop(pass, failure);
      wake();
      return settled.size - before;
    },
  });
  options.signal.addEventListener("abort", halt, { once: true });
  if (options.signal.aborted) halt();
  join(options.graph);
  while (schedule.unsettled > 0 && bug === null) {
    startReady();
    if (schedule.unsettled === 0) break;
    if (running === 0) throw new Error("BUG: nothing runs and nothing may start, but nodes are left");
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  over = true;
  options.signal.removeEventListener("abort", halt);
  await stage.end();
  if (bug !== null) throw (bug as { error: unknown }).error;
  return settled;
}

function runsAnyhow({ kind }: AuditNode): boolean {
  return kind === "collect" || kind === "cleanup";
}
