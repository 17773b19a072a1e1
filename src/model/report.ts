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

/** One output file, relative to the audit folder: the text of its pieces, one after the other. */
export interface ReportFile {
  readonly path: string;
  readonly pieces: readonly Piece[];
}

/**
 * Whoever has an earlier piece of the same key, made by the same program, has the same text and need not make it again: of ten
 * thousand pages most are as they were. Null: it is made each time.
 */
export interface Piece {
  readonly key: string | null;
  readonly text: () => string;
}

export function textOf({ pieces }: ReportFile): string {
  return pieces.map(({ text }) => text()).join("");
}

/** One file in reporters/, one line in its index. */
export interface Reporter {
  readonly id: string;
  render(report: AuditReport): readonly ReportFile[];
}
