/**
 * Witnesses: the failing rows, as SQL that can be carried from a relation to its parents without reading them here.
 * Every query is one SELECT with its whole way in CTEs, so that anyone can run it again. Knows no rules.
 */
import type { Resource } from "../model/project.js";
import type { Cell, Dialect } from "../model/warehouse.js";
import type { Join, Origin, Shape } from "./shape.js";
import type { Node } from "./syntax.js";
import type { ResourceShape, Workspace } from "./workspace.js";

/** Rows of one resource, under the alias `r`, each with its group. */
export interface Witnesses {
  readonly ctes: readonly string[];
  /** Behind FROM; what follows WHERE is in `where`. */
  readonly from: string;
  readonly where: string | null;
  /** SQL of the group, as text. */
  readonly group: string;
  readonly depth: number;
}

/** How rows of a child find their rows in a parent. */
export interface Pair {
  /** Column of the child. */
  readonly column: string;
  /** SQL over the parent's alias. */
  readonly sql: string;
  readonly direct: boolean;
  /** The parent's column, where the value is one. */
  readonly base: string | null;
}

export type Link =
  | { readonly kind: "pairs"; readonly pairs: readonly Pair[] }
  /** Over another parent, and then by the join's own condition. */
  | {
      readonly kind: "join";
      readonly pairs: readonly Pair[];
      readonly over: { readonly instance: string; readonly resource: Resource };
      /** SQL over the other parent, and over this one. */
      readonly equalities: readonly { readonly left: string; readonly right: string }[];
      readonly join: Join;
    };

export function statement(ctes: readonly string[], body: string): string {
  return ctes.length === 0 ? body : `with ${ctes.join(",\n")}\n${body}`;
}

export function textOrNull(dialect: Dialect, sql: string | null): string {
  return sql === null ? "cast(null as varchar)" : dialect.toText(sql);
}

/** Rows read as text keyed by group. */
export function byGroup(rows: readonly (readonly Cell[])[]): ReadonlyMap<Cell, readonly number[]> {
  return new Map(rows.map((row) => [row[0] ?? null, row.slice(1).map((cell) => Number(cell ?? 0))]));
}

function baseOf(origin: Origin | undefined): string | null {
  return origin?.kind === "direct" ? (origin.columns[0]?.column ?? null) : null;
}

/** The pairs of columns by which rows of the child and of one instance are the same row. */
function pairsOf(workspace: Workspace, shape: Shape, instance: string, except: ReadonlySet<string>): readonly Pair[] {
  return shape.columns.flatMap((column): Pair[] => {
    if (column.name === "" || except.has(column.name.toLowerCase())) return [];
    const origin = column.origins.find(
      (item) =>
        item.node !== null && item.columns.every((base) => base.instance === instance) && item.columns.length > 0,
    );
    const sql = origin?.node ? workspace.lineage.expression(origin.node) : null;
    return sql === null ? [] : [{ column: column.name, sql, direct: origin?.kind === "direct", base: baseOf(origin) }];
  });
}

/** More columns than these tell no more rows apart, and make the SQL long. */
const mostPairs = 30;

/** The columns of a declared key where they are passed on, else all that are: more columns tell rows apart better. */
function bestPairs(
  workspace: Workspace,
  child: Resource,
  at: ResourceShape,
  instance: string,
  except: ReadonlySet<string>,
): { readonly pairs: readonly Pair[]; readonly keyed: boolean } {
  const all = pairsOf(workspace, at.shape, instance, except);
  const parent = at.parents.get(instance);
  const direct = all.filter((pair) => pair.direct);
  const keyIn = (pairs: readonly Pair[]) => {
    const byChild = new Map(pairs.map((pair) => [pair.column.toLowerCase(), pair]));
    const byParent = new Map(pairs.map((pair) => [pair.base?.toLowerCase(), pair]));
    for (const [keys, named] of [
      [workspace.uniqueKeys(child), byChild],
      [parent === undefined ? [] : workspace.uniqueKeys(parent), byParent],
    ] as const) {
      for (const key of keys) {
        const found = key.flatMap((column) => named.get(column) ?? []);
        if (found.length === key.length) return found;
      }
    }
    return null;
  };
  const keyed = keyIn(direct) ?? keyIn(all);
  if (keyed !== null) return { pairs: keyed, keyed: true };
  const sorted = [...direct, ...all.filter((pair) => !pair.direct)];
  return { pairs: sorted.slice(0, mostPairs), keyed: false };
}

/** Null where nothing ties rows of the child to rows of that instance. */
export function linkTo(
  workspace: Workspace,
  child: Resource,
  at: ResourceShape,
  instance: string,
  except: ReadonlySet<string>,
): Link | null {
  const own = bestPairs(workspace, child, at, instance, except);
  const nullable = at.shape.instances.get(instance)?.nullable === true;
  if (own.keyed && !nullable) return { kind: "pairs", pairs: own.pairs };
  for (const join of at.shape.joins) {
    const link = joinLink(workspace, child, at, instance, join, except);
    if (link !== null) return link;
  }
  return own.pairs.length === 0 ? null : { kind: "pairs", pairs: own.pairs };
}

