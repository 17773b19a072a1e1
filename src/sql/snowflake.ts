/**
 * Snowflake's SQL as pure text functions. Knows no connection and no audit.
 */
import type { Relation } from "../model/project.js";
import type { Dialect } from "../model/warehouse.js";

/** Names are given as the warehouse stores them (BIDS, where nobody quoted), so quoting them changes nothing. */
function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A backslash escapes in Snowflake's literals; a NUL character is spelled as chr(0). */
function literal(text: string): string {
  if (text.includes("\0")) {
    return `(${text
      .split("\0")
      .map((part) => literal(part))
      .join(" || chr(0) || ")})`;
  }
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** How timestamps and binaries look is fixed by the parameters that the adapter sets for the session. */
function toText(expression: string): string {
  return `cast(${expression} as varchar)`;
}

/** `-` for NULL, else `<length>:<text>`: cells cannot run into one another. */
function cellText(expression: string): string {
  return `coalesce(cast(length(${toText(expression)}) as varchar) || ':' || ${toText(expression)}, '-')`;
}

/**
 * Digest of the bag of rows: the count and the sums of both halves of each row's md5. A sum is free of order and, other
 * than xor, notices duplicates. Not HASH_AGG: Snowflake does not promise that it stays the same between its releases.
 */
function rowsDigest(expressions: readonly string[]): string {
  const row = expressions.length === 0 ? "''" : expressions.map(cellText).join(" || ");
  const half = (name: string) => `cast(coalesce(sum(${name}(${row})), 0) as varchar)`;
  return `md5(cast(count(*) as varchar) || ':' || ${half("md5_number_lower64")} || ':' || ${half("md5_number_upper64")})`;
}

export const snowflake: Dialect = {
  name: "snowflake",
  quote,
  relation: (relation: Relation) =>
    [relation.database, relation.schema, relation.name]
      .filter((part) => part !== null)
      .map(quote)
      .join("."),
  literal,
  toText,
  numberOrNull: (expression) => `try_to_double(${toText(expression)})`,
  nullSafeEquals: (left, right) => `${left} is not distinct from ${right}`,
  isComparable: (type) => !/^(GEOGRAPHY|GEOMETRY|VECTOR)\b/i.test(type),
  rowsDigest,
};
