/**
 * Why a node or a case would run now, or not, and why it did the last time. Reads what `plan` knows and what the last
 * run wrote down; decides nothing.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readJournal } from "../execution/journal.js";
import type { JudgedCase, JudgedTask } from "../graph/assign.js";
import { investigateNode } from "../graph/compile.js";
import { phrases } from "../graph/plan.js";
import type { Reason, Verdict } from "../model/graph.js";
import type { PlannedAudit } from "./plan.js";
import type { WholeEnd } from "./whole-trace.js";

/** runs/<id>/plan.json: why each case ran that did. */
export interface RecordedPlan {
  readonly version: 1;
  readonly run: string;
  /** Case id → reasons. */
  readonly ran: Readonly<Record<string, readonly Reason[]>>;
}

export type Explanation =
  | {
      readonly kind: "explained";
      readonly subject: string;
      readonly verdict: Verdict["kind"] | "accepted";
      readonly lines: readonly string[];
    }
  | { readonly kind: "unknown"; readonly known: readonly string[] };

/**
 * The same where nothing has changed since a whole run (whole-trace.ts): the newest trace of a case is its finding's. Null
 * where that is not known; then the long way tells.
 */
export async function explainWhole(
  { dir, end }: { readonly dir: string; readonly end: WholeEnd },
  subject: string,
): Promise<Explanation | null> {
  if (!end.cases.includes(subject)) return null;
  const journal = await readFile(join(dir, "traces", "journal.jsonl"), "utf8");
  const at = journal.lastIndexOf(`"subject":${JSON.stringify(subject)},`);
  const line = journal.slice(journal.lastIndexOf("\n", at) + 1, journal.indexOf("\n", at) + 1);
  const trace = at < 0 ? undefined : readJournal(line).traces[0];
  if (trace?.subject !== subject) return null;
  const verdict: Verdict = { kind: "reuse", trace };
  const lines = caseLines({ case: { id: subject }, verdict, parts: trace.parts }, await lastPlan(join(dir, "runs")));
  return { kind: "explained", subject, verdict: verdict.kind, lines };
}

export async function explain(planned: PlannedAudit, subject: string): Promise<Explanation> {
  const { plan, assignment, loaded } = planned;
  const tasks = assignment?.tasks ?? [];
  const last = await lastPlan(join(loaded.config.dir, "runs"));
  const judged = tasks.flatMap((task) => task.cases).find((item) => item.case.id === subject);
  if (judged !== undefined) {
    const lines = [...caseLines(judged, last), ...(plan.assumes === null ? [] : [plan.assumes])];
    return { kind: "explained", subject, verdict: judged.verdict.kind, lines };
  }
  const accepted = planned.excepted.find((each) => each.case.id === subject);
  if (accepted !== undefined) {
    const { owner, reason } = accepted.exception;
    const lines = [`${subject}: is not investigated: a known exception, accepted by ${owner}: ${reason}`];
    return { kind: "explained", subject, verdict: "accepted", lines };
  }
  const nodeNamed = (name: string) => plan.rows.find(({ node }) => node === name);
  // A task goes by its own name, as it does for `stop`, `prompt` and `retry`.
  const row = nodeNamed(subject) ?? nodeNamed(investigateNode(subject));
  if (row === undefined) {
    const cases = [...tasks.flatMap((task) => task.cases), ...planned.excepted].map((item) => item.case.id);
    return { kind: "unknown", known: [...plan.rows.map(({ node }) => node), ...cases] };
  }
  const task = tasks.find((one) => investigateNode(one.task.id) === row.node);
  const lines = [
    `${row.node}: ${words[row.verdict]}: ${row.because.join("; ")}`,
    ...(task === undefined ? [] : taskLines(task, last)),
    ...(plan.assumes === null || task === undefined ? [] : [plan.assumes]),
  ];
  return { kind: "explained", subject: row.node, verdict: row.verdict, lines };
}

const words: Record<Verdict["kind"], string> = {
  run: "would run now",
  reuse: "is used again",
  undecided: "is undecided",
};

function taskLines(task: JudgedTask, last: RecordedPlan | null): readonly string[] {
  return task.cases.flatMap((item) => caseLines(item, last).map((line) => `  ${line}`));
}

function caseLines(
  { case: item, verdict, parts }: Pick<JudgedCase, "verdict" | "parts"> & { readonly case: { readonly id: string } },
  last: RecordedPlan | null,
): readonly string[] {
  const { id } = item;
  const now = `${id}: ${words[verdict.kind]}: ${phrases(verdict).join("; ")}${unchanged(verdict, Object.keys(parts))}`;
  const lines = [now];
  if (verdict.kind === "reuse") lines.push(`  its finding is of run ${verdict.trace.run}, ${verdict.trace.at}`);
  const reasons = last !== null && Object.hasOwn(last.ran, id) ? last.ran[id] : undefined;
  if (reasons !== undefined)
    lines.push(`  run ${last?.run} investigated it: ${phrases({ kind: "run", reasons }).join("; ")}`);
  else if (last !== null) lines.push(`  run ${last.run} did not investigate it`);
  return lines;
}

/** "prompt unchanged": only of what a person may wonder about. */
function unchanged(verdict: Verdict, parts: readonly string[]): string {
  if (verdict.kind !== "run" || verdict.reasons.some(({ change }) => change === "no-trace")) return "";
  const changed = new Set(verdict.reasons.map(({ part }) => part));
  const same = ["rows", "agent", "model", "prompt", "knowledge", "categories"].filter(
    (part) => parts.includes(part) && !changed.has(part),
  );
  const sql =
    parts.some((part) => /^(resource|macro):/.test(part)) &&
    ![...changed].some((part) => /^(resource|macro):/.test(part));
  const names = [...same, ...(sql ? ["SQL of its lineage"] : [])];
  return names.length === 0 ? "" : `; ${names.join(", ")} unchanged`;
}

async function lastPlan(runs: string): Promise<RecordedPlan | null> {
  const names = (await readdir(runs).catch(() => [])).sort().reverse();
  for (const name of names) {
    const text = await readFile(join(runs, name, "plan.json"), "utf8").catch(() => null);
    if (text === null) continue;
    try {
      const plan = JSON.parse(text) as RecordedPlan;
      if (plan.version === 1) return plan;
    } catch {
      // A run that was killed while it wrote: the one before it will do.
    }
  }
  return null;
}
