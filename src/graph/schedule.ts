/**
 * Decides which node may start now, from how the others ended. A state machine without time, pools or work:
 * the loop in execution/ does what it says.
 */
import type { AuditGraph, AuditNode, Edge, NodeId, Outcome } from "../model/graph.js";

export interface Schedule {
  /** Adds nodes and edges; nodes may join while others run, but only behind nodes that have not started. */
  add(graph: AuditGraph): void;
  /** Nodes that may start now and were not handed out before; in the order in which they were added. */
  takeReady(): readonly AuditNode[];
  /** Says how a node ended. Answers the nodes that can now never start, each with its outcome. */
  settle(
    node: NodeId,
    outcome: Outcome,
  ): readonly { readonly node: NodeId; readonly outcome: "blocked" | "cancelled" }[];
  /**
   * A node that has settled may start once more; what comes after it waits again. False where that is too late: something
   * behind it has started or can start no more, or nothing new starts. The node must have settled.
   */
  reopen(node: NodeId): boolean;
  /** Nothing new starts from now on but what only waits for others to settle (`collect`, `cleanup`). */
  cancel(): readonly { readonly node: NodeId; readonly outcome: "cancelled" }[];
  readonly unsettled: number;
}

interface State {
  readonly node: AuditNode;
  waiting: number;
  phase: "waiting" | "ready" | "taken" | "settled";
  /** Once it has settled. */
  outcome: Outcome | null;
  /** How many nodes before a `needs` or `order` edge to it did not end well. */
  blockers: number;
  readonly outgoing: Edge[];
  /** Some edge to it is no `after`. */
  hard: boolean;
  /** It only waits for others to settle: such a node runs even when the audit was cancelled. */
  onlyAfter: boolean;
}

export function createSchedule(graph: AuditGraph): Schedule {
  const states = new Map<NodeId, State>();
  let ready: State[] = [];
  let unsettled = 0;
  let cancelled = false;

  const find = (id: NodeId): State => {
    const state = states.get(id);
    if (state === undefined) throw new Error(`BUG: the graph has no node ${id}`);
    return state;
  };

  const wake = (state: State): void => {
    if (state.phase !== "waiting" || state.waiting > 0) return;
    state.phase = "ready";
    ready.push(state);
  };

  /** Settles one node and whatever can no longer start because of it. Iterative: graphs of 10,000 nodes are normal. */
  const settleAll = (first: State, outcome: Outcome): { node: NodeId; outcome: "blocked" | "cancelled" }[] => {
    const given: { node: NodeId; outcome: "blocked" | "cancelled" }[] = [];
    const queue: [State, Outcome][] = [[first, outcome]];
    for (const [state, ended] of queue) {
      if (state.phase === "settled") throw new Error(`BUG: ${state.node.id} settled twice`);
      state.phase = "settled";
      state.outcome = ended;
      unsettled -= 1;
      for (const edge of state.outgoing) {
        const target = find(edge.to);
        if (target.phase === "settled") continue;
        target.waiting -= 1;
        if (blocks(edge, ended)) target.blockers += 1;
        if (target.waiting > 0) continue;
        if (target.blockers > 0) {
          const outcome = cancelled || ended === "cancelled" ? "cancelled" : "blocked";
          given.push({ node: target.node.id, outcome });
          queue.push([target, outcome]);
        } else if (cancelled && !target.onlyAfter && target.node.kind !== "collect") {
          given.push({ node: target.node.id, outcome: "cancelled" });
          queue.push([target, "cancelled"]);
        } else {
          wake(target);
        }
      }
    }
    return given;
  };

  const add = (addition: AuditGraph): void => {
    for (const node of addition.nodes) {
      if (states.has(node.id)) throw new Error(`BUG: node ${node.id} was added twice`);
      states.set(node.id, {
        node,
        waiting: 0,
        phase: "waiting",
        outcome: null,
        blockers: 0,
        outgoing: [],
        hard: false,
        onlyAfter: false,
      });
      unsettled += 1;
    }
    for (const edge of addition.edges) {
      const [from, to] = [find(edge.from), find(edge.to)];
      to.hard ||= edge.kind !== "after";
      to.onlyAfter = !to.hard;
      if (to.phase !== "waiting") throw new Error(`BUG: an edge to ${edge.to}, which has started`);
      if (from.phase === "settled") continue;
      from.outgoing.push(edge);
      to.waiting += 1;
    }
    for (const node of addition.nodes) wake(find(node.id));
  };

  add(graph);
  return {
    add,
    takeReady() {
      const taken = ready;
      ready = [];
      for (const state of taken) state.phase = "taken";
      return taken.map((state) => state.node);
    },
    settle: (node, outcome) => settleAll(find(node), outcome),
    reopen(node) {
      const state = find(node);
      if (state.phase !== "settled") throw new Error(`BUG: ${node} is reopened and has not settled`);
      const behind = state.outgoing.map((edge) => ({ edge, target: find(edge.to) }));
      const isLate = cancelled || behind.some(({ target }) => target.phase === "taken" || target.phase === "settled");
      if (isLate || state.blockers > 0) return false;
      for (const { edge, target } of behind) {
        target.waiting += 1;
        if (blocks(edge, state.outcome)) target.blockers -= 1;
        if (target.phase !== "ready") continue;
        target.phase = "waiting";
        ready = ready.filter((other) => other !== target);
      }
      state.phase = "waiting";
      state.outcome = null;
      unsettled += 1;
      wake(state);
      return true;
    },
    cancel() {
      cancelled = true;
      const runsAnyhow = (state: State): boolean => state.onlyAfter || state.node.kind === "collect";
      const stopped = ready.filter((state) => !runsAnyhow(state));
      ready = ready.filter(runsAnyhow);
      return stopped.flatMap((state) => {
        const others = settleAll(state, "cancelled");
        return [
          { node: state.node.id, outcome: "cancelled" as const },
          ...others.map(({ node }) => ({ node, outcome: "cancelled" as const })),
        ];
      });
    },
    get unsettled() {
      return unsettled;
    },
  };
}

function blocks(edge: Edge, outcome: Outcome | null): boolean {
  return edge.kind !== "after" && outcome !== "executed" && outcome !== "reused";
}