function joinLink(
  workspace: Workspace,
  child: Resource,
  at: ResourceShape,
  instance: string,
  join: Join,
  except: ReadonlySet<string>,
): Link | null {
  if (!join.right.has(instance) || join.equalities.length === 0) return null;
  const others = new Set(join.equalities.flatMap((item) => item.left.columns.map((column) => column.instance)));
  const [other] = others;
  const over = other === undefined ? undefined : at.parents.get(other);
  if (others.size !== 1 || other === undefined || over === undefined) return null;
  const equalities = join.equalities.map((item) => ({
    left: sqlOf(workspace, item.left.node),
    right: item.right.columns.every((column) => column.instance === instance)
      ? sqlOf(workspace, item.right.node)
      : null,
  }));
  const usable = equalities.flatMap(({ left, right }) => (left === null || right === null ? [] : [{ left, right }]));
  if (usable.length !== equalities.length) return null;
  const { pairs } = bestPairs(workspace, child, at, other, except);
  return pairs.length === 0
    ? null
    : { kind: "join", pairs, over: { instance: other, resource: over }, equalities: usable, join };
}

function sqlOf(workspace: Workspace, node: Node | null): string | null {
  return node === null ? null : workspace.lineage.expression(node);
}

/** CTEs that carry witnesses to the rows of one parent, and how a parent's row is tied to them. */
export interface Carried {
  readonly ctes: readonly string[];
  /** Relation with columns group_key, tuple, weight and j1 … jn; one row for each thing to look for. */
  readonly name: string;
  /** Condition between that relation (alias `t`) and the parent (alias = instance). */
  readonly on: string;
  /** SQL of the parent's side of the condition, in the order of j1 … jn. */
  readonly parentKeys: readonly string[];
  readonly equals: "null-safe" | "plain";
}

export function carry(workspace: Workspace, witnesses: Witnesses, link: Link): Carried | null {
  const { dialect } = workspace;
  const depth = witnesses.depth;
  const keys = link.pairs.map((pair, index) => `r.${dialect.quote(pair.column)} as k${index + 1}`);
  const names = link.pairs.map((_, index) => `k${index + 1}`);
  const rows = `failing_${depth} as (\nselect ${[`${witnesses.group} as group_key`, ...keys].join(", ")}\nfrom ${witnesses.from}${
    witnesses.where === null ? "" : `\nwhere ${witnesses.where}`
  })`;
  const tuples = `tuples_${depth} as (\nselect group_key, ${names.join(", ")}, count(*) as weight, row_number() over (order by group_key, ${names.join(", ")}) as tuple\nfrom failing_${depth}\ngroup by group_key, ${names.join(", ")})`;
  const ctes = [...witnesses.ctes, rows, tuples];
  if (link.kind === "pairs") {
    const name = `keys_${depth}`;
    const parentKeys = link.pairs.map((pair) => pair.sql);
    const chosen = names.map((key, index) => `${key} as j${index + 1}`).join(", ");
    return {
      ctes: [...ctes, `${name} as (select group_key, tuple, weight, ${chosen} from tuples_${depth})`],
      name,
      on: parentKeys.map((sql, index) => dialect.nullSafeEquals(`t.j${index + 1}`, sql)).join(" and "),
      parentKeys,
      equals: "null-safe",
    };
  }
  const over = workspace.from(link.over.resource);
  if (over === null) return null;
  const alias = dialect.quote(link.over.instance);
  const meet = link.pairs.map((pair, index) => dialect.nullSafeEquals(`w.k${index + 1}`, pair.sql)).join(" and ");
  const values = link.equalities.map((item, index) => `${item.left} as j${index + 1}`).join(", ");
  const name = `keys_${depth}`;
  return {
    ctes: [
      ...ctes,
      `${name} as (\nselect distinct w.group_key, w.tuple, w.weight, ${values}\nfrom tuples_${depth} as w left join ${over} as ${alias} on ${meet})`,
    ],
    name,
    on: link.equalities.map((item, index) => `t.j${index + 1} = ${item.right}`).join(" and "),
    parentKeys: link.equalities.map((item) => item.right),
    equals: "plain",
  };
}

/** Rows of the parent that belong to the witnesses, of those that meet a condition. */
export function witnessesAt(
  workspace: Workspace,
  carried: Carried,
  from: string,
  instance: string,
  condition: string | null,
  depth: number,
): Witnesses {
  const keys = carried.parentKeys.map((_, index) => `j${index + 1}`).join(", ");
  const distinct = `found_${depth} as (select distinct group_key, ${keys} from ${carried.name})`;
  const alias = workspace.dialect.quote(instance);
  const inner = `(select t.group_key as audit_group_key, ${alias}.* from found_${depth} as t join ${from} as ${alias} on ${carried.on}${
    condition === null ? "" : ` where ${condition}`
  }) as r`;
  return { ctes: [...carried.ctes, distinct], from: inner, where: null, group: "r.audit_group_key", depth: depth + 1 };
}
