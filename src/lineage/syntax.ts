/**
 * The few ways in which lineage looks at a parsed statement.
 * Knows the node names of the parser's tree, but not the parser and no scopes.
 */

import { content, identifier, isNode, isQuery, type Node, walk } from "../sql/tree.js";

export { content, identifier, isNode, isQuery, list, type Node, walk } from "../sql/tree.js";

export interface ColumnReference {
  readonly table: string | null;
  readonly name: string;
}

export function columnReference(value: unknown): ColumnReference | null {
  const column = content(value, "column");
  const name = column === null ? null : identifier(column.name);
  return column === null || name === null ? null : { table: identifier(column.table), name };
}

/** A column node that names a relation's alias; both always quoted, so that hostile names stay names. */
export function columnNode(table: string, name: string): Node {
  const quoted = (text: string) => ({ name: text, quoted: true, trailing_comments: [] });
  return {
    column: { name: quoted(name), table: quoted(table), join_mark: false, trailing_comments: [] },
  };
}

/** Takes away parentheses that change nothing. */
export function unwrap(value: unknown): unknown {
  const inside = content(value, "paren");
  return inside === null ? value : unwrap(inside.this);
}

/** Replaces column nodes, deeply; nested queries are left alone. */
export function mapColumns(value: unknown, replace: (reference: ColumnReference) => Node): unknown {
  if (Array.isArray(value)) return value.map((item) => mapColumns(item, replace));
  if (!isNode(value) || isQuery(value)) return value;
  const reference = columnReference(value);
  if (reference !== null) return replace(reference);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapColumns(item, replace)]));
}

const aggregates = new Set(
  (
    "sum count avg min max string_agg listagg group_concat array_agg any_value first last median mode stddev " +
    "stddev_pop stddev_samp variance var_pop var_samp count_if countif sum_if bool_or bool_and logical_or logical_and " +
    "every arg_max arg_min max_by min_by argmax argmin approx_distinct approx_count_distinct quantile quantile_cont " +
    "quantile_disc percentile_cont percentile_disc product list histogram bit_and bit_or bit_xor boolor_agg booland_agg " +
    "aggregate_function object_agg json_group_array json_group_object corr covar_pop covar_samp skewness kurtosis"
  ).split(" "),
);

const volatile = new Set(
  (
    "random rand uuid gen_random_uuid uuid_string now current_timestamp current_date current_time localtimestamp " +
    "localtime sysdate getdate get_current_timestamp today nextval seq4 seq8 clock_timestamp generate_uuid current_user"
  ).split(" "),
);

/** What an expression holds that keeps it from being computed again, row by row, over the rows of a parent. */
export interface Traits {
  readonly aggregate: boolean;
  readonly window: boolean;
  readonly volatile: boolean;
  /** Queries inside the expression. */
  readonly queries: readonly Node[];
  /** Column references outside of windows' and queries' own parts. */
  readonly columns: readonly ColumnReference[];
}

export function traits(expression: unknown): Traits {
  const found = { aggregate: false, window: false, volatile: false };
  const queries: Node[] = [];
  const columns: ColumnReference[] = [];
  walk(expression, (node) => {
    if (isQuery(node)) {
      queries.push(node);
      return false;
    }
    const reference = columnReference(node);
    if (reference !== null) {
      columns.push(reference);
      return false;
    }
    const window = content(node, "window_function");
    if (window !== null) {
      found.window = true;
      columns.push(...traits(window.this).columns);
      return false;
    }
    const called = content(node, "function") ?? content(node, "aggregate_function");
    const name = (called === null ? null : identifier(called.name))?.toLowerCase();
    const kinds = Object.keys(node);
    const kind = kinds.length === 1 ? (kinds[0] ?? "") : "";
    if (aggregates.has(kind) || (name !== undefined && aggregates.has(name))) found.aggregate = true;
    if (volatile.has(kind) || (name !== undefined && volatile.has(name))) found.volatile = true;
    return true;
  });
  return { ...found, queries, columns };
}

/** The conditions of `a and b and …`. */
export function conjuncts(condition: unknown): readonly unknown[] {
  const bare = unwrap(condition);
  const both = content(bare, "and");
  return both === null ? [bare] : [...conjuncts(both.left), ...conjuncts(both.right)];
}
