/**
 * What reporters are given: one audit with all its cases. A reporter is a pure function of it.
 */
import type { Case, Export } from "./case.js";
import type { CategoryConfig } from "./config.js";
import type { AcceptedException, CaseReport } from "./finding.js";
import type { NodeId } from "./graph.js";
import type { Failure } from "./result.js";
import type { Spent } from "./spending.js";
import type { Task } from "./task.js";

export interface ReportedCase {
  readonly case: Case;
  readonly report: CaseReport;
  /** Task id; null for excepted cases, which belong to no task. */
  readonly task: string | null;
}

export interface AuditReport {
  readonly name: string;
  readonly run: string;
  /** ISO. */
  readonly at: string;
  /** `State` */
  readonly groupLabel: string;
  readonly categories: readonly CategoryConfig[];
  readonly tasks: readonly Task[];
  /** Sorted by group key, then test name. */
  readonly cases: readonly ReportedCase[];
  readonly export: Export;
  /** For a person, one sentence each: what \`auto\` chose and why, what a retry took over. */
  readonly notes: readonly string[];
  /** By the agents of this run; null where none told that it spent anything. */
  readonly spent: Spent | null;
  /** Nodes that did not end well. */
  readonly failures: readonly { readonly node: NodeId; readonly failure: Failure }[];
  readonly exceptions: {
    readonly expired: readonly AcceptedException[];
    readonly unmatched: readonly AcceptedException[];
  };
  /** Command that runs what is missing: `npx audit-run retry`. */
  readonly retryCommand: string;
}

/** One output file, relative to the audit folder. */
export interface ReportFile {
  readonly path: string;
  readonly content: string;
}

/** One file in reporters/, one line in its index. */
export interface Reporter {
  readonly id: string;
  render(report: AuditReport): readonly ReportFile[];
}
