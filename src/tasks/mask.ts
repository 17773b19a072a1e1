/**
 * `redactColumns`: values of some columns are shown to nobody. By the name that a column has in the result: an alias
 * under another name, and values in the text of SQL, are not recognised. Pure.
 */
import type { QueryResult } from "../model/warehouse.js";
import { globs } from "../support/glob.js";

const masked = "[redacted]";

/** The same table, with each value of a column that one of the patterns fits masked; null stays null. */
export function maskColumns<Table extends Pick<QueryResult, "columns" | "rows">>(
  result: Table,
  patterns: readonly string[],
): Table {
  const hides = globs(patterns, { ignoreCase: true });
  const hidden = result.columns.map(({ name }) => hides(name));
  if (!hidden.includes(true)) return result;
  const rows = result.rows.map((row) => row.map((cell, at) => (hidden[at] && cell !== null ? masked : cell)));
  return { ...result, rows };
}
