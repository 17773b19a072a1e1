/**
 * The graph as text: Mermaid, DOT and JSON. Pure.
 */
import type { AuditGraph, Edge } from "../model/graph.js";

export type GraphFormat = "mermaid" | "dot" | "json";

export function formatGraph(graph: AuditGraph, format: GraphFormat): string {
  return formats[format](graph);
}

const formats: Record<GraphFormat, (graph: AuditGraph) => string> = {
  mermaid(graph) {
    const ids = new Map(graph.nodes.map((node, index) => [node.id, `n${index}`]));
    const arrows: Record<Edge["kind"], string> = { needs: "-->", after: "-.->", order: "==>" };
    return [
      "flowchart LR",
      ...graph.nodes.map((node) => `  ${ids.get(node.id)}["${entities(node.id)}"]`),
      ...graph.edges.map((edge) => `  ${ids.get(edge.from)} ${arrows[edge.kind]} ${ids.get(edge.to)}`),
    ].join("\n");
  },
  dot(graph) {
    const styles: Record<Edge["kind"], string> = { needs: "", after: " [style=dashed]", order: " [style=bold]" };
    return [
      "digraph audit {",
      "  rankdir=LR;",
      ...graph.nodes.map((node) => `  ${JSON.stringify(node.id)};`),
      ...graph.edges.map((edge) => `  ${JSON.stringify(edge.from)} -> ${JSON.stringify(edge.to)}${styles[edge.kind]};`),
      "}",
    ].join("\n");
  },
  json: (graph) => JSON.stringify(graph, null, 2),
};

function entities(text: string): string {
  return text.replaceAll("&", "#amp;").replaceAll('"', "#quot;").replaceAll("<", "#lt;").replaceAll(">", "#gt;");
}
