/**
 * Names that stand before `(` and call nothing: `as t(a, b)`, `with t(a, b) as (…)`. Each counts once: a call of the same
 * name elsewhere stays a call.
 */
import { identifier, isNode, list, walk } from "../tree.js";

export interface ColumnLists {
  /** True where there is a list of columns left by that name; it is used up. */
  take(path: readonly string[]): boolean;
}

export function columnLists(tree: unknown): ColumnLists {
  const counts = new Map<string, number>();
  walk(tree, (node) => {
    for (const value of [node, node.table_alias]) {
      if (!isNode(value)) continue;
      const named = value.alias ?? (value === node.table_alias ? value.this : null);
      const name = identifier(isNode(named) && isNode(named.identifier) ? named.identifier : named)?.toLowerCase();
      if (name === undefined || (list(value.columns).length === 0 && list(value.column_aliases).length === 0)) continue;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return true;
  });
  return {
    take(path) {
      const name = path.length === 1 ? (path[0] ?? "").toLowerCase() : "";
      const left = counts.get(name) ?? 0;
      if (left === 0) return false;
      counts.set(name, left - 1);
      return true;
    },
  };
}
