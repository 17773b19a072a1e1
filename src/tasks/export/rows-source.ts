/**
 * Finds the failing rows of each test: its stored failures table, else the SQL that dbt compiled for it.
 */

import type { Relation } from "../../model/project.js";
import { relationKey, relationText } from "../../model/relation.js";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import type { Column, Dialect, QueryOptions, Warehouse } from "../../model/warehouse.js";
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

/** The test's own SQL: what fails now. Its columns cost a statement. */
export async function compiledSource(
  test: FailingTest,
  warehouse: Warehouse,
  options: QueryOptions,
): Promise<Result<RowsSource>> {
  if (test.compiled === null) return { ok: false, failure: nowhere(test) };
  // Wrapped, so that a comment at its end or two columns of one name harm nobody who wraps it again.
  const sql = `select * from (\n${subquery(test.compiled)}\n) as failing`;
  const answer = await warehouse.query(`${sql}\nlimit 0`, options);
  if (!answer.ok) return answer;
  return ok({ kind: "compiled", sql, columns: answer.value.columns, relation: null });
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
