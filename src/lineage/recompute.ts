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

/** One resource with other rows than the warehouse holds. */
export interface Change {
  readonly resource: Resource;
  /** SELECT of its rows; reads relations as they are. */
  readonly sql: string;
}

/** Deeper chains make SQL that nobody reads, and that some warehouses refuse. */
const mostSteps = 30;

/** A text says why the relations cannot be made anew. */
export function recompute(workspace: Workspace, change: Change, targets: readonly Resource[]): Recomputed | string {
  const between = downstream(workspace, change.resource, targets);
  if (between.length > mostSteps) return `${between.length} relations lie between`;
  const names = new Map([[change.resource.id, "audit_p0"]]);
  const ctes = [`audit_p0 as (\n${change.sql}\n)`];
  for (const resource of between) {
    const sql = bodyOf(resource);
    if (sql === null) return `${resource.name} is no model whose SQL gives its rows`;
    const mentions = workspace.lineage.mentions(sql);
    if (mentions.some((item) => workspace.resolve(item, resource)?.id === resource.id))
      return `${resource.name} reads itself`;
    const name = `audit_p${names.size}`;
    ctes.push(`${name} as (\n${withNames(workspace, resource, sql, names)}\n)`);
    names.set(resource.id, name);
  }
  return targets.some((target) => names.has(target.id))
    ? { ctes, names }
    : "the test does not read what would be changed";
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

/** What lies between, upstream first; targets included where they are downstream of the change. */
function downstream(workspace: Workspace, changed: Resource, targets: readonly Resource[]): readonly Resource[] {
  const affected = new Map<string, boolean>([[changed.id, true]]);
  const order: Resource[] = [];
  const visit = (resource: Resource): boolean => {
    const known = affected.get(resource.id);
    if (known !== undefined) return known;
    // Against circles: what is being looked at does not make itself affected.
    affected.set(resource.id, false);
    const parents = resource.dependsOn.flatMap((id) => workspace.project.resources.get(id) ?? []);
    const isAffected = parents.map(visit).includes(true);
    affected.set(resource.id, isAffected);
    if (isAffected) order.push(resource);
    return isAffected;
  };
  for (const target of targets) visit(target);
  return order;
}
