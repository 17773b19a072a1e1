/**
 * Compiles an audit into its graph, and adds the investigations once `export` has said which there are.
 * Pure; knows no config file, no disk and no agent.
 */
import type { AuditGraph, AuditNode, Edge, NodeId, PoolName } from "../model/graph.js";

/** The part of every audit that is known before anything has run. */
export function compile(): AuditGraph {
  const nodes: AuditNode[] = [
    { id: "setup", kind: "setup", pools: [] },
    { id: "summary", kind: "summary", pools: [] },
    { id: "export", kind: "export", pools: ["warehouse"] },
    { id: "collect", kind: "collect", pools: [] },
    { id: "cleanup", kind: "cleanup", pools: [] },
  ];
  const edges: Edge[] = [
    { from: "setup", to: "summary", kind: "order" },
    { from: "summary", to: "export", kind: "needs" },
    { from: "export", to: "collect", kind: "needs" },
    ...["setup", "summary", "export", "collect"].map((from): Edge => ({ from, to: "cleanup", kind: "after" })),
  ];
  return { nodes, edges };
}

export function investigateNode(taskId: string): NodeId {
  return `investigate:${taskId}`;
}

/** A task as the graph sees it. */
export interface ExpandedTask {
  readonly id: string;
  readonly pools: readonly PoolName[];
}

/**
 * What `export` adds when it has finished: a node for each task.
 * @param waiting nodes of the graph that come after all investigations; a narrowed graph may have no `collect`.
 */
export function expansion(
  tasks: readonly ExpandedTask[],
  waiting: readonly NodeId[] = ["collect", "cleanup"],
): AuditGraph {
  const nodes = tasks.map(({ id, pools }): AuditNode => ({ id: investigateNode(id), kind: "investigate", pools }));
  const edges = nodes.flatMap((node): Edge[] => [
    { from: "export", to: node.id, kind: "needs" },
    ...waiting.map((to): Edge => ({ from: node.id, to, kind: "after" })),
  ]);
  return { nodes, edges };
}

export function union(left: AuditGraph, right: AuditGraph): AuditGraph {
  return { nodes: [...left.nodes, ...right.nodes], edges: [...left.edges, ...right.edges] };
}

/**
 * The targets and all that they need, plus `cleanup`, which always runs.
 * A target that does not exist (yet) keeps everything up to `export`, since export may add it.
 */
export function restrict(graph: AuditGraph, targets: readonly NodeId[]): AuditGraph {
  const known = new Set(graph.nodes.map((node) => node.id));
  const wanted = new Set<NodeId>(["cleanup"]);
  const pending = targets.map((target) => (known.has(target) ? target : "export"));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (wanted.has(next)) continue;
    wanted.add(next);
    for (const edge of graph.edges) if (edge.to === next) pending.push(edge.from);
  }
  return {
    nodes: graph.nodes.filter((node) => wanted.has(node.id)),
    edges: graph.edges.filter((edge) => wanted.has(edge.from) && wanted.has(edge.to)),
  };
}
