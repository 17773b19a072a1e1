/** A query's result as a table for a terminal, and what is to be said of it. Pure. */
import { counted } from "../model/amount.js";
import type { Cell, QueryResult } from "../model/warehouse.js";
import { columnsOf, cutToFit, durationText, harmless, pad } from "../reporters/terminal/text.js";

const numeric = /^(U?(TINY|SMALL|BIG|HUGE)?INT|INTEGER|DECIMAL|NUMERIC|NUMBER|FIXED|REAL|DOUBLE|FLOAT)/i;

/** A longer cell is cut, unless nobody looks at it on a screen. */
const widestCell = 60;

/** @param screen columns of the screen; null: the table is read by a program or kept. */
export function tableText({ columns, rows }: QueryResult, screen: number | null): string {
  const cellText = (cell: Cell): string => {
    const text = cell === null ? "NULL" : harmless(cell);
    return screen === null ? text : cutToFit(text, Math.min(widestCell, screen), "…");
  };
  const names = columns.map(({ name }) => cellText(name));
  const body = rows.map((row) => row.map(cellText));
  const widths = names.map((name, index) =>
    body.reduce((width, row) => Math.max(width, columnsOf(row[index] ?? "")), columnsOf(name)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, index) => {
      const width = widths[index] ?? 0;
      return numeric.test(columns[index]?.type ?? "") ? " ".repeat(width - columnsOf(cell)) + cell : pad(cell, width);
    });
    return padded.join("  ").trimEnd();
  };
  return [line(names), widths.map((width) => "─".repeat(width)).join("  "), ...body.map(line)].join("\n");
}

/** `1,000 rows, cut at 1,000 rows: there are more · 0.1 s`. */
export function noteOn({ rows, truncated, truncatedBy }: QueryResult, took: number, mostBytes: string): string {
  const cut = truncatedBy === "bytes" ? mostBytes : counted(rows.length, "row");
  const more = truncated ? `, cut at ${cut}: there are more` : "";
  return `${counted(rows.length, "row")}${more} · ${durationText(took)}`;
}
