// Which cases a line of tasks.json means, whatever its groups are called.
import { expect, test } from "vitest";
import { casesOfTask } from "../../src/audit/accept.js";
import { caseOf } from "../rig/cases.js";

const exported = {
  cases: [
    caseOf("total_wrong", "A", 2),
    caseOf("total_wrong", "A, B", 5),
    caseOf("total_wrong", "B", 3),
    caseOf("late_rows", "A, B", 1),
    caseOf("late_rows", "C", 1),
  ],
};

const meant = (state: string, tests: readonly string[], cases: number, failures: number) =>
  casesOfTask({ state, tests, cases, failures }, exported)?.map(({ id }) => id) ?? null;

test("a group with a comma in its name is one group", () => {
  expect(meant("A, B", ["total_wrong", "late_rows"], 2, 6)).toEqual(["total_wrong@A, B", "late_rows@A, B"]);
});

test("several groups are told by their names, also where one of them has a comma", () => {
  expect(meant("A, A, B, B", ["total_wrong"], 3, 10)).toEqual(["total_wrong@A", "total_wrong@A, B", "total_wrong@B"]);
  expect(meant("A, B, C", ["late_rows"], 2, 2)).toEqual(["late_rows@A, B", "late_rows@C"]);
});

test("where counts or failures are others than the line has, nothing is guessed", () => {
  expect(meant("A, B", ["total_wrong", "late_rows"], 3, 6)).toBeNull();
  expect(meant("A, B", ["total_wrong", "late_rows"], 2, 7)).toBeNull();
  expect(meant("D", ["total_wrong"], 1, 1)).toBeNull();
});
