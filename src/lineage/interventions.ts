/**
 * What to change at the place that is blamed so that a test would pass, if the blame is right: the suspect rows dropped or the
 * suspect construct replaced. By general situations; knows no project. Whether it helps is asked elsewhere (proof.ts).
 */
import type { Resource } from "../model/project.js";
import { type Check, isKnownCheck } from "./check.js";
import { bodyOf, withNames } from "./recompute.js";
import type { Verdict } from "./verdict.js";
import { isRaw, type Workspace } from "./workspace.js";

export interface Intervention {
  readonly resource: Resource;
  /** SELECT of its rows. */
  readonly sql: string;
  /** `without the 3 rows …`: for a sentence that begins "With". */
  readonly says: string;
}

/** In the order in which they are tried: a construct replaced says more than rows dropped. */
export async function interventionsFor(
  workspace: Workspace,
  check: Check,
  verdict: Verdict,
  blamed: Resource,
): Promise<readonly Intervention[]> {
  if (!isKnownCheck(check)) return [];
  const columns = verdict.column === null ? [] : verdict.column.split(", ");
  // A model that leaves out what fails in it passes every test: of models only what they do may be changed. Of a reference that
  // leads nowhere either side may be changed, so that a change of one proves nothing against it.
  const raw = isRaw(blamed);
  const found = [
    replacedConstruct(workspace, verdict, blamed),
    ...otherJoins(verdict, blamed),
    verdict.situation === "fan-out" ? await joinedOnce(workspace, verdict, blamed) : null,
    raw && check.kind === "row" && columns.length === check.columns.length
      ? await withoutFailing(workspace, check, columns, blamed)
      : null,
    raw && check.kind === "key" ? await firstOfEachKey(workspace, columns, blamed) : null,
  ];
  return found.filter((item) => item !== null);
}

/** The cast, CASE or function gives way to the column in it; the condition that drops rows goes. */
function replacedConstruct(workspace: Workspace, verdict: Verdict, blamed: Resource): Intervention | null {
  const sql = bodyOf(blamed);
  const place = verdict.inside?.expression;
  if (sql === null || place === undefined || place === null) return null;
  const splice = (text: string) => `${sql.slice(0, place.at.start)}${text}${sql.slice(place.at.end)}`;
  if (verdict.situation === "rows-dropped" && place.kind === "filter")
    return { resource: blamed, sql: splice(""), says: "that condition left out" };
  if (!["made-here", "keys-collapse", "key-changed"].includes(verdict.situation)) return null;
  const [, expression, name] = /^([\s\S]+?)\s+(?:as\s+)?(\S+)$/i.exec(place.sql) ?? [];
  if (expression === undefined || name === undefined) return null;
  const used = workspace.lineage.columnsOfExpression(expression) ?? [];
  const [only, ...more] = new Map(used.map((column) => [JSON.stringify(column), column])).values();
  if (only === undefined || more.length > 0) return null;
  // As the SQL writes it, so that it means what it means there.
  const written = expression.match(
    new RegExp(`(?:[\\w"]+\\.)?"?${only.name.replaceAll(/[^\w]/g, "\\$&")}"?`, "i"),
  )?.[0];
  if (written === undefined || written === expression.trim()) return null;
  return {
    resource: blamed,
    sql: splice(`${written} as ${name}`),
    says: `${written} as it is in place of that expression`,
  };
}

/** The join with the other column of its parent, on one side or the other: the names alone do not say which side is the parent's. */
function otherJoins(verdict: Verdict, blamed: Resource): readonly Intervention[] {
  const sql = bodyOf(blamed);
  const place = verdict.inside?.expression;
  const { replace } = verdict;
  if (sql === null || place === undefined || place === null || place.kind !== "join" || replace === null) return [];
  const written = new RegExp(`(?<![\\w"])"?${replace.column.replaceAll(/[^\w]/g, "\\$&")}"?(?![\\w"])`, "gi");
  return [...place.sql.matchAll(written)].map((match) => {
    const joined = `${place.sql.slice(0, match.index)}${replace.by}${place.sql.slice(match.index + match[0].length)}`;
    const text = `${sql.slice(0, place.at.start)}${joined}${sql.slice(place.at.end)}`;
    return { resource: blamed, sql: text, says: `${replace.by} in place of ${match[0]} in that join` };
  });
}

/** The joined relation with one row for each key that the join asks for. */
async function joinedOnce(workspace: Workspace, verdict: Verdict, blamed: Resource): Promise<Intervention | null> {
  const hop = verdict.path.at(-1);
  const other = hop === undefined ? undefined : workspace.project.resources.get(hop.resource);
  const sql = bodyOf(blamed);
  if (hop === undefined || other === undefined || sql === null || other.id === blamed.id) return null;
  const once = await onceEach(workspace, other, hop.column.split(", "));
  if (once === null) return null;
  const replaced = withNames(workspace, blamed, sql, new Map([[other.id, `(${once})`]]));
  return replaced === sql
    ? null
    : { resource: blamed, sql: replaced, says: `one row of ${other.name} for each ${hop.column}` };
}

async function withoutFailing(
  workspace: Workspace,
  check: Extract<Check, { kind: "row" }>,
  columns: readonly string[],
  blamed: Resource,
): Promise<Intervention | null> {
  const from = workspace.from(blamed);
  if (from === null) return null;
  const { quote } = workspace.dialect;
  const local = (name: string) => `r.${quote(columns[check.columns.indexOf(name)] ?? name)}`;
  const [column = ""] = columns;
  const type = (await workspace.column(blamed, column))?.type ?? "";
  const conditions = [check.fails(local)];
  // What staging would clean counts as wrong where the data comes in.
  if (isRaw(blamed) && columns.length === 1)
    conditions.push(check.failsUpstream(`r.${quote(column)}`, "expression", type));
  const wrong = conditions.map((sql) => `(${sql})`).join(" or ");
  const says = `the rows of ${blamed.name} left out whose ${columns.join(", ")} ${check.says}`;
  return { resource: blamed, sql: `select r.* from ${from} as r where not coalesce(${wrong}, false)`, says };
}

async function firstOfEachKey(
  workspace: Workspace,
  columns: readonly string[],
  blamed: Resource,
): Promise<Intervention | null> {
  const sql = await onceEach(workspace, blamed, columns);
  return sql === null
    ? null
    : { resource: blamed, sql, says: `one row of ${blamed.name} for each ${columns.join(", ")}` };
}

/** One row a key, by the relation's own columns; which of several does not matter to a key. */
async function onceEach(workspace: Workspace, resource: Resource, keys: readonly string[]): Promise<string | null> {
  const from = workspace.from(resource);
  const columns = await workspace.columns(resource);
  if (from === null || columns === null || keys.length === 0) return null;
  const { quote } = workspace.dialect;
  const by = keys.map((key) => `r.${quote(key)}`).join(", ");
  const all = columns.map((column) => `n.${quote(column.name)}`).join(", ");
  return `select ${all} from (select r.*, row_number() over (partition by ${by} order by ${by}) as audit_copy from ${from} as r) as n where n.audit_copy = 1`;
}
