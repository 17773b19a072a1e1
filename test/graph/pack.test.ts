import fc from "fast-check";
import { expect, test } from "vitest";
import { pack } from "../../src/graph/pack.js";
import type { StrategyName } from "../../src/model/config.js";
import { caseOf } from "../rig/cases.js";

const options = { strategy: "per-group" as StrategyName, maxTestsPerTask: 12, agents: 3 };
const sixCases = ["VA", "TX", "FL"].flatMap((state) => [
  caseOf("total_wrong", state, 100),
  caseOf("duplicate", state, 3),
]);
const shape = (strategy: StrategyName, cases = sixCases, maxTestsPerTask = 12) =>
  pack(cases, { ...options, strategy, maxTestsPerTask }).tasks.map(
    (task) => `${task.id}: ${task.cases.map(({ id }) => id).join(" ")}`,
  );

test("per-group gives each state its own task", () => {
  expect(shape("per-group")).toEqual([
    "FL: duplicate@FL total_wrong@FL",
    "TX: duplicate@TX total_wrong@TX",
    "VA: duplicate@VA total_wrong@VA",
  ]);
});

test("per-test gives each test its own task over all states", () => {
  expect(shape("per-test")).toEqual([
    "duplicate: duplicate@FL duplicate@TX duplicate@VA",
    "total_wrong: total_wrong@FL total_wrong@TX total_wrong@VA",
  ]);
});

test("balanced spreads the failures evenly", () => {
  expect(shape("balanced")).toEqual([
    "task-1: duplicate@FL total_wrong@FL",
    "task-2: duplicate@TX total_wrong@TX",
    "task-3: duplicate@VA total_wrong@VA",
  ]);
});

test("a task with too many tests is cut into even parts whose names no group can have", () => {
  const cases = Array.from({ length: 5 }, (_, index) => caseOf(`test_${index}`, "VA"));
  expect(shape("per-group", [...cases, caseOf("test_0", "VA-2")], 2)).toEqual([
    "VA: test_0@VA test_1@VA",
    "VA.2: test_2@VA test_3@VA",
    "VA.3: test_4@VA",
    "VA-2: test_0@VA-2",
  ]);
});

test("auto says what it chose and why", () => {
  const perTest = ["VA", "TX", "FL"].map((state) => caseOf("duplicate", state));
  expect(pack(perTest, { ...options, strategy: "auto" })).toMatchObject({
    strategy: "per-test",
    why: "3 groups and 1 failing test: fewer tests than groups, so the same fix is looked for once",
  });
  expect(
    pack(
      sixCases.filter(({ group }) => group.key !== "FL"),
      { ...options, strategy: "auto" },
    ).strategy,
  ).toBe("per-group");
});

test("work too small for agents is said to be so", () => {
  expect(pack([caseOf("duplicate", "VA")], options).tooSmall).toMatch(
    /^One group and 1 failing test: this is too small/,
  );
  expect(pack(sixCases, options).tooSmall).toBeNull();
});

test("no cases make no tasks", () => {
  for (const strategy of ["per-group", "per-test", "balanced", "auto"] as const)
    expect(shape(strategy, [])).toEqual([]);
});

test("every strategy gives each case to exactly one task, within the limit, under distinct safe names", () => {
  const group = fc.oneof(
    fc.constantFrom("VA", "va", "VA-2", "../../x", "a/b", "(null)", "NULL", "(empty)"),
    fc.string({ maxLength: 400 }),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.constantFrom("t1", "t2", "T1", "t 3"), group, fc.nat(500)), {
        selector: ([test, key]) => `${test}@${key}`,
        maxLength: 40,
      }),
      fc.constantFrom<StrategyName>("per-group", "per-test", "balanced", "auto"),
      fc.integer({ min: 1, max: 5 }),
      (rows, strategy, maxTestsPerTask) => {
        const cases = rows.map(([test, key, failures]) => caseOf(test, key, failures));
        const { tasks } = pack(cases, { strategy, maxTestsPerTask, agents: 3 });
        expect(tasks.flatMap((task) => task.cases.map(({ id }) => id)).sort()).toEqual(
          cases.map(({ id }) => id).sort(),
        );
        const names = tasks.map((task) => task.id);
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]*(\.\d+)?$/);
        for (const task of tasks)
          if (task.axis !== "test") expect(task.cases.length).toBeLessThanOrEqual(maxTestsPerTask);
      },
    ),
  );
});
