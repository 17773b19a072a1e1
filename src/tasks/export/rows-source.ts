/**
 * Finds the failing rows of each test: its stored failures table, else the SQL that dbt compiled for it.
 */

import type { Relation } from "../../model/project.js";
import { relationKey, relationText } from "../../model/relation.js";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import type { Column, Dialect, Warehouse } from "../../model/warehouse.js";
import { type BatchOptions, describeBatch } from "../../sql/index.js";
import type { FailingTest } from "./failing-test.js";
import type { RowsSource } from "./split.js";

export type Described = ReadonlyMap<string, readonly Column[]>;

/** Columns of whatever the tests may need, in few statements. */
export async function describeAll(warehouse: Warehouse, relations: readonly Relation[]): Promise<Result<Described>> {
  const distinct = [...new Map(relations.map((relation) => [relationKey(relation), relation])).values()];
  const all = new Map<string, readonly Column[]>();
  for (let start = 0; start < distinct.length; start += 1_000) {
    const described = await warehouse.describe(distinct.slice(start, start + 1_000));
    if (!described.ok) return described;
    for (const [key, columns] of described.value) all.set(key, columns);
  }
  return ok(all);
}

/** The stored table, unless a `limit` may have cut it short. */
export function storedSource(test: FailingTest, described: Described, dialect: Dialect): RowsSource | null {
  if (test.resource?.test?.limit != null && test.compiled !== null) return null;
  for (const relation of test.stored) {
    const columns = described.get(relationKey(relation));
    if (columns === undefined) continue;
    return { kind: "stored", sql: `select * from ${dialect.relation(relation)}`, columns, relation };
  }
  return null;
}

/** Where the failing rows of tests come from that have no table: their own SQL, which gives what fails now. */
export type CompiledSources = ReadonlyMap<FailingTest, Result<RowsSource>>;

/** In few statements. A failure as a whole only where it was cancelled. */
export async function compiledSources(
  tests: readonly FailingTest[],
  options: BatchOptions,
): Promise<Result<CompiledSources>> {
  const sources = new Map<FailingTest, Result<RowsSource>>();
  const asked = tests.flatMap((test) => (test.compiled === null ? [] : [{ test, sql: compiledSelect(test.compiled) }]));
  const answers = await describeBatch(
    asked.map(({ sql }) => sql),
    options,
  );
  if (!answers.ok) return answers;
  for (const test of tests) sources.set(test, { ok: false, failure: nowhere(test) });
  for (const [index, { test, sql }] of asked.entries()) {
    const columns = answers.value[index];
    if (columns === undefined) continue;
    sources.set(test, columns.ok ? ok({ kind: "compiled", sql, columns: columns.value, relation: null }) : columns);
  }
  return ok(sources);
}

/** Wrapped, so that a comment at its end or two columns of one name harm nobody who wraps it again. */
function compiledSelect(compiled: string): string {
  return `select * from (\n${subquery(compiled)}\n) as failing`;
}

/** Compiled SQL as it may stand in parentheses on lines of its own. */
export function subquery(compiled: string): string {
  return compiled.trim().replace(/[;\s]+$/, "");
}

function nowhere(test: FailingTest): Failure {
  const looked = test.stored.map(relationText);
  const where = looked.length === 0 ? "dbt stored them nowhere" : `there is no table ${looked.join(" or ")}`;
  return failed("relation-missing", `its failing rows cannot be read: ${where}, and its compiled SQL is not known`, {
    hint: "run the tests with `dbt test --store-failures`, or set repos.dbt.failuresSchema",
  }).failure;
}
