/**
 * One walk: a failing test in, a verdict for each of its groups out. Counts the failing rows now and against the
 * tested model's compiled SQL, then hands them to the rule for the test's kind.
 * Knows no agent, no categories and no files.
 */
import { counted } from "../model/amount.js";
import type { FailingRows } from "../model/case.js";
import type { Project, Resource } from "../model/project.js";
import { ok, type Result } from "../model/result.js";
import type { Cell, Column, Dialect, Query } from "../model/warehouse.js";
import type { Check } from "./check.js";
import type { ColumnLineage } from "./column-lineage.js";
import { firstWitnesses } from "./first-witnesses.js";
import { followKey } from "./key-rule.js";
import { followReference } from "./reference-rule.js";
import { followRows } from "./row-rule.js";
import { find } from "./shape.js";
import { type Subject, subjectOf } from "./subject.js";
import { noted, type Rules, type Trail, titleOf, Verdicts } from "./trail.js";
import { type Hop, undecided, type Verdict, type Walk } from "./verdict.js";
import { byGroup, type Witnesses } from "./witnesses.js";
import { type Answers, type Describe, type Part, Workspace } from "./workspace.js";

export interface WalkRequest {
  readonly project: Project;
  /** unique_id of the test. */
  readonly test: string;
  readonly failingRows: Pick<FailingRows, "groupColumn" | "sql">;
  readonly dialect: Dialect;
  readonly lineage: ColumnLineage;
  readonly query: Query;
  readonly describe: Describe;
  readonly maxQueries: number;
  /** A model of the project that is taken apart into its CTEs. */
  readonly parts?: ReadonlyMap<string, Part>;
  /** Shared by walks on the same data: what one of them asked costs the next nothing. */
  readonly answers?: Answers;
}

/** Walks one test for all its groups. What the SQL does not give away ends as an undecided verdict, never as a failure. */
export async function walkTest(given: WalkRequest): Promise<Walk> {
  const subject = subjectOf(given);
  if (typeof subject === "string") return nowhere(subject, 0);
  const { tested, check } = subject;
  const request = { ...given, project: subject.project, parts: subject.parts };
  const workspace = new Workspace(request);
  const verdicts = new Verdicts();
  const rules: Rules = { workspace, verdicts, followRows, followKey };
  const none = (reason: string) => nowhere(reason, workspace.queries);
  const columns = await workspace.columns(tested);
  if (columns === null) return none(`${tested.name} cannot be read`);
  const { groupColumn } = request.failingRows;
  const group = groupColumn === null ? undefined : find(columns, groupColumn)?.name;
  // A group column that the relation lacks (values mapped by the config) may come with the rows that export made.
  const rows =
    groupColumn !== null && group === undefined ? await rowsWith(workspace, columns, request.failingRows) : null;
  const start = await countNow(workspace, subject, group ?? null, rows);
  if (!start.ok) return none(start.failure.message);
  const { trail, counts, stale } = start.value;
  if (stale.length > 0) {
    const reason = `the rows fail in ${titleOf(tested)} as it stands in the warehouse, but not in what its compiled SQL gives now: it is stale, or was built by other SQL or from other data`;
    verdicts.undecided(trail, stale, reason);
  }
  const open = { ...trail, groups: new Map([...trail.groups].filter(([key]) => !verdicts.all.has(key))) };
  if (open.groups.size > 0) await follow(rules, open, check, tested);
  for (const key of trail.groups.keys()) {
    if (!verdicts.all.has(key)) verdicts.undecided(trail, [key], "the walk ended without an answer");
  }
  const all = new Map([...verdicts.all].map(([key, verdict]) => [key, withoutOwn(given, verdict)]));
  return { verdicts: all, grouped: group !== undefined || rows !== null, counts, queries: workspace.queries };
}

/** A query of the test's own is no place of the project. */
function withoutOwn({ project }: WalkRequest, verdict: Verdict): Verdict {
  if (verdict.node === null || project.resources.has(verdict.node)) return verdict;
  const reason = `the test's own SQL makes what it finds: ${verdict.reason}`;
  return {
    ...verdict,
    outcome: "undecided",
    situation: "undecided",
    node: null,
    nodeKind: null,
    confidence: "low",
    reason,
  };
}

function nowhere(reason: string, queries: number): Walk {
  return { verdicts: new Map([[null, undecided(reason)]]), grouped: false, counts: new Map(), queries };
}

/** The failing rows of `export` as witnesses, where they have every column of the tested relation. */
async function rowsWith(
  workspace: Workspace,
  columns: readonly Column[],
  failingRows: WalkRequest["failingRows"],
): Promise<Witnesses | null> {
  const probe = await workspace.query(`select * from (\n${failingRows.sql}\n) as r limit 0`);
  if (!probe.ok || columns.some((column) => find(probe.value.columns, column.name) === undefined)) return null;
  const name = find(probe.value.columns, failingRows.groupColumn ?? "")?.name;
  if (name === undefined) return null;
  const group = workspace.dialect.toText(`r.${workspace.dialect.quote(name)}`);
  return { ctes: [], from: `(\n${failingRows.sql}\n) as r`, where: null, group, depth: 0 };
}

