/** Collect: every case gets exactly one report, whatever happened to its node. */
import { expect, it } from "vitest";
import type { Settled } from "../../src/model/graph.js";
import { collectReport } from "../../src/tasks/collect.js";
import { exceptionOf, findingOf, inputOf, realisticInput } from "../fixtures/report/audit.js";
import { caseOf } from "../rig/cases.js";

const duplicate = caseOf("duplicate", "VA", 3);
const total = caseOf("total_wrong", "VA", 127);

function statuses(input: Parameters<typeof collectReport>[0]) {
  return collectReport(input).cases.map(({ case: { id }, report, task }) => {
    const more = report.status === "missing" ? `: ${report.reason}` : "";
    return `${id} (${task ?? "no task"}) ${report.status}${more}`;
  });
}

function settled(node: string, outcome: Settled["outcome"], failure?: Settled["failure"]): Settled {
  return { node, outcome, duration: 1, ...(failure && { failure }) };
}

it("reports each case of the export exactly once, by group and test", () => {
  const input = realisticInput();
  const ids = collectReport(input).cases.map((each) => each.case.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(input.export.cases.map(({ id }) => id).sort());
  expect(
    collectReport({ ...input, export: { ...input.export, cases: input.export.cases.toReversed() } }).cases.map(
      (each) => each.case.id,
    ),
  ).toEqual(ids);
});

it("keeps findings of a task whose node failed", () => {
  const findings = new Map([[duplicate.id, { finding: findingOf(duplicate), reused: false }]]);
  const failure = { code: "agent-timeout", message: "the agent gave no answer within 30m" } as const;
  expect(
    statuses(inputOf([duplicate, total], { findings, settled: [settled("investigate:VA", "failed", failure)] })),
  ).toEqual(["duplicate@VA (VA) found", "total_wrong@VA (VA) missing: the agent gave no answer within 30m"]);
});

it("lets an accepted exception win over an older finding", () => {
  const findings = new Map([[duplicate.id, { finding: findingOf(duplicate), reused: true }]]);
  const exceptions = {
    excepted: [{ case: duplicate, exception: exceptionOf("duplicate", "VA") }],
    expired: [],
    unmatched: [],
  };
  expect(statuses(inputOf([duplicate], { findings, exceptions, tasks: [] }))).toEqual([
    "duplicate@VA (no task) excepted",
  ]);
});

it("says why a case has no finding", () => {
  const one = (node: Settled[], more = {}) => statuses(inputOf([duplicate], { settled: node, ...more }))[0];
  expect(one([settled("investigate:VA", "blocked")])).toMatch(/missing: a node that it needs failed$/);
  expect(one([settled("investigate:VA", "cancelled")])).toMatch(/missing: it was cancelled/);
  expect(one([settled("investigate:VA", "executed")])).toMatch(/missing: the agent gave no answer for it$/);
  expect(one([])).toMatch(/missing: its investigation did not start$/);
  expect(one([], { isAsked: () => false })).toMatch(/\(VA\) unasked$/);
  const refused = new Map([[duplicate.id, { objections: [], answer: "{}" }]]);
  expect(one([settled("investigate:VA", "executed")], { refused })).toMatch(/validation-failed$/);
});

it("lists every node that did not end well, and no other", () => {
  const disk = { code: "disk", message: "no space left" } as const;
  const nodes = [
    settled("setup", "executed"),
    settled("investigate:VA", "blocked"),
    settled("investigate:TX", "reused"),
    settled("cleanup", "failed", disk),
  ];
  expect(collectReport(inputOf([], { settled: nodes })).failures).toEqual([
    { node: "investigate:VA", failure: { code: "dependency-failed", message: "a node that it needs failed" } },
    { node: "cleanup", failure: disk },
  ]);
});
