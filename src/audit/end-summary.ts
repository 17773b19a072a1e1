/**
 * The end of a run in a few figures: what the command line tells of it. Knows no way to print them.
 */
import { counted } from "../model/amount.js";
import type { AuditReport } from "../model/report.js";

export interface EndSummary {
  readonly cases: number;
  /** Counts of cases: by category id, and of what has no finding. */
  readonly totals: Readonly<Record<string, number>>;
  readonly groupLabel: string;
  readonly notes: readonly string[];
  /** Failing tests whose rows could not be read: nothing is known of them. */
  readonly unread: number;
  /** Failing tests that the config leaves out. */
  readonly leftOut: number;
  /** How to run what is missing; null where nothing is. */
  readonly retryCommand: string | null;
}

export function summaryOf(report: AuditReport): EndSummary {
  const { cases, groupLabel, failures, retryCommand } = report;
  return {
    cases: cases.length,
    totals: totals(report),
    groupLabel,
    notes: [...unread(report), ...(report.export.notes ?? []), ...report.notes],
    unread: report.export.broken.length,
    leftOut: report.export.leftOut ?? 0,
    retryCommand: failures.length === 0 ? null : retryCommand,
  };
}

/** A test whose rows could not be read is no finding and no failed node, and must not be missed for that. */
function unread({ export: { broken } }: AuditReport): readonly string[] {
  const [first, ...others] = broken;
  if (first === undefined) return [];
  const why = first.message.replaceAll(/\s+/g, " ");
  const more = others.length === 0 ? "" : `; and ${counted(others.length, "other")}, see the report`;
  return [
    `${counted(broken.length, "failing test")} could not be looked at: ${first.test.name} (${why.slice(0, 300)})${more}`,
    "Incomplete: what they would show is not known. Mend what is said there, and run `audit-run` again.",
  ];
}

function totals(report: AuditReport): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const exception = report.categories.find(({ role }) => role === "exception")?.id ?? "excepted";
  for (const { report: each } of report.cases) {
    const key =
      each.status === "found" ? each.finding.classification : each.status === "excepted" ? exception : each.status;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
