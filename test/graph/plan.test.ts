import { expect, test } from "vitest";
import { type AssignOptions, assign, longestFirst } from "../../src/graph/assign.js";
import { compile, expansion, union } from "../../src/graph/compile.js";
import { formatGraph } from "../../src/graph/format.js";
import { fingerprint } from "../../src/graph/judge.js";
import { makePlan } from "../../src/graph/plan.js";
import type { Case } from "../../src/model/case.js";
import type { Trace, Verdict } from "../../src/model/graph.js";
import { caseOf } from "../rig/cases.js";

const traceFor = (item: Case, rows = item.rowsDigest): Trace => ({
  subject: item.id,
  fingerprint: fingerprint({ rows }),
  parts: { rows },
  observed: {},
  output: item.id,
  run: "r1",
  at: "2026-02-03T00:00:00Z",
});
const reuse: Verdict = { kind: "reuse", trace: traceFor(caseOf("summary", "-")) };
const always: Verdict = { kind: "run", reasons: [{ part: "summary", change: "always" }] };

const agentUse = {
  agent: { isFree: true, pools: ["warehouse"], places: { agent: 8, slots: 3, warehouse: 4 } },
  took: { summary: 10_000, export: 2_000 },
} as const;

const cases = [caseOf("total_wrong", "VA", 127), caseOf("duplicate", "VA", 3), caseOf("duplicate", "TX", 2)];
const assignment = assign(cases, {
  strategy: "per-group",
  maxTestsPerTask: 12,
  agents: 3,
  partsOf: (item) => ({ rows: item.rowsDigest }),
  factsOf: () => ({}),
  tracesOf: (id) => cases.filter((item) => item.id === id && id !== "duplicate@VA").map((item) => traceFor(item)),
  observe: () => null,
  selects: () => true,
});

test("a plan says which cases have work, which findings are used again, and why", () => {
  const plan = makePlan({ ...agentUse, summary: reuse, export: reuse, assignment, excepted: 1 });
  expect(plan.rows.filter(({ kind }) => kind === "investigate")).toEqual([
    {
      node: "investigate:TX",
      kind: "investigate",
      verdict: "reuse",
      because: ["all findings are used again"],
      cases: { open: 0, reused: 1, failures: 2 },
      expected: { duration: 0, cost: 0, guessed: false },
      tokens: null,
    },
    {
      node: "investigate:VA",
      kind: "investigate",
      verdict: "run",
      because: ["never finished before (1 of 2)"],
      cases: { open: 1, reused: 1, failures: 130 },
      expected: { duration: null, cost: 0, guessed: false },
      tokens: null,
    },
  ]);
  expect(plan.totals).toMatchObject({ investigations: 1, open: 1, reused: 2, excepted: 1 });
  expect(plan.assumes).toBeNull();
});

test("before the summary has run, the investigations are marked as those of the last export", () => {
  const plan = makePlan({
    ...agentUse,
    summary: always,
    export: { kind: "undecided", awaiting: "summary" },
    assignment,
    excepted: 0,
  });
  expect(plan.rows.find(({ node }) => node === "export")).toMatchObject({
    verdict: "undecided",
    because: ["waits for summary"],
  });
  expect(plan.assumes).toContain("those of the last export");
  expect(
    plan.rows.filter(({ kind }) => kind === "investigate").map(({ verdict, because }) => [verdict, because]),
  ).toEqual([
    ["undecided", ["as of the last export: all findings are used again"]],
    ["undecided", ["as of the last export: never finished before (1 of 2)"]],
  ]);
});

test("the first plan of all knows no investigation", () => {
  const plan = makePlan({
    ...agentUse,
    summary: always,
    export: { kind: "undecided", awaiting: "summary" },
    assignment: null,
    excepted: 0,
  });
  expect(plan.rows.map(({ node }) => node)).toEqual(["setup", "summary", "export", "collect", "cleanup"]);
  expect(plan.assumes).toBeNull();
});

test("the graph prints as Mermaid, DOT and JSON", () => {
  const graph = union(compile(), expansion([{ id: "VA", pools: ["slots"] }]));
  expect(formatGraph(graph, "mermaid")).toMatchInlineSnapshot(`
    "flowchart LR
      n0["setup"]
      n1["summary"]
      n2["export"]
      n3["collect"]
      n4["cleanup"]
      n5["investigate:VA"]
      n0 ==> n1
      n1 --> n2
      n2 --> n3
      n0 -.-> n4
      n1 -.-> n4
      n2 -.-> n4
      n3 -.-> n4
      n2 --> n5
      n5 -.-> n3
      n5 -.-> n4"
  `);
  expect(formatGraph(graph, "dot")).toContain('"export" -> "investigate:VA";');
  expect(JSON.parse(formatGraph(graph, "json"))).toEqual(graph);
});

test("the task that took longest the last time starts first; an unknown one is guessed by its failures", () => {
  const took: Record<string, number> = { "duplicate@TX": 50_000, "duplicate@VA": 2_000 };
  const options: AssignOptions = {
    strategy: "per-group",
    maxTestsPerTask: 12,
    agents: 3,
    partsOf: (item) => ({ rows: item.rowsDigest }),
    factsOf: () => ({}),
    tracesOf: (id) => (took[id] === undefined ? [] : [{ ...traceFor(caseOf("x", "y")), took: took[id] }]),
    observe: () => null,
    selects: () => true,
  };
  const open = assign(
    [caseOf("duplicate", "VA", 3), caseOf("duplicate", "TX", 2), caseOf("duplicate", "FL", 999)],
    options,
  );
  expect(longestFirst(open.tasks).map(({ task }) => task.id)).toEqual(["FL", "TX", "VA"]);
  took["duplicate@FL"] = 10;
  const known = assign(
    open.tasks.flatMap(({ task }) => task.cases),
    options,
  );
  expect(longestFirst(known.tasks).map(({ task }) => task.id)).toEqual(["TX", "VA", "FL"]);
});

test("a plan says how many queries the walks may send: one walk a test, for all its groups", () => {
  const planned = (max: number | null) =>
    makePlan({ ...agentUse, summary: reuse, export: reuse, assignment, excepted: 0, walks: { each: 13, max } });
  expect(planned(500).totals.queries).toEqual({ expected: 13, max: 500 });
  expect(planned(500).notes).toContain("The lineage walks may send about 13 queries, at most 500.");
  expect(planned(null).notes).toContain("The lineage walks may send about 13 queries.");
  expect(planned(10).notes.at(-1)).toMatch(/at most 10: not all tests may be followed in one run\.$/);
  const silent = makePlan({ ...agentUse, summary: reuse, export: reuse, assignment, excepted: 0 });
  expect([silent.totals.queries, silent.notes.filter((note) => note.includes("queries"))]).toEqual([null, []]);
});
