/**
 * Is the blame right? One SELECT in which the blamed place is changed and everything downstream of it computed anew: where no
 * row of the group fails any more, the blame is proved. The same without a change must give the failures as they are.
 * Nothing is written. Knows no categories.
 */
import type { Cell } from "../model/warehouse.js";
import { firstWitnesses } from "./first-witnesses.js";
import { type Intervention, interventionsFor } from "./interventions.js";
import { type Change, type Recomputed, recompute } from "./recompute.js";
import { find } from "./shape.js";
import { type Subject, subjectOf } from "./subject.js";
import type { Verdict, Walk } from "./verdict.js";
import type { WalkRequest } from "./walk.js";
import { byGroup, statement, type Witnesses } from "./witnesses.js";
import { type Answers, Workspace } from "./workspace.js";

/** Interventions tried for one place. */
const mostTries = 3;

/** Longer SQL is no evidence that a person would read. */
const longest = 60_000;

/** The walk with a proof at each verdict where there is one. A proof that fails leaves the verdict as it is. */
export async function prove(given: WalkRequest, walk: Walk, answers: Answers): Promise<Walk> {
  const subject = subjectOf(given);
  if (typeof subject === "string") return walk;
  const { tested } = subject;
  const request = { ...given, project: subject.project, parts: subject.parts };
  const workspace = new Workspace({ ...request, answers });
  const { groupColumn } = request.failingRows;
  const group = groupColumn === null ? undefined : find((await workspace.columns(tested)) ?? [], groupColumn)?.name;
  // A group column that the relation lacks came with the rows of export, which a change does not reach.
  if (groupColumn !== null && group === undefined) return walk;
  const bench = { request, answers, workspace, subject, group: group ?? null };
  const verdicts = new Map<Cell, Verdict>();
  for (const [key, verdict] of walk.verdicts)
    verdicts.set(key, await proved(bench, key, verdict, walk.counts.get(key) ?? 0));
  return { ...walk, verdicts };
}

interface Bench {
  readonly request: WalkRequest;
  readonly answers: Answers;
  readonly workspace: Workspace;
  readonly subject: Subject;
  readonly group: string | null;
}

async function proved(bench: Bench, key: Cell, verdict: Verdict, failing: number): Promise<Verdict> {
  const blamed = verdict.node === null ? undefined : bench.request.project.resources.get(verdict.node);
  if (verdict.outcome !== "decided" || blamed === undefined || failing === 0) return verdict;
  const tries = await interventionsFor(bench.workspace, bench.subject.check, verdict, blamed);
  for (const intervention of tries.slice(0, mostTries)) {
    const after = await failingWith(bench, intervention);
    if (after === null || (after.counts.get(key) ?? 0) > 0) continue;
    const from = bench.workspace.from(blamed);
    const before =
      from === null ? null : await failingWith(bench, { resource: blamed, sql: `select r.* from ${from} as r` });
    // What its SQL gives now must be what fails, or the change proves nothing.
    if (before?.counts.get(key) !== failing) return verdict;
    return { ...verdict, proof: { sql: evidence(bench, after.sql, key), says: intervention.says } };
  }
  return verdict;
}

interface Failing {
  readonly sql: string;
  readonly counts: ReadonlyMap<Cell, number>;
}

/** Failing rows by group, with the change; null where that cannot be computed. */
async function failingWith(bench: Bench, change: Change | Intervention): Promise<Failing | null> {
  const { workspace } = bench;
  const { tested, check } = bench.subject;
  const target = check.kind === "reference" ? workspace.project.resources.get(check.to) : undefined;
  const made = recompute(workspace, change, target === undefined ? [tested] : [tested, target]);
  if (typeof made === "string") return null;
  const rows = await rowsOf(bench, made);
  if (rows === null) return null;
  const where = rows.where === null ? "" : ` where ${rows.where}`;
  const sql = statement(
    [...made.ctes, ...rows.ctes],
    `select ${rows.group} as group_key, count(*) as failing from ${rows.from}${where} group by 1`,
  );
  if (sql.length > longest) return null;
  const answer = await workspace.query(sql);
  if (!answer.ok) return null;
  return { sql, counts: new Map([...byGroup(answer.value.rows)].map(([key, [count = 0]]) => [key, count])) };
}

async function rowsOf({ request, answers, subject, group }: Bench, made: Recomputed): Promise<Witnesses | null> {
  const changed = new Workspace({ ...request, answers, names: made.names });
  const from = changed.from(subject.tested);
  return from === null ? null : firstWitnesses(changed, subject, from, group);
}

/** One number that anyone can compute again. */
function evidence({ request }: Bench, sql: string, key: Cell): string {
  const where = key === null ? "w.group_key is null" : `w.group_key = ${request.dialect.literal(key)}`;
  return `select count(*) as failing_groups from (\n${sql}\n) as w where ${where}`;
}
