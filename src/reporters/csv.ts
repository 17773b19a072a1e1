/**
 * A result as CSV that a spreadsheet shows and does not run. The home of csv-stringify. Knows no query.
 */
import type { Cell } from "../model/warehouse.js";

/** With these a cell is a formula to a spreadsheet, or is joined to one; OWASP's list, with the full-width forms. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;
const number = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;

/** NULL is an empty cell, an empty text is `""`. Lines end with a line feed. */
export async function csv(columns: readonly string[], rows: readonly (readonly Cell[])[]): Promise<string> {
  const { stringify } = await import("csv-stringify/sync");
  return stringify([columns.map(harmlessCell), ...rows.map((row) => row.map(harmlessCell))], {
    record_delimiter: "unix",
    cast: { string: (text) => (text === "" ? { value: "", quoted: true, quoted_empty: true } : text) },
  });
}

function harmlessCell(cell: Cell): Cell {
  return cell !== null && formula.test(cell) && !number.test(cell) ? `'${cell}` : cell;
}
