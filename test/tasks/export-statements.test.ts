// Statements that an audit sends for T failing tests, counted: they grow with T / 40, not with T, and not with the states.
import { describe, expect, it } from "vitest";
import { readProject, readRunResults } from "../../src/dbt/artifacts.js";
import type { Export } from "../../src/model/case.js";
import type { Project } from "../../src/model/project.js";
import { sampleTexts } from "../../src/tasks/sample-rows.js";
import { type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";
import { counting, failingProject, type StatementKind } from "../rig/failing-tests.js";
import { checkRows, exported } from "./export-rig.js";

async function exportOf(count: number, states: number, drop?: RegExp) {
  const { tables, manifest, runResults } = failingProject(count, {
    states,
    rows: Math.max(100, 10 * states),
  });
  const made = tables.map((sql) => (drop?.test(sql) ? "select 1" : sql));
  const database = await temporaryDuckdb(["create schema failures", "begin", ...made, "commit"]);
  const { warehouse, counts } = counting(database.warehouse);
  const project = value(readProject(JSON.stringify(manifest)));
  const results = value(readRunResults(JSON.stringify(runResults), "duckdb"));
  const result = await exported(warehouse, project, { runResults: results });
  return { database, warehouse, counts, result, project };
}

function value<Value>(result: { ok: true; value: Value } | { ok: false; failure: { message: string } }): Value {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

interface Exported {
  readonly database: TemporaryWarehouse;
  readonly counts: Record<StatementKind, number>;
  readonly result: Export;
  readonly project: Project;
}

const total = ({ counts }: Exported) => Object.values(counts).reduce((sum, count) => sum + count, 0);

// Tables are made by the hundred: on a busy machine that takes its time.
describe("an export of T failing tests", { timeout: 60_000 }, () => {
  it.each([
    [10, { catalog: 1, "count again": 1, columns: 1, groups: 1 }],
    [50, { catalog: 1, "count again": 2, columns: 1, groups: 2 }],
    [90, { catalog: 1, "count again": 3, columns: 1, groups: 3 }],
  ])("for T = %d sends as many statements of each kind as there are chunks", async (count, expected) => {
    const { database, counts, result } = await exportOf(count, 3);
    expect(counts).toEqual({ ...expected, samples: 0, evidence: 0, other: 0 });
    expect(result.cases).toHaveLength(3 * count);
    expect([result.broken, result.unsplit]).toEqual([[], []]);
    await database.close();
  });

  it("sends no more of them for more states", async () => {
    const [few, many] = [await exportOf(20, 2), await exportOf(20, 50)];
    expect(many.result.cases).toHaveLength(20 * 50);
    expect(total(many)).toBe(total(few));
    await checkRows(few.warehouse, few.result);
    for (const { database } of [few, many]) await database.close();
  });

  it("loses no test but those whose model is gone, names them, and sends few more", async () => {
    const whole = await exportOf(40, 2);
    // Only its compiled SQL can be asked now, and where rows were to be joined there is nothing to join them to.
    const lacking = await exportOf(40, 2, /^create table failures\.unique_bids_1_/);
    expect(lacking.result.cases).toHaveLength(whole.result.cases.length);
    const gone = await exportOf(40, 2, /main\.bids_1 |"main"\."bids_1" /);
    const broken = gone.result.broken.map(({ test }) => test.name);
    expect(broken.map((name) => name.replace(/^.*_(bids_\d+)_\d+$/, "$1"))).toEqual(["bids_1", "bids_1"]);
    expect(gone.result.cases).toHaveLength(whole.result.cases.length - 2 * broken.length);
    expect(total(gone)).toBeLessThanOrEqual(total(whole) + 2 * 2 * broken.length * Math.ceil(Math.log2(40)));
    for (const { database } of [whole, lacking, gone]) await database.close();
  });
});

it("samples for a task's evidence pack take two statements for twenty tests, whatever their kinds", async () => {
  const { database, warehouse, counts, result } = await exportOf(50, 3);
  const { columns: before } = counts;
  const cases = result.cases.filter(({ group }) => group.key === "S1");
  const texts = await sampleTexts(cases, warehouse.query, warehouse.dialect, [], (text) => text);
  expect(texts.ok && texts.value.size).toBe(50);
  for (const text of texts.ok ? texts.value.values() : []) expect(text.split("\n").length).toBeGreaterThan(2);
  expect([counts.columns - before, counts.samples, counts.other]).toEqual([3, 2, 0]);
  await database.close();
});
