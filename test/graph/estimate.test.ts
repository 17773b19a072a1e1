import { describe, expect, test } from "vitest";
import { planText } from "../../src/commands/plan.js";
import { type Assignment, assign } from "../../src/graph/assign.js";
import { compile, expansion, union } from "../../src/graph/compile.js";
import { makespan } from "../../src/graph/makespan.js";
import { makePlan, type PlanInput } from "../../src/graph/plan.js";
import type { Case } from "../../src/model/case.js";
import type { Parts, Trace, Verdict } from "../../src/model/graph.js";
import { caseOf } from "../rig/cases.js";

const trace = (subject: string, parts: Parts, more: Partial<Trace> = {}): Trace => {
  return { subject, fingerprint: "of other rows", parts, observed: {}, output: "", run: "r1", at: "", ...more };
};
const reuse: Verdict = { kind: "reuse", trace: trace("summary", {}) };
const now: Parts = { agent: "claude", model: "big" };

function assigned(cases: readonly Case[], traces: readonly Trace[]): Assignment {
  return assign(cases, {
    strategy: "per-group",
    maxTestsPerTask: 12,
    agents: 2,
    partsOf: (item) => ({ ...now, rows: item.rowsDigest }),
    factsOf: () => ({}),
    tracesOf: (id) => traces.filter(({ subject }) => subject === id),
    observe: () => null,
    selects: () => true,
  });
}

function planned(traces: readonly Trace[], more: Partial<PlanInput> = {}) {
  const cases = [caseOf("wrong", "FL", 9), caseOf("wrong", "TX", 9), caseOf("wrong", "VA", 9)];
  return makePlan({
    summary: { kind: "run", reasons: [{ part: "summary", change: "always" }] },
    export: reuse,
    assignment: assigned(cases, traces),
    excepted: 0,
    agent: { isFree: false, pools: ["slots"], places: { agent: 8, slots: 2, warehouse: 4 } },
    took: { summary: 60_000, export: 2_000 },
    ...more,
  });
}
const expectedOf = (plan: ReturnType<typeof planned>) =>
  plan.rows.flatMap(({ node, expected }) => (node.startsWith("investigate:") ? [[node.slice(12), expected]] : []));

const threeMinutes = { took: 180_000, cost: 0.5 };

describe("a plan expects of an investigation", () => {
  test("what it took and cost the last time, by the same agent and model", () => {
    const plan = planned([
      trace("wrong@FL", now, threeMinutes),
      trace("wrong@TX", { ...now, model: "small" }, { took: 1_000, cost: 0.01 }),
      trace("wrong@TX", now, { took: 60_000, cost: 0.2 }),
      trace("wrong@VA", now, { took: 60_000, cost: 0.2 }),
    ]);
    expect(expectedOf(plan)).toEqual([
      ["FL", { duration: 180_000, cost: 0.5, guessed: false }],
      ["TX", { duration: 60_000, cost: 0.2, guessed: false }],
      ["VA", { duration: 60_000, cost: 0.2, guessed: false }],
    ]);
  });

  test("where it never was, a guess by its number of failures, at the pace of the others", () => {
    const plan = planned([trace("wrong@FL", now, threeMinutes)]);
    expect(expectedOf(plan)).toEqual([
      ["FL", { duration: 180_000, cost: 0.5, guessed: false }],
      ["TX", { duration: 180_000, cost: 0.5, guessed: true }],
      ["VA", { duration: 180_000, cost: 0.5, guessed: true }],
    ]);
  });

  test("of another agent's time a guess, and nothing of its price", () => {
    const plan = planned([trace("wrong@FL", { agent: "lineage" }, { took: 500 })]);
    expect(expectedOf(plan)[0]).toEqual(["FL", { duration: 500, cost: null, guessed: true }]);
  });

  test("no price where its agent never told one, which is no guess", () => {
    const plan = planned([trace("wrong@FL", now, { took: 500 })]);
    expect(expectedOf(plan)[0]).toEqual(["FL", { duration: 500, cost: null, guessed: false }]);
  });

  test("nothing where nothing was ever investigated", () => {
    const plan = planned([]);
    expect(expectedOf(plan)[0]).toEqual(["FL", { duration: null, cost: null, guessed: false }]);
    expect(plan.totals.expected).toMatchObject({ duration: null, makespan: null, cost: null });
  });
});

test("the whole takes what its longest way takes with so many tasks at a time, not the sum", () => {
  const traces = ["FL", "TX", "VA"].map((state) => trace(`wrong@${state}`, now, threeMinutes));
  const { expected } = planned(traces).totals;
  expect(expected).toEqual({ duration: 600_000, makespan: 420_000, cost: 1.5, guessed: false, places: 2 });
});

