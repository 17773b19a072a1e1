/**
 * Plans how each failing test is split, and counts and digests its groups, many tests in one statement.
 * Where a plan does not work out there is one other try: unsplit instead of joined, compiled SQL instead of a table
 * that turned out empty.
 */
import type { Config } from "../../model/config.js";
import type { Project, Relation } from "../../model/project.js";
import { relationKey } from "../../model/relation.js";
import { failed, ok, type Result } from "../../model/result.js";
import type { Warehouse } from "../../model/warehouse.js";
import { type BatchOptions, queryBatch, type Rows } from "../../sql/index.js";
import { globs } from "../../support/glob.js";
import type { FailingTest } from "./failing-test.js";
import { type CompiledSources, compiledSources, type Described, describeAll, storedSource } from "./rows-source.js";
import { type Attached, planSplit, type RowsSource, type SplitPlan, type SplitSettings, whole } from "./split.js";

/** More groups than this are a wrong groupBy column rather than groups. */
const maxGroups = 10_000;

export interface MeasuredGroup {
  /** Text of the group column; null for SQL NULL, and for a test that is not split. */
  readonly raw: string | null;
  readonly failures: number;
  readonly rows: number;
  readonly digest: string;
}

export interface Measured {
  readonly plan: SplitPlan;
  readonly groups: readonly MeasuredGroup[];
  /** Of a joined test: stored rows without a row of the tested relation. */
  readonly unmatched: MeasuredGroup | null;
}

export interface MeasuredTest {
  readonly test: FailingTest;
  readonly measured: Result<Measured>;
}

export interface MeasureInput {
  readonly config: Config;
  readonly project: Project | null;
  readonly warehouse: Warehouse;
  readonly tests: readonly FailingTest[];
  /** Whether the test's own SQL was seen to give rows just now. */
  readonly failsNow: (test: FailingTest) => boolean;
  readonly batch: BatchOptions;
}

/** One try at a test. `measured` is null until its plan has been run; without a plan it is a failure from the start. */
interface Attempt {
  readonly test: FailingTest;
  readonly planned: { readonly source: RowsSource; readonly plan: SplitPlan } | null;
  readonly measured: Result<Measured> | null;
}

/** Every test comes out, measured or with what is wrong with it. A failure as a whole: the catalog, or cancelled. */
export async function measureTests(input: MeasureInput): Promise<Result<readonly MeasuredTest[]>> {
  const relations = input.tests.flatMap((test) => [...test.stored, testedRelation(test, input.project)]);
  const described = await describeAll(
    input.warehouse,
    relations.filter((relation) => relation !== null),
  );
  if (!described.ok) return described;
  const first = await firstAttempts(described.value, input);
  if (!first.ok) return first;
  const once = await runPlans(first.value, input);
  if (!once.ok) return once;
  const second = await secondAttempts(once.value, described.value, input);
  if (!second.ok) return second;
  const twice = await runPlans(second.value, input);
  if (!twice.ok) return twice;
  return ok(
    twice.value.map(({ test, measured }) => {
      if (measured === null) throw new Error(`BUG: ${test.ref.id} was not measured`);
      return { test, measured };
    }),
  );
}

/** The stored table where there is one, else the compiled SQL. */
async function firstAttempts(described: Described, input: MeasureInput): Promise<Result<readonly Attempt[]>> {
  const { dialect } = input.warehouse;
  const stored = new Map(input.tests.map((test) => [test, storedSource(test, described, dialect)]));
  const compiled = await compiledSources(
    input.tests.filter((test) => stored.get(test) === null),
    input.batch,
  );
  if (!compiled.ok) return compiled;
  return ok(
    input.tests.map((test) => {
      const source = stored.get(test) ?? null;
      return source === null
        ? fromCompiled(test, compiled.value, described, input)
        : planned(test, source, described, input);
    }),
  );
}

