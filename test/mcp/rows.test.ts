// Pages of rows, whatever the rows hold: together they are the result, and each is small.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCursor, rowsPage } from "../../src/mcp/rows.js";
import { jsonText, pageOf, textPart } from "../../src/mcp/tool.js";
import type { QueryResult } from "../../src/model/warehouse.js";

const cell = fc.oneof(
  fc.constant(null),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: fc.constantFrom("\u0000", "\u202e", '"', "😀", "\\"), minLength: 500, maxLength: 3_000 }),
);

const resultOf = (columns: number, rows: readonly (readonly (string | null)[])[]): QueryResult => ({
  columns: Array.from({ length: columns }, (_, n) => ({ name: `c${n}`, type: "VARCHAR" })),
  rows,
  truncated: false,
});

const anyResult = fc
  .integer({ min: 1, max: 12 })
  .chain((columns) =>
    fc
      .array(fc.array(cell, { minLength: columns, maxLength: columns }), { maxLength: 60 })
      .map((rows) => resultOf(columns, rows)),
  );

const bytes = 20_000;

describe("pages of rows", () => {
  it("hold every row once, in its order, and keep to their size", () => {
    fc.assert(
      fc.property(anyResult, fc.integer({ min: 1, max: 50 }), (result, most) => {
        const seen: number[] = [];
        for (let from: number | null = 0; from !== null; ) {
          const page = rowsPage({ id: "q1", result, from, most, bytes, redact: (text) => text });
          if (page === null) throw new Error("such a row fits");
          expect(Buffer.byteLength(jsonText(page))).toBeLessThanOrEqual(bytes);
          expect(page.rows.length).toBeLessThanOrEqual(most);
          for (const [position, row] of page.rows.entries()) {
            const whole = result.rows[from + position] ?? [];
            for (const [at, text] of row.entries()) {
              // A cell that was cut begins as it did, and NULL stays NULL.
              const start = text?.split("…")[0] ?? null;
              expect(start === null ? whole[at] : whole[at]?.startsWith(start)).toBe(start === null ? null : true);
            }
            seen.push(from + position);
          }
          const next = page.next_cursor === undefined ? null : parseCursor(page.next_cursor);
          expect(next === null || next.from > from).toBe(true);
          from = next?.from ?? null;
        }
        expect(seen).toEqual(result.rows.map((_, position) => position));
      }),
    );
  });

  it("are none where columns alone are too many", () => {
    const result = resultOf(5_000, [Array.from({ length: 5_000 }, () => "x")]);
    expect(rowsPage({ id: "q1", result, from: 0, most: 1, bytes, redact: (text) => text })).toBe(null);
  });

  it("show what was redacted before it was cut: half a secret is none of theirs", () => {
    const secret = "s".repeat(30);
    const result = resultOf(1, [[`${"x".repeat(1_990)}${secret}`]]);
    const page = rowsPage({
      id: "q1",
      result,
      from: 0,
      most: 1,
      bytes,
      redact: (text) => text.replaceAll(secret, "[redacted]"),
    });
    expect(page?.rows[0]?.[0]).toBe(`${"x".repeat(1_990)}[redacted]`);
  });

  it("past the end are empty", () => {
    const page = rowsPage({ id: "q1", result: resultOf(1, [["a"]]), from: 7, most: 5, bytes, redact: (text) => text });
    expect([page?.rows, page?.next_cursor]).toEqual([[], undefined]);
  });
});

it("a page has one item at least, however long", () => {
  expect(pageOf(["x".repeat(100), "y"], 0, 10)).toEqual({ items: ["x".repeat(100)], next: 1 });
  expect(pageOf([], 0, 10)).toEqual({ items: [], next: null });
});

it("parts of a text are the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (text, length) => {
      let whole = "";
      for (let offset: number | undefined = 0; offset !== undefined; ) {
        const part: ReturnType<typeof textPart> = textPart(text, offset, length);
        whole += part.text;
        offset = part.next_offset;
      }
      expect(whole).toBe(text);
    }),
  );
});
