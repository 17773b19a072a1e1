import fc from "fast-check";
import { expect, test } from "vitest";
import { compile, expansion, restrict, union } from "../../src/graph/compile.js";
import { createSchedule, type Schedule } from "../../src/graph/schedule.js";
import type { Edge, Outcome } from "../../src/model/graph.js";
import { graphOf } from "../rig/graph.js";

const ready = (schedule: Schedule) => schedule.takeReady().map((node) => node.id);

test("a node starts when all that it needs has ended well", () => {
  const schedule = createSchedule(graphOf("a -> c, b -> c"));
  expect(ready(schedule)).toEqual(["a", "b"]);
  schedule.settle("a", "executed");
  expect(ready(schedule)).toEqual([]);
  schedule.settle("b", "reused");
  expect(ready(schedule)).toEqual(["c"]);
});

test("a failure blocks what needs it, and what needs that, but not what only comes after", () => {
  const schedule = createSchedule(graphOf("a -> b -> c => d, a => e"));
  expect(ready(schedule)).toEqual(["a"]);
  expect(schedule.settle("a", "failed")).toEqual([
    { node: "b", outcome: "blocked" },
    { node: "c", outcome: "blocked" },
  ]);
  expect(ready(schedule)).toEqual(["e", "d"]);
});

test("an order-only edge blocks like a need", () => {
  const schedule = createSchedule(graphOf("setup ~> summary"));
  ready(schedule);
  expect(schedule.settle("setup", "failed")).toEqual([{ node: "summary", outcome: "blocked" }]);
});

test("nodes that join while others run are waited for by collect and cleanup", () => {
  const schedule = createSchedule(compile());
  for (const node of ["setup", "summary"]) {
    expect(ready(schedule)).toEqual([node]);
    schedule.settle(node, "executed");
  }
  expect(ready(schedule)).toEqual(["export"]);
  schedule.add(
    expansion([
      { id: "VA", pools: ["slots"] },
      { id: "TX", pools: ["slots"] },
    ]),
  );
  schedule.settle("export", "executed");
  expect(ready(schedule)).toEqual(["investigate:VA", "investigate:TX"]);
  schedule.settle("investigate:VA", "failed");
  expect(ready(schedule)).toEqual([]);
  schedule.settle("investigate:TX", "executed");
  expect(ready(schedule)).toEqual(["collect"]);
  schedule.settle("collect", "executed");
  expect(ready(schedule)).toEqual(["cleanup"]);
});

test("after a cancellation only collect and cleanup still start", () => {
  const schedule = createSchedule(
    union(
      compile(),
      expansion([
        { id: "VA", pools: [] },
        { id: "TX", pools: [] },
      ]),
    ),
  );
  for (const node of ["setup", "summary", "export"]) {
    ready(schedule);
    schedule.settle(node, "executed");
  }
  schedule.takeReady();
  expect(schedule.cancel()).toEqual([]);
  schedule.settle("investigate:VA", "cancelled");
  schedule.settle("investigate:TX", "executed");
  expect(ready(schedule)).toEqual(["collect"]);
  schedule.settle("collect", "executed");
  expect(ready(schedule)).toEqual(["cleanup"]);
});

test("a node that is opened again may start once more, and what comes after it waits for it", () => {
  const schedule = createSchedule(graphOf("a => c, b => c"));
  ready(schedule);
  schedule.settle("a", "failed");
  expect(schedule.reopen("a")).toBe(true);
  expect(ready(schedule)).toEqual(["a"]);
  schedule.settle("b", "executed");
  expect(ready(schedule)).toEqual([]);
  schedule.settle("a", "executed");
  expect(ready(schedule)).toEqual(["c"]);
  expect(schedule.unsettled).toBe(1);
});

test("what needs a node that failed and is opened again is not blocked when it then ends well", () => {
  const schedule = createSchedule(graphOf("a -> c, b -> c"));
  ready(schedule);
  schedule.settle("a", "failed");
  schedule.reopen("a");
  ready(schedule);
  schedule.settle("a", "executed");
  expect(schedule.settle("b", "executed")).toEqual([]);
  expect(ready(schedule)).toEqual(["c"]);
});

test("no node is opened again behind which something was blocked or has started", () => {
  const schedule = createSchedule(graphOf("a -> b, c => d"));
  ready(schedule);
  schedule.settle("a", "failed");
  schedule.settle("c", "failed");
  expect(schedule.reopen("a")).toBe(false);
  // Ready is not started: it can wait again.
  expect(schedule.reopen("c")).toBe(true);
  expect(ready(schedule)).toEqual(["c"]);
  schedule.settle("c", "failed");
  expect(ready(schedule)).toEqual(["d"]);
  expect(schedule.reopen("c")).toBe(false);
});

test("cancelled before anything ran, cleanup alone starts", () => {
  const schedule = createSchedule(compile());
  expect(schedule.cancel().map(({ node }) => node)).toEqual(["setup", "summary", "export", "collect"]);
  expect(ready(schedule)).toEqual(["cleanup"]);
});

test("targets keep what they need and cleanup", () => {
  const ids = (targets: string[]) => restrict(compile(), targets).nodes.map((node) => node.id);
  expect(ids(["export"])).toEqual(["setup", "summary", "export", "cleanup"]);
  expect(ids(["investigate:VA"])).toEqual(["setup", "summary", "export", "cleanup"]);
  expect(ids(["setup"])).toEqual(["setup", "cleanup"]);
});

test("every node of a random graph ends exactly once, whatever fails, and never before what it needs", () => {
  const outcomes: Outcome[] = ["executed", "reused", "failed", "cancelled"];
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.tuple(fc.nat(11), fc.nat(11), fc.constantFrom("needs", "after", "order"))),
      fc.array(fc.constantFrom(...outcomes), { minLength: 12, maxLength: 12 }),
      fc.nat(12),
      (size, pairs, ends, cancelAt) => {
        const nodes = Array.from({ length: size }, (_, index) => ({
          id: `n${index}`,
          kind: "investigate" as const,
          pools: [],
        }));
        const edges = pairs
          .filter(([from, to]) => from < to && to < size)
          .map(([from, to, kind]): Edge => ({ from: `n${from}`, to: `n${to}`, kind: kind as Edge["kind"] }));
        const schedule = createSchedule({ nodes, edges });
        const ended = new Map<string, Outcome>();
        const note = (all: readonly { node: string; outcome: Outcome }[]) => {
          for (const { node, outcome } of all) {
            expect(ended.has(node)).toBe(false);
            ended.set(node, outcome);
          }
        };
        for (let step = 0; schedule.unsettled > 0; step += 1) {
          if (step === cancelAt) note(schedule.cancel());
          for (const { id } of schedule.takeReady()) {
            for (const edge of edges.filter(({ to }) => to === id)) expect(ended.has(edge.from)).toBe(true);
            const outcome = ends[Number(id.slice(1))] ?? "executed";
            note([{ node: id, outcome }]);
            note(schedule.settle(id, outcome));
          }
          expect(step).toBeLessThan(size + 2);
        }
        expect(ended.size).toBe(size);
      },
    ),
  );
});
