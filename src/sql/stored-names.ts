/**
 * Names in a parsed statement as the warehouse stores them: what nobody quoted is upper case in Snowflake, lower case in
 * Postgres. Then a name of the SQL and one of the catalog are the same text, and quoting either is right.
 * Knows the form of the parser's tree, but no names of relations.
 */
import type { Dialect } from "../model/warehouse.js";

const folds: Readonly<Record<Dialect["name"], ((name: string) => string) | null>> = {
  // Equal in any case, quoted or not.
  duckdb: null,
  postgres: (name) => name.toLowerCase(),
  snowflake: (name) => name.toUpperCase(),
};

/** A copy; `keep` says which names stay as they are written. */
export function withStoredNames(tree: unknown, dialect: Dialect["name"], keep: (name: string) => boolean): unknown {
  const fold = folds[dialect];
  if (fold === null) return tree;
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== "object" || value === null) return value;
    const node: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) node[key] = copy(item);
    // The parser marks every identifier, and nothing else, as quoted or not.
    if (node.quoted === false && typeof node.name === "string" && !keep(node.name)) node.name = fold(node.name);
    return node;
  };
  return copy(tree);
}
