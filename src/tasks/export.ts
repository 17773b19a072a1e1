/**
 * `export`: from what dbt says of its tests to cases, one for each failing test and group, with counts and digests of
 * our own. Knows no agent, no task and no file; whether something is investigated again is decided elsewhere.
 */
import type { Case, Export } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { Project, RunResults } from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Warehouse } from "../model/warehouse.js";
import { type BatchOptions, queryBatch } from "../sql/index.js";
import { casesOf } from "./export/cases.js";
import { type FailingTest, isIncluded, knownTest, testNames } from "./export/failing-test.js";
import { type Selection, selectFromResults } from "./export/from-results.js";
import { selectFromSummary } from "./export/from-summary.js";
import { measureTests } from "./export/measure.js";
import { exportNotes } from "./export/notes.js";
import { subquery } from "./export/rows-source.js";

export interface ExportInput {
  readonly config: Config;
  readonly project: Project | null;
  readonly runResults: RunResults | null;
  readonly warehouse: Warehouse;
  /** The last export: tests of its cases that pass now are said to. */
  readonly previous: Export | null;
  readonly progress: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Failure codes: artifacts-missing, artifacts-unreadable, relation-missing and column-missing (of the summary table),
 * and those of a query. What is wrong with one test alone is listed in `broken`, and the others go on.
 */
export async function exportCases(input: ExportInput): Promise<Result<Export>> {
  const selected = await select(input);
  if (!selected.ok) return selected;
  const selection = selected.value;
  input.progress(`${selection.failing.length} of ${selection.testsSeen} tests fail`);

  const earlier = earlierTests(input, selection);
  const counts = await countNow(input, [...selection.failing, ...earlier]);
  if (!counts.ok) return counts;
  const passesNow = (test: FailingTest) => counts.value.get(test.ref.id) === 0;

  const measured = await measureTests({
    ...input,
    tests: selection.failing.filter((test) => !passesNow(test)),
    failsNow: (test) => (counts.value.get(test.ref.id) ?? 0) > 0,
    batch: batchOptions(input, "tests counted"),
  });
  if (!measured.ok) return measured;
  const { cases, unsplit, broken } = casesOf(measured.value);
  const notes = exportNotes(input.config, selection, cases);
  for (const note of notes) input.progress(note);

  const passing = [
    ...selection.failing.filter(passesNow),
    ...earlier.filter((test) => selection.passing.has(test.ref.id) || passesNow(test)),
  ].map((test) => test.ref);
  return ok({
    source: input.config.summary.table === null ? "artifacts" : "summary-table",
    dbtInvocationId: input.runResults?.invocationId ?? input.project?.invocationId ?? null,
    generatedAt: input.runResults?.generatedAt ?? input.project?.generatedAt ?? null,
    cases: [...cases].sort(byGroupThenTest),
    unsplit: [...unsplit].sort((left, right) => compare(left.test, right.test)),
    noLongerFailing: passing.sort((left, right) => compare(left.name, right.name)),
    orphans: selection.orphans,
    broken: [...selection.broken, ...broken].sort((left, right) => compare(left.test.name, right.test.name)),
    testsSeen: selection.testsSeen,
    leftOut: selection.leftOut,
    notes,
  });
}

async function select(input: ExportInput): Promise<Result<Selection>> {
  const { config, project, runResults, warehouse, signal } = input;
  const { table } = config.summary;
  if (table !== null) return selectFromSummary({ config, table, project, warehouse, signal });
  if (runResults === null) {
    return failed("artifacts-missing", `there is no run_results.json in '${config.summary.artifacts}'`, {
      hint: "run the tests with dbt first, or name a summary table in summary.table",
    });
  }
  return ok(selectFromResults({ config, adapter: warehouse.dialect.name }, project, runResults));
}

/** Tests that failed in the last export and are not said to fail now. */
function earlierTests({ config, project, previous, warehouse }: ExportInput, selection: Selection): FailingTest[] {
  const current = new Set(
    [...selection.failing, ...selection.broken.map(({ test }) => ({ ref: test }))].map(({ ref }) => ref.id),
  );
  const included = isIncluded(config);
  const nameOf = testNames(project);
  const tests = new Map<string, FailingTest>();
  for (const { test } of previous?.cases ?? []) {
    const resource = project?.resources.get(test.id);
    if (current.has(test.id) || resource === undefined || !included(test)) continue;
    tests.set(test.id, knownTest(resource, nameOf(resource), null, { config, adapter: warehouse.dialect.name }));
  }
  return [...tests.values()];
}

/** How many rows each test's own SQL gives now; a test is absent where that cannot be said. */
async function countNow(
  input: ExportInput,
  tests: readonly FailingTest[],
): Promise<Result<ReadonlyMap<string, number>>> {
  const { dialect } = input.warehouse;
  const counted = tests.flatMap((test) => (test.compiled === null ? [] : [{ id: test.ref.id, sql: test.compiled }]));
  const items = counted.map(
    ({ sql }) => `select ${dialect.toText("count(*)")} as n from (\n${subquery(sql)}\n) as failing`,
  );
  const results = await queryBatch(items, { ...batchOptions(input, "tests run again"), maxRows: 1 });
  if (!results.ok) return results;
  const counts = new Map<string, number>();
  for (const [index, { id }] of counted.entries()) {
    const result = results.value[index];
    const count = result?.ok ? Number(result.value[0]?.[0] ?? Number.NaN) : Number.NaN;
    if (Number.isFinite(count)) counts.set(id, count);
  }
  return ok(counts);
}

function batchOptions({ config, warehouse, signal, progress }: ExportInput, what: string): BatchOptions {
  return {
    query: warehouse.query,
    dialect: warehouse.dialect,
    each: { timeout: config.timeouts.query, signal, label: "export" },
    width: config.concurrency.warehouse,
    onChunk: (done: number, total: number) => progress(`${what}: ${done} of ${total}`),
  };
}

function byGroupThenTest(left: Case, right: Case): number {
  return compare(left.group.key, right.group.key) || compare(left.test.name, right.test.name);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
