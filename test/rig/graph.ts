/** A graph in a test is one string: "setup ~> summary -> export, export => cleanup" (-> needs, => after, ~> order). */
import type { AuditGraph, AuditNode, Edge, EdgeKind, NodeKind } from "../../src/model/graph.js";

const kinds: Record<string, EdgeKind> = { "->": "needs", "=>": "after", "~>": "order" };

export function graphOf(text: string): AuditGraph {
  const nodes = new Map<string, AuditNode>();
  const edges: Edge[] = [];
  const node = (id: string): string => {
    const kind = (id.split(":")[0] ?? id) as NodeKind;
    nodes.set(id, { id, kind, pools: [] });
    return id;
  };
  for (const chain of text.split(",")) {
    const words = chain.trim().split(/\s+/);
    node(words[0] ?? "");
    for (let index = 1; index + 1 < words.length; index += 2) {
      const kind = kinds[words[index] ?? ""];
      if (kind === undefined) throw new Error(`no arrow: ${words[index]}`);
      edges.push({ from: words[index - 1] ?? "", to: node(words[index + 1] ?? ""), kind });
    }
  }
  return { nodes: [...nodes.values()], edges };
}
