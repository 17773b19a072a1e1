import { expect, test } from "vitest";
import { closest } from "../../src/support/suggest.js";

test.each([
  ["stratgy", "strategy"],
  ["gruopBy", "groupBy"],
  ["max_tests_per_task", "maxTestsPerTask"],
  ["GROUPBY", "groupBy"],
  ["slot", "slots"],
])("%s was meant to be %s", (word, meant) => {
  expect(closest(word, ["groupBy", "maxTestsPerTask", "slots", "strategy"])).toBe(meant);
});

test.each(["", "zebra", "x".repeat(10_000), "---"])("nothing is near to %.10s", (word) => {
  expect(closest(word, ["groupBy", "slots", "strategy", "a".repeat(10_000)])).toBeUndefined();
});

test("of several near words the nearest is suggested, and of equals the first", () => {
  expect(closest("test", ["tests", "tess", "rest"])).toBe("tests");
  expect(closest("needs_fixx", ["needs_foxx", "needs_fix"])).toBe("needs_foxx");
});

test("a word is not suggested for itself", () => {
  expect(closest("slots", ["slots"])).toBeUndefined();
});