async function follow(rules: Rules, trail: Trail, check: Check, tested: Resource): Promise<void> {
  const { workspace } = rules;
  const actual = async (name: string) => (await workspace.column(tested, name))?.name ?? name;
  if (check.kind === "row") {
    const columns = new Map<string, string>();
    for (const name of check.columns) columns.set(name, await actual(name));
    return followRows(rules, trail, { check, columns, wide: false });
  }
  if (check.kind === "key") return followKey(rules, trail, await Promise.all(check.columns.map(actual)));
  if (check.kind === "reference") {
    const target = workspace.project.resources.get(check.to);
    if (target === undefined)
      return rules.verdicts.undecided(
        trail,
        trail.groups.keys(),
        "the manifest does not know the relation that the test refers to",
      );
    const field = (await workspace.column(target, check.field))?.name ?? check.field;
    return followReference(rules, trail, await actual(check.column), { resource: target, columns: [field] });
  }
}

function whereOf(witnesses: Witnesses): string {
  return witnesses.where === null ? "" : ` where ${witnesses.where}`;
}

interface Start {
  readonly trail: Trail;
  readonly counts: ReadonlyMap<Cell, number>;
  /** Groups that fail in the relation and not in the compiled SQL. */
  readonly stale: readonly Cell[];
}

/** Step 0: the test as it is now, and against the compiled SQL, in one query. */
async function countNow(
  workspace: Workspace,
  subject: Subject,
  group: string | null,
  rows: Witnesses | null,
): Promise<Result<Start>> {
  const { tested, check } = subject;
  const from = workspace.from(tested);
  if (from === null)
    return { ok: false, failure: { code: "relation-missing", message: `${tested.name} cannot be read` } };
  const here = rows ?? (await firstWitnesses(workspace, subject, from, group));
  if (here === null)
    return {
      ok: false,
      failure: { code: "relation-missing", message: "the relation that the test refers to cannot be read" },
    };
  const count = (witnesses: Witnesses, now: number) =>
    `select ${witnesses.group} as group_key, ${now} as now_rows, ${1 - now} as fresh_rows from ${witnesses.from}${whereOf(witnesses)}`;
  const ask = (parts: readonly string[]) =>
    `select group_key, sum(now_rows) as failing, sum(fresh_rows) as failing_when_compiled\nfrom (${parts.join("\nunion all\n")}) as counted\ngroup by group_key`;
  const compiled = rows === null ? await fresh(workspace, tested) : null;
  const again = compiled === null ? null : await firstWitnesses(workspace, subject, compiled, group);
  let compared = again !== null;
  let sql = ask(again === null ? [count(here, 1)] : [count(here, 1), count(again, 0)]);
  let answer = await workspace.query(sql);
  if (!answer.ok && compared) {
    compared = false;
    sql = ask([count(here, 1)]);
    answer = await workspace.query(sql);
  }
  if (!answer.ok) return answer;
  const counts = new Map<Cell, number>();
  const stale: Cell[] = [];
  const hops = new Map<Cell, Hop>();
  // The evidence is the plain count; the comparison is the title's.
  const own = `select ${here.group} as group_key, count(*) as failing from ${here.from}${whereOf(here)} group by 1`;
  for (const [key, [now = 0, then = 0]] of byGroup(answer.value.rows)) {
    if (now === 0) continue;
    counts.set(key, now);
    if (compared && then === 0) stale.push(key);
    const name = titleOf(tested);
    const title = `${counted(now, `row of ${name} fails`, `rows of ${name} fail`)}${compared ? `; ${then} when its compiled SQL is run anew` : ""}`;
    hops.set(key, {
      resource: tested.id,
      column: columnsOf(check),
      seen: now,
      found: now,
      failing: now,
      sql: own,
      shows: { column: "failing", value: now },
      title,
    });
  }
  const groups = new Map(
    [...counts.keys()].map((key) => [key, { hops: [], confidence: "high" as const, alternatives: [] }]),
  );
  return ok({ trail: noted({ resource: tested, witnesses: here, groups }, hops), counts, stale });
}

function columnsOf(check: Check): string {
  if (check.kind === "reference") return check.column;
  return check.kind === "none" ? "" : check.columns.join(", ");
}

/** Compiled SQL that can stand for the relation: of tables only, and not where it reads the relation itself. */
async function fresh(workspace: Workspace, tested: Resource): Promise<string | null> {
  if (tested.type !== "model" || !["table", "incremental", "materialized_view"].includes(tested.materialized))
    return null;
  const mentions = tested.compiledCode === null ? [] : workspace.lineage.mentions(tested.compiledCode);
  if (mentions.some((item) => workspace.resolve(item, tested)?.id === tested.id)) return null;
  return workspace.compiled(tested);
}