/** Some results of a first try deserve another one; all others are passed on as they are. */
async function secondAttempts(
  attempts: readonly Attempt[],
  described: Described,
  input: MeasureInput,
): Promise<Result<readonly Attempt[]>> {
  // An empty table of a test that fails is one that dbt did not write to this time.
  const stale = attempts.filter((attempt) => isEmptyTable(attempt) && input.failsNow(attempt.test));
  const compiled = await compiledSources(
    stale.map(({ test }) => test),
    input.batch,
  );
  if (!compiled.ok) return compiled;
  return ok(
    attempts.map((attempt) => {
      const { test, planned: tried, measured } = attempt;
      if (compiled.value.has(test)) return fromCompiled(test, compiled.value, described, input);
      if (tried === null || measured === null || measured.ok || tried.plan.failingRows.source !== "joined")
        return attempt;
      // A `where` of the test or an odd column expression may not stand alone; the failing rows themselves still count.
      const { code, message, hint } = measured.failure;
      const told = hint === undefined ? message : `${message}; ${hint}`;
      const reason = `its failing rows could not be joined to the tested relation: ${told}`;
      const plan = whole(tried.source, reason, settingsOf(input), code);
      return { test, planned: { source: tried.source, plan }, measured: null };
    }),
  );
}

function isEmptyTable({ planned: tried, measured }: Attempt): boolean {
  if (tried?.source.kind !== "stored" || measured === null || !measured.ok) return false;
  return measured.value.groups.length === 0 && measured.value.unmatched === null;
}

function fromCompiled(test: FailingTest, sources: CompiledSources, described: Described, input: MeasureInput): Attempt {
  const source = sources.get(test);
  if (source === undefined) throw new Error(`BUG: the columns of ${test.ref.id} were not asked for`);
  return source.ok ? planned(test, source.value, described, input) : { test, planned: null, measured: source };
}

function planned(test: FailingTest, source: RowsSource, described: Described, input: MeasureInput): Attempt {
  const relation = testedRelation(test, input.project);
  const columns = relation === null ? undefined : described.get(relationKey(relation));
  const attached: Attached | null = relation === null || columns === undefined ? null : { relation, columns };
  const plan = planSplit(source, test.resource?.test ?? null, attached, settingsOf(input));
  const isAway = plan.unsplit !== null && relation !== null && attached === null;
  return { test, planned: { source, plan: isAway ? { ...plan, refusal: "relation-missing" } : plan }, measured: null };
}

function testedRelation(test: FailingTest, project: Project | null): Relation | null {
  return project?.resources.get(test.ref.attachedTo ?? "")?.relation ?? null;
}

function settingsOf({ config, warehouse }: MeasureInput): SplitSettings {
  return {
    dialect: warehouse.dialect,
    groupColumns: config.groupBy.columns,
    groupMap: config.groupBy.map,
    isIgnored: globs(config.digestIgnore, { ignoreCase: true }),
    maxGroups,
  };
}

/** Runs the plans that have not been run. */
async function runPlans(attempts: readonly Attempt[], input: MeasureInput): Promise<Result<readonly Attempt[]>> {
  const open = attempts.flatMap(({ test, planned: plan, measured }) =>
    plan === null || measured !== null ? [] : [{ test, planned: plan }],
  );
  const answers = await queryBatch(
    open.map(({ planned: { plan } }) => plan.measure),
    { ...input.batch, maxRows: 2 * (maxGroups + 1) + 1 },
  );
  if (!answers.ok) return answers;
  const results = new Map<string, Result<Measured>>();
  for (const [
    index,
    {
      test,
      planned: { plan },
    },
  ] of open.entries()) {
    const answer = answers.value[index];
    if (answer !== undefined) results.set(test.ref.id, answer.ok ? readMeasure(plan, answer.value) : answer);
  }
  return ok(
    attempts.map((attempt) => ({ ...attempt, measured: attempt.measured ?? results.get(attempt.test.ref.id) ?? null })),
  );
}

/** From the rows of SplitPlan.measure. */
function readMeasure(plan: SplitPlan, rows: Rows): Result<Measured> {
  const failures = new Map<string | null, number>();
  for (const [kind, group, count] of rows) {
    if (kind === "failures") failures.set(group ?? null, Number(count));
  }
  const groups: MeasuredGroup[] = [];
  let unmatched: MeasuredGroup | null = null;
  for (const [kind, group, text, digest] of rows) {
    const count = Number(text);
    if (count === 0 || kind === "failures") continue;
    const measured = { raw: group ?? null, rows: count, failures: count, digest: digest ?? "" };
    if (kind === "unmatched") unmatched = measured;
    else groups.push({ ...measured, failures: failures.get(measured.raw) ?? count });
  }
  if (groups.length > maxGroups) {
    return failed(
      "query-failed",
      `column '${plan.failingRows.groupColumn}' splits its failing rows into more than ${maxGroups} groups`,
      { hint: "choose a groupBy column with fewer values" },
    );
  }
  return ok({ plan, groups, unmatched });
}
