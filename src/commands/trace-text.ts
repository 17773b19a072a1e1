/** A test's walk as a tree of lines, and as a Mermaid diagram. Pure. */
import type { TracedGroup, TracedStep, TracedTest } from "../audit/trace-test.js";
import { visible } from "../reporters/terminal/text.js";

/** Groups that went the same way share a tree. */
export function traceText({ test, groups }: TracedTest): string {
  const trees = [...byWay(groups)].map(([, [first, ...others]]) =>
    first === undefined
      ? ""
      : tree(
          test,
          first,
          [first, ...others].map(({ group }) => group),
        ),
  );
  return trees.map(visibleLines).join("\n\n");
}

function tree(test: string, group: TracedGroup, keys: readonly string[]): string {
  const lines = [`${test} · ${keys.join(", ")}`];
  for (const [depth, step] of group.steps.entries()) lines.push(`${branch(depth)}${stepText(step)}`);
  const { standing, situation, confidence, inside, proof } = group;
  lines.push(`${standing} · ${situation} · ${confidence} confidence`, `  ${group.reason}`);
  if (inside !== null) {
    const place = [
      inside.cte === null ? "final query" : `CTE ${inside.cte}`,
      ...(inside.lines === null ? [] : [`${inside.file ?? "its file"}:${inside.lines.first}`]),
    ].join(", ");
    lines.push(`  inside: ${place}${inside.sql === null ? "" : `: ${inside.sql.replace(/\s+/g, " ")}`}`);
  }
  if (proof !== null) lines.push(`  proof: with ${proof.says}, nothing fails  ${proof.query_id}`);
  return lines.join("\n");
}

function branch(depth: number): string {
  return depth === 0 ? "" : `${"   ".repeat(depth - 1)}└─ `;
}

function stepText({ name, column, seen, found, failing, query_id }: TracedStep): string {
  const missing = found < seen ? `, ${found} found` : "";
  return `${name}.${column}  ${failing} of ${seen} ${failing === 1 ? "fails" : "fail"}${missing}  ${query_id}`;
}

/** Each relation that was asked, failing ones marked, in the order of the walk. */
export function traceMermaid({ groups }: TracedTest): string {
  const lines = ["flowchart RL"];
  const ids = new Map<string, string>();
  const links = new Set<string>();
  const idOf = (step: TracedStep): string => {
    const key = `${step.resource} ${step.column}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = `n${ids.size + 1}`;
    ids.set(key, id);
    lines.push(`  ${id}["${escaped(`${step.name}.${step.column}`)}<br>${step.failing} of ${step.seen} fail"]`);
    return id;
  };
  for (const group of groups) {
    for (const [index, step] of group.steps.entries()) {
      const [id, next] = [idOf(step), group.steps[index + 1]];
      if (next !== undefined) links.add(`  ${id} --> ${idOf(next)}`);
    }
    const blamed = group.steps.findLast((step) => step.resource === group.node);
    if (blamed !== undefined && group.standing !== "undecided") links.add(`  class ${idOf(blamed)} blamed`);
  }
  return [...lines, ...links, "  classDef blamed stroke-width:3px"].join("\n");
}

function escaped(text: string): string {
  return visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll('"', "&quot;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

function byWay(groups: readonly TracedGroup[]): ReadonlyMap<string, readonly TracedGroup[]> {
  const ways = new Map<string, TracedGroup[]>();
  for (const group of groups) {
    const id = JSON.stringify({ ...group, group: null });
    const known = ways.get(id);
    if (known === undefined) ways.set(id, [group]);
    else known.push(group);
  }
  return ways;
}