describe("a graph's simulated time", () => {
  const tasks = ["A", "B", "C"].map((id) => ({ id, pools: ["slots"] as const }));
  const graph = union(compile(), expansion(tasks));
  const durations: Record<string, number> = {
    summary: 5,
    export: 3,
    "investigate:A": 10,
    "investigate:B": 4,
    "investigate:C": 5,
    collect: 1,
  };
  const time = (slots: number, warehouse = 1): number =>
    makespan(graph, (node) => durations[node] ?? 0, { agent: 8, slots, warehouse });

  test("depends on the places of the pools", () => {
    expect([1, 2, 3].map((slots) => time(slots))).toEqual([5 + 3 + 19 + 1, 5 + 3 + 10 + 1, 5 + 3 + 10 + 1]);
  });

  test("of a node in two pools waits for a place in both", () => {
    const both = union(compile(), expansion(tasks.map(({ id }) => ({ id, pools: ["slots", "warehouse"] }))));
    expect(makespan(both, (node) => durations[node] ?? 0, { agent: 8, slots: 3, warehouse: 1 })).toBe(time(1));
  });

  test("of ten thousand nodes is known soon", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ id: `S${index}`, pools: ["slots"] as const }));
    const all = union(compile(), expansion(many));
    expect(
      makespan(all, (node) => (node.startsWith("investigate:") ? 1 : 0), { agent: 8, slots: 10, warehouse: 1 }),
    ).toBe(1_000);
  });
});

describe("a plan as text", () => {
  test("has a time and a cost for each node, and marks guesses", () => {
    const text = planText(planned([trace("wrong@FL", now, threeMinutes)]), "claude");
    expect(text).toMatchInlineSnapshot(`
      "node            verdict  cases   failures  time        cost    because
      setup           run                                            prepares the audit folder
      summary         run                        1 min 0 s           runs every time
      export          reuse                                          unchanged
      investigate:FL  run      1 of 1  9         3 min 0 s   $0.50   failing rows appeared
      investigate:TX  run      1 of 1  9         ~3 min 0 s  ~$0.50  never finished before
      investigate:VA  run      1 of 1  9         ~3 min 0 s  ~$0.50  never finished before
      collect         run                                            writes the report
      cleanup         run                                            releases slots

      3 investigations of 3 cases; 0 findings used again; 0 accepted exceptions.
      Expected time: ~7 min 0 s (10 min 0 s of work, up to 2 tasks at a time); ~$1.50.
      ~ is a guess: this agent has not investigated all of these cases before."
    `);
  });

  test("says of an agent that costs nothing that it does, and has no column for it", () => {
    const agent = { isFree: true, pools: ["warehouse"], places: { agent: 8, slots: 2, warehouse: 4 } } as const;
    const text = planText(planned([trace("wrong@FL", now, threeMinutes)], { agent }), "lineage");
    expect(text).toContain("up to 4 tasks at a time); the agent lineage costs nothing.");
    expect(text.split("\n")[0]).not.toContain("cost");
  });

  test("has the estimated tokens of each prompt where its agent reads one, and no price made of them", () => {
    const prompts = new Map([
      ["FL", { tokens: 2_400, shared: 1_500 }],
      ["TX", { tokens: 3_100, shared: 1_500 }],
    ]);
    const text = planText(planned([], { prompts }), "claude");
    expect(text).toMatch(/^investigate:FL .* unknown +~2\.4k tokens +never finished before$/m);
    expect(text).toMatch(/^investigate:VA .* unknown +never finished before$/m);
    expect(text).toContain(
      "Prompts: ~5.5k tokens by estimate, of these ~3.0k tokens in text that all tasks share; what agents read by tools comes on top.",
    );
    expect(text).not.toContain("$");
    expect(planText(planned([]), "lineage")).not.toContain("prompt");
  });

  test("invents no figure where there is none to go by", () => {
    const text = planText(planned([]), "command");
    expect(text).toContain(
      "Expected time: not known before it has run once; what the agent command costs is not known.",
    );
    expect(text).not.toContain("$");
  });

  test("tells an export without failures from one that has yet to come", () => {
    expect(planText(planned([], { assignment: assigned([], []) }), "lineage")).toContain("No test fails.");
    const export_: Verdict = { kind: "undecided", awaiting: "summary" };
    const text = planText(planned([], { assignment: null, export: export_ }), "lineage");
    expect(text).toContain("The export will say which investigations there are.");
  });
});
