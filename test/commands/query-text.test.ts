// A query's result on a terminal.
import { expect, it } from "vitest";
import { noteOn, tableText } from "../../src/commands/query-text.js";
import type { QueryResult } from "../../src/model/warehouse.js";

const result: QueryResult = {
  columns: [
    { name: "state", type: "VARCHAR" },
    { name: "amount", type: "DECIMAL(18,2)" },
  ],
  rows: [
    ["VA", "2.50"],
    [null, "-100.00"],
    [`\u001b[31m${"x".repeat(80)}\n`, null],
  ],
  truncated: false,
};

it("lines up numbers at the right, and cuts long cells to the screen", () => {
  expect(tableText(result, 30)).toBe(
    [
      `state                            amount`,
      `${"─".repeat(30)}  ───────`,
      `VA                                 2.50`,
      `NULL                            -100.00`,
      `${"x".repeat(29)}…     NULL`,
    ].join("\n"),
  );
});

it("cuts nothing where no screen is, and lets nothing through that moves a cursor", () => {
  const text = tableText(result, null);
  expect(text).toContain("x".repeat(80));
  expect(text).not.toContain("\u001b");
});

it("says how many rows there are, and where they were cut", () => {
  expect(noteOn(result, 120, "64 MB")).toBe("3 rows · 0.1 s");
  expect(noteOn({ ...result, truncated: true, truncatedBy: "rows" }, 0, "64 MB")).toBe(
    "3 rows, cut at 3 rows: there are more · 0.0 s",
  );
  expect(noteOn({ ...result, truncated: true, truncatedBy: "bytes" }, 0, "64 MB")).toContain("cut at 64 MB");
});
