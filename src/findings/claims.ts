/**
 * What an agent claims of a query, against the result we got ourselves.
 * Pure; knows no agent and no warehouse.
 */
import { sha256 } from "../model/digest.js";
import type { EvidenceClaim } from "../model/finding.js";
import type { Cell, QueryResult } from "../model/warehouse.js";
import { quoted } from "./text.js";

/**
 * Digest of all text of a result, free of the order of rows: without ORDER BY a warehouse may give them in any order.
 * Types are left out, since drivers name them differently.
 */
export function resultDigest(result: QueryResult): string {
  const rows = result.rows.map((row) => JSON.stringify(row)).sort();
  return sha256(JSON.stringify([result.columns.map((column) => column.name), rows, result.truncated]));
}

/** One sentence for each claim that the result does not bear out. */
export function differences(claim: EvidenceClaim, result: QueryResult): readonly string[] {
  const found: string[] = [];
  if (claim.row_count !== undefined) {
    const rows = result.rows.length;
    if (result.truncated) {
      found.push(
        `row_count is ${claim.row_count}, but the result was cut off after ${rows} rows, so that it cannot be checked. Select count(*) and state its value instead.`,
      );
    } else if (claim.row_count !== rows) {
      found.push(`row_count is ${claim.row_count}, but the query gives ${rows} ${rows === 1 ? "row" : "rows"}.`);
    }
  }
  if (claim.value !== undefined) {
    const [row] = result.rows;
    const [cell] = row ?? [];
    if (result.truncated || result.rows.length !== 1 || row?.length !== 1 || cell === undefined) {
      found.push(
        `value is stated, but the query gives ${result.rows.length} rows of ${result.columns.length} columns; a value needs a query with one row and one column.`,
      );
    } else if (!sameValue(claim.value, cell)) {
      found.push(`value is ${shown(claim.value)}, but the query gives ${shown(cell)}.`);
    }
  }
  return found;
}

/**
 * Whether a claim and a cell say the same:
 * - null equals SQL NULL alone;
 * - true and false equal the texts `true`, `t`, `false`, `f` in any case;
 * - two numbers are compared as decimals, exactly: 127, "127", "127.0" and "1.27e2" are equal, 0.3 and 0.30000000000000004 are not;
 * - a JSON number also equals the cell whose nearest double it is, for JSON readers round integers beyond 2^53;
 * - any other text must be the same, but for white space around it.
 */
export function sameValue(claim: string | number | boolean | null, cell: Cell): boolean {
  if (claim === null || cell === null) return claim === cell;
  const text = cell.trim();
  if (typeof claim === "boolean") return (claim ? ["true", "t"] : ["false", "f"]).includes(text.toLowerCase());
  const right = decimal(text);
  if (typeof claim === "number" && right !== null && Number(text) === claim) return true;
  const left = decimal(String(claim).trim());
  if (left !== null && right !== null) return left === right;
  return String(claim).trim() === text;
}

/** One spelling of each decimal number; null for what is none. Longer than any number of a warehouse counts as text. */
function decimal(text: string): string | null {
  if (text.length > 400) return null;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match ?? [];
  if (match === null || whole + fraction === "") return null;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign === "-" ? "-" : ""}${significant}e${power}`;
}

function shown(value: string | number | boolean | null): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? quoted(value) : String(value);
}
