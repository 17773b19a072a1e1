/**
 * Postgres' SQL as pure text functions. Knows no connection and no audit; the session's settings that decide how values
 * look (time zone, bytea_output and the like) are the adapter's.
 */
import type { Relation } from "../model/project.js";
import type { Dialect } from "../model/warehouse.js";

function quote(identifier: string): string {
  return `"${withoutNul(identifier).replaceAll('"', '""')}"`;
}

/** With standard_conforming_strings a backslash is a character like any other. */
function literal(text: string): string {
  return `'${withoutNul(text).replaceAll("'", "''")}'`;
}

/** No value and no name of Postgres can hold a NUL character, and neither can a statement: it cuts the text off. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

function toText(expression: string): string {
  return `cast(${expression} as text)`;
}

/** `-` for NULL, else `<bytes>:<text>`: cells cannot run into one another. */
function cellText(expression: string): string {
  return `coalesce(octet_length(${toText(expression)}) || ':' || ${toText(expression)}, '-')`;
}

/**
 * Digest of the bag of rows: the count and the sums of both halves of each row's md5, as exact numerics.
 * A sum is free of order and, other than xor, notices duplicates.
 */
function rowsDigest(expressions: readonly string[]): string {
  const row = expressions.length === 0 ? "''" : expressions.map(cellText).join(" || ");
  const half = (start: number) =>
    `coalesce(sum(cast(cast('x' || substr(md5(${row}), ${start}, 16) as bit(64)) as bigint)), 0)`;
  return `md5(count(*) || ':' || ${half(1)} || ':' || ${half(17)})`;
}

/** Before Postgres 16 a cast cannot be tried. */
function numberOrNull(expression: string): string {
  const number = "^\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d{1,2})?\\s*$";
  return `case when ${toText(expression)} ~ '${number}' then cast(${toText(expression)} as double precision) end`;
}

/**
 * Postgres can neither hash nor merge by IS NOT DISTINCT FROM: a join by it compares each row with each. Arrays it can
 * join by, and NULL equals NULL inside of them. The CASEs are constant, so the planner takes them away; they give both
 * sides one type, since an array of integers does not compare with one of bigints.
 */
function nullSafeEquals(left: string, right: string): string {
  const typed = (isLeft: boolean) => `array[case when ${isLeft} then ${left} else ${right} end]`;
  return `${typed(true)} = ${typed(false)}`;
}

export const postgres: Dialect = {
  name: "postgres",
  quote,
  relation: (relation: Relation) =>
    [relation.database, relation.schema, relation.name]
      .filter((part) => part !== null)
      .map(quote)
      .join("."),
  literal,
  toText,
  numberOrNull,
  nullSafeEquals,
  // jsonb has an equality, json none.
  isComparable: (type) => !/^(JSON|XML|POINT|LINE|LSEG|PATH|POLYGON|CIRCLE)\b/i.test(type),
  rowsDigest,
};
