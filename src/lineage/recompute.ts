/**
 * Relations downstream of a change, made anew by their compiled SQL as CTEs of one statement: nothing is written.
 * In each text only the names of relations are replaced, where they stand. Knows no rules and no tests.
 */
import type { Resource } from "../model/project.js";
import type { Workspace } from "./workspace.js";

export interface Recomputed {
  readonly ctes: readonly string[];
  /** Resource id → the CTE that stands for it. */
  readonly names: ReadonlyMap<string, string>;
}

/** Resource id → SELECT of the rows that it is to have instead of what the warehouse holds. It may read the resource itself. */
export type Changes = ReadonlyMap<string, string>;

/** Deeper chains make SQL that nobody reads, and that some warehouses refuse. */
const mostSteps = 40;

/** A text says why the relations cannot be made anew. */
export function recompute(workspace: Workspace, changes: Changes, targets: readonly Resource[]): Recomputed | string {
  const affected = downstream(workspace, changes, targets);
  if (affected.length > mostSteps) return `${affected.length} relations lie between`;
  if (affected.length === 0) return "the test does not read what would be changed";
  const names = new Map<string, string>();
  const ctes: string[] = [];
  for (const resource of affected) {
    const change = changes.get(resource.id);
    const sql = change ?? bodyOf(resource);
    if (sql === null) return `${resource.name} is no model whose SQL gives its rows`;
    if (change === undefined && readsItself(workspace, resource, sql)) return `${resource.name} reads itself`;
    const name = `audit_p${names.size}`;
    ctes.push(`${name} as (\n${withNames(workspace, resource, sql, names)}\n)`);
    names.set(resource.id, name);
  }
  return { ctes, names };
}

/** An incremental model as it is compiled for a run that adds rows. */
export function readsItself(workspace: Workspace, resource: Resource, sql: string): boolean {
  return workspace.lineage.mentions(sql).some((item) => workspace.resolve(item, resource)?.id === resource.id);
}

/** Compiled SQL whose rows are the relation's, its places kept; null for what dbt builds otherwise. */
export function bodyOf(resource: Resource): string | null {
  const isQuery = resource.type === "model" && resource.language === "sql" && resource.compiledCode !== null;
  return isQuery ? (resource.compiledCode ?? "").trimEnd().replace(/;\s*$/, "") : null;
}

/** The SQL with CTEs' names where it names these resources; an alias keeps `orders.id` meaning what it did. */
export function withNames(
  workspace: Workspace,
  reader: Resource,
  sql: string,
  names: ReadonlyMap<string, string>,
): string {
  let text = sql;
  // From the end, so that places before stay where they are.
  const mentions = [...workspace.lineage.mentions(sql)].sort((one, other) => other.start - one.start);
  for (const mention of mentions) {
    const id = workspace.resolve(mention, reader)?.id;
    const name = id === undefined ? undefined : names.get(id);
    if (name === undefined) continue;
    const alias = mention.hasAlias ? "" : ` as ${workspace.dialect.quote(mention.name)}`;
    text = `${text.slice(0, mention.start)}${name}${alias}${text.slice(mention.end)}`;
  }
  return text;
}

/** What is changed, or reads what is, upstream first; targets included. */
function downstream(workspace: Workspace, changes: Changes, targets: readonly Resource[]): readonly Resource[] {
  const affected = new Map<string, boolean>();
  const order: Resource[] = [];
  const visit = (resource: Resource): boolean => {
    const known = affected.get(resource.id);
    if (known !== undefined) return known;
    // Against circles: what is being looked at does not make itself affected.
    affected.set(resource.id, false);
    const parents = resource.dependsOn.flatMap((id) => workspace.project.resources.get(id) ?? []);
    const isAffected = parents.map(visit).includes(true) || changes.has(resource.id);
    affected.set(resource.id, isAffected);
    if (isAffected) order.push(resource);
    return isAffected;
  };
  for (const target of targets) visit(target);
  return order;
}

/** Every resource upstream of these, and they themselves; upstream first. */
export function upstream(workspace: Workspace, targets: readonly Resource[]): readonly Resource[] {
  const seen = new Set<string>();
  const order: Resource[] = [];
  const visit = (resource: Resource): void => {
    if (seen.has(resource.id)) return;
    seen.add(resource.id);
    for (const id of resource.dependsOn) {
      const parent = workspace.project.resources.get(id);
      if (parent !== undefined) visit(parent);
    }
    order.push(resource);
  };
  for (const target of targets) visit(target);
  return order;
}
