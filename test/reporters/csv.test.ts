// CSV for spreadsheets: what a cell holds is shown, and never run.
import { expect, it } from "vitest";
import { csv } from "../../src/reporters/csv.js";

it("tells NULL from an empty text, and quotes what needs it", async () => {
  expect(
    await csv(
      ["a", "b,c"],
      [
        ["1", null],
        ["", 'say "x"\nnow'],
      ],
    ),
  ).toBe('a,"b,c"\n1,\n"","say ""x""\nnow"\n');
});

it.each(["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\r=x", "＝1", "－1+1", "-5x", "+"])(
  "makes %j a text that no spreadsheet computes",
  async (cell) => {
    expect((await csv(["n"], [[cell]])).replace(/^n\n"?/, "")).toMatch(/^'/);
  },
);

it.each(["-5", "+5", "-0.25", "-1e10", "12345678901234567890.123", "a=b", "2024-01-02"])(
  "leaves %j as it is",
  async (cell) => {
    expect(await csv(["n"], [[cell]])).toBe(`n\n${cell}\n`);
  },
);

it("keeps a column's name from being a formula as well", async () => {
  expect(await csv(["=x"], [])).toBe("'=x\n");
});
