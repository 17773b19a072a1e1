/**
 * DuckDB's SQL as pure text functions. Knows no connection and no audit.
 */
import type { Relation } from "../model/project.js";
import type { Dialect } from "../model/warehouse.js";

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** The driver cuts SQL at a NUL character, so one is spelled as chr(0). */
function literal(text: string): string {
  if (text.includes("\0")) {
    return `(${text
      .split("\0")
      .map((part) => literal(part))
      .join(" || chr(0) || ")})`;
  }
  return `'${text.replaceAll("'", "''")}'`;
}

function toText(expression: string): string {
  return `cast(${expression} as varchar)`;
}

/** `-` for NULL, else `<bytes>:<text>`: cells cannot run into one another. */
function cellText(expression: string): string {
  return `coalesce(strlen(${toText(expression)})::varchar || ':' || ${toText(expression)}, '-')`;
}

/**
 * Digest of the bag of rows: the count and the sums of both halves of each row's md5, as 128-bit integers.
 * A sum is free of order and, other than xor, notices duplicates.
 */
function rowsDigest(expressions: readonly string[]): string {
  const row = expressions.length === 0 ? "''" : expressions.map(cellText).join(" || ");
  const half = (name: string) => `coalesce(sum(${name}(${row})), 0)`;
  return `md5(count(*)::varchar || ':' || ${half("md5_number_lower")}::varchar || ':' || ${half("md5_number_upper")}::varchar)`;
}

export const duckdb: Dialect = {
  name: "duckdb",
  quote,
  relation: (relation: Relation) =>
    [relation.database, relation.schema, relation.name]
      .filter((part) => part !== null)
      .map(quote)
      .join("."),
  literal,
  toText,
  numberOrNull: (expression) => `try_cast(${expression} as double)`,
  nullSafeEquals: (left, right) => `${left} is not distinct from ${right}`,
  isComparable: () => true,
  rowsDigest,
};
