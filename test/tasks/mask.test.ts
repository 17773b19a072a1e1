// Columns whose values are shown to nobody.
import { expect, it } from "vitest";
import { maskColumns } from "../../src/tasks/mask.js";

const columns = ["id", "Owner_Email", "ssn", "SSN"].map((name) => ({ name, type: "VARCHAR" }));
const rows = [
  ["1", "a@example.org", "12", ""],
  ["2", null, null, "34"],
];
const result = { columns, rows, truncated: true, truncatedBy: "rows" } as const;

it("masks the cells of each column that a pattern fits, whatever its case; nulls, names and the rest stay", () => {
  expect(maskColumns(result, ["*_email", "ssn"])).toEqual({
    ...result,
    rows: [
      ["1", "[redacted]", "[redacted]", "[redacted]"],
      ["2", null, null, "[redacted]"],
    ],
  });
  expect(rows[0]?.[1]).toBe("a@example.org");
});

it("leaves a result alone that has no such column", () => {
  expect(maskColumns(result, [])).toBe(result);
  expect(maskColumns(result, ["email", "s?"])).toBe(result);
});
