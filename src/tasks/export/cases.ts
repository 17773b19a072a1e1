/** From measured tests to cases, and to what is to be said of tests that made none. Pure. */
import type { Case, Export, FailingRows, Group, UnsplitTest } from "../../model/case.js";
import { allRows, groupOf } from "../../model/group.js";
import type { FailureCode } from "../../model/result.js";
import type { FailingTest } from "./failing-test.js";
import type { Measured, MeasuredGroup, MeasuredTest } from "./measure.js";

export interface Cases {
  readonly cases: readonly Case[];
  readonly unsplit: readonly UnsplitTest[];
  readonly broken: Export["broken"];
}

export function casesOf(tests: readonly MeasuredTest[]): Cases {
  const cases: Case[] = [];
  const unsplit: UnsplitTest[] = [];
  const broken: Export["broken"][number][] = [];
  for (const { test, measured } of tests) {
    if (!measured.ok) {
      const { code, message, hint } = measured.failure;
      const told = hint === undefined ? message : `${message}; ${hint}`;
      broken.push({ test: test.ref, message: told, ...(mayPass.has(code) ? { transient: true } : {}) });
      continue;
    }
    const own = casesOfTest(test, measured.value);
    if (own.length === 0) broken.push({ test: test.ref, message: nothingLeft });
    cases.push(...own);
    const reason = unsplitReason(measured.value);
    if (reason === null || own.length === 0) continue;
    const { refusal } = measured.value.plan;
    const isRefused = refusal !== null && mayPass.has(refusal);
    unsplit.push({ test: test.ref.name, reason, ...(isRefused ? { transient: true } : {}) });
  }
  return { cases, unsplit, broken };
}

/** What another try may not meet again. */
const mayPass: ReadonlySet<FailureCode> = new Set([
  "grant-missing",
  "query-timeout",
  // Snowflake says the same of one that may not be seen.
  "relation-missing",
  "warehouse-auth",
  "warehouse-unreachable",
]);

const nothingLeft =
  "it is said to fail, but its stored failures are empty and its compiled SQL is not known or gives no row; run its dbt test again";

function casesOfTest(test: FailingTest, { plan, groups, unmatched }: Measured): readonly Case[] {
  const isWhole = plan.failingRows.groupColumn === null;
  const cases = groups.map((measured) =>
    makeCase(test, isWhole ? allRows : groupOf(measured.raw), measured, plan.failingRows),
  );
  return unmatched === null || plan.unmatched === null
    ? cases
    : [...cases, makeCase(test, allRows, unmatched, plan.unmatched)];
}

function makeCase(test: FailingTest, group: Group, measured: MeasuredGroup, failingRows: FailingRows): Case {
  return {
    id: `${test.ref.name}@${group.key}`,
    test: test.ref,
    group,
    failures: measured.failures,
    rows: measured.rows,
    rowsDigest: measured.digest,
    failingRows,
  };
}

function unsplitReason({ plan, unmatched }: Measured): string | null {
  if (unmatched === null) return plan.unsplit;
  const count = unmatched.rows === 1 ? "1 failing row has" : `${unmatched.rows} failing rows have`;
  return `${count} no counterpart in the tested relation, which has changed since the test ran`;
}
