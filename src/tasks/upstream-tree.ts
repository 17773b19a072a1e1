/** What lies upstream of some resources, as a tree of text. Pure. */
import type { Project, Resource } from "../model/project.js";
import { relationText } from "../model/relation.js";

const mostLines = 300;

/** One line a resource, its parents indented below it; one that stands above already is not unfolded again. */
export function upstreamTree(resources: readonly Resource[], project: Project): string {
  const lines: string[] = [];
  const seen = new Set<string>();
  const add = (resource: Resource, depth: number): void => {
    if (lines.length >= mostLines) return;
    const again = seen.has(resource.id) && resource.dependsOn.length > 0;
    lines.push(`${"  ".repeat(depth)}${describe(resource)}${again ? " (its parents stand above)" : ""}`);
    if (seen.has(resource.id)) return;
    seen.add(resource.id);
    for (const parent of resource.dependsOn.flatMap((id) => project.resources.get(id) ?? [])) add(parent, depth + 1);
  };
  for (const resource of resources) add(resource, 0);
  if (lines.length >= mostLines) lines.push("… and more");
  return `${lines.join("\n")}\n`;
}

function describe({ id, materialized, relation, file, type }: Resource): string {
  const where = relation === null ? "" : ` ${relationText(relation)}`;
  const how = type === "model" ? ` (${materialized})` : "";
  return `${id}${how}${where}${file === null ? "" : ` in ${file}`}`;
}
