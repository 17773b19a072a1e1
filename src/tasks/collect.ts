/**
 * The heart of the collect node: every case of the export gets exactly one report, whatever happened to it.
 * Pure; reads and writes nothing. What the report looks like is the reporters' work.
 */
import type { AppliedExceptions } from "../findings/exceptions.js";
import type { Case, Export } from "../model/case.js";
import type { CategoryConfig } from "../model/config.js";
import type { CaseReport, Finding, Objection } from "../model/finding.js";
import type { Settled } from "../model/graph.js";
import type { AuditReport, ReportedCase } from "../model/report.js";
import type { Failure } from "../model/result.js";
import type { Task } from "../model/task.js";

export interface CollectInput {
  readonly name: string;
  readonly run: string;
  /** ISO. */
  readonly at: string;
  readonly groupLabel: string;
  readonly categories: readonly CategoryConfig[];
  readonly export: Export;
  readonly tasks: readonly Task[];
  /** By case id. */
  readonly findings: ReadonlyMap<string, { readonly finding: Finding; readonly reused: boolean }>;
  /** Last answers that were not admitted, by case id. */
  readonly refused: ReadonlyMap<string, { readonly objections: readonly Objection[]; readonly answer: string }>;
  /** Cases that this run was narrowed to. */
  readonly isAsked: (caseId: string) => boolean;
  /** How the nodes ended, as far as they did. */
  readonly settled: readonly Settled[];
  readonly exceptions: Pick<AppliedExceptions, "excepted" | "expired" | "unmatched">;
  readonly retryCommand: string;
  readonly notes: readonly string[];
  readonly spent: AuditReport["spent"];
}

export function collectReport(input: CollectInput): AuditReport {
  const taskOf = new Map(input.tasks.flatMap((task) => task.cases.map((each) => [each.id, task.id] as const)));
  const exceptionOf = new Map(input.exceptions.excepted.map((each) => [each.case.id, each.exception]));
  const settled = new Map(input.settled.map((each) => [each.node, each]));

  const report = (each: Case): ReportedCase => {
    const exception = exceptionOf.get(each.id);
    if (exception !== undefined) return { case: each, task: null, report: { status: "excepted", exception } };
    const task = taskOf.get(each.id) ?? null;
    const found = input.findings.get(each.id);
    if (found !== undefined) return { case: each, task, report: { status: "found", ...found } };
    if (!input.isAsked(each.id)) return { case: each, task, report: { status: "unasked" } };
    return { case: each, task, report: withoutFinding(each, task, input.refused, settled) };
  };
  return {
    name: input.name,
    run: input.run,
    at: input.at,
    groupLabel: input.groupLabel,
    categories: input.categories,
    tasks: input.tasks,
    cases: [...input.export.cases].sort(byGroupThenTest).map(report),
    export: input.export,
    failures: input.settled.flatMap((each) => {
      const failure = failureAt(each);
      return failure === null ? [] : [{ node: each.node, failure }];
    }),
    exceptions: { expired: input.exceptions.expired, unmatched: input.exceptions.unmatched },
    retryCommand: input.retryCommand,
    notes: input.notes,
    spent: input.spent,
  };
}

function withoutFinding(
  each: Case,
  task: string | null,
  refused: CollectInput["refused"],
  settled: ReadonlyMap<string, Settled>,
): CaseReport {
  const answer = refused.get(each.id);
  if (answer !== undefined) return { status: "validation-failed", ...answer };
  if (task === null) throw new Error(`BUG: ${each.id} belongs to no task and is not excepted`);
  const node = settled.get(`investigate:${task}`);
  if (node === undefined) return { status: "missing", reason: "its investigation did not start" };
  return { status: "missing", reason: failureAt(node)?.message ?? "the agent gave no answer for it" };
}

/** Null where a node ended well. Blocked and cancelled nodes carry no failure of their own. */
function failureAt(node: Settled): Failure | null {
  if (node.outcome === "executed" || node.outcome === "reused") return null;
  if (node.failure !== undefined) return node.failure;
  if (node.outcome === "blocked") return { code: "dependency-failed", message: "a node that it needs failed" };
  if (node.outcome === "cancelled") return { code: "aborted", message: "it was cancelled before it had finished" };
  throw new Error(`BUG: ${node.node} failed without a failure`);
}

function byGroupThenTest(left: Case, right: Case): number {
  return byText(left.group.key, right.group.key) || byText(left.test.name, right.test.name);
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
