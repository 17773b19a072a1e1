/**
 * The Summary of the full report: how much fails, what it came to, what the categories mean, and what else to know.
 * Knows no page.
 */
import { counted } from "../model/amount.js";
import type { AuditReport, ReportedCase } from "../model/report.js";
import { heading, provenance } from "./markdown-page.js";
import { inline, opening, table } from "./markdown-text.js";
import { distinct, failuresOf, plural, type Standing, tally } from "./pages.js";

export function summary(report: AuditReport): readonly string[] {
  const { cases, categories } = report;
  if (cases.length === 0) return [heading(2, "Summary"), withoutCases(report), ...notes(report)];
  const tests = distinct(cases, (each) => each.case.test.id);
  const groups = distinct(cases, (each) => each.case.group.key);
  const places = `${counted(tests, "test")} in ${groups} ${inline(plural(report.groupLabel, groups))}`;
  const standings = tally(cases, categories);
  return [
    heading(2, "Summary"),
    [
      `- Total failing cases: ${cases.length} (${places}, ${counted(failuresOf(cases), "failure")})`,
      ...standings.map(({ id, label, cases: { length } }) => {
        const note = id === ":proposed" ? " (by an agent; nobody has accepted them yet)" : "";
        return `- ${opening(label)}: ${length}${note}`;
      }),
    ].join("\n"),
    ...provenance(cases),
    ...reusedFindings(cases),
    ...notes(report),
    ...meanings(standings),
  ];
}

/** Claims no more than is known: that nothing fails only where all that fails would have been a case. */
function withoutCases(report: AuditReport): string {
  if (report.failures.some(({ node }) => ["setup", "summary", "export"].includes(node))) {
    return "Nothing is known of the tests.";
  }
  const { testsSeen, broken, source } = report.export;
  const seen = testsSeen === 0 ? "" : ` ${counted(testsSeen, "test")} ${testsSeen === 1 ? "was" : "were"} looked at.`;
  const left = leftOut(report);
  if (left.length > 0) return `Nothing to report, but ${left.join()}.${seen}`;
  // A summary table may list failing tests only.
  if (testsSeen === 0 && source === "artifacts") return "No tests were looked at.";
  return broken.length > 0 ? `No failing tests but the broken ones below.${seen}` : `No failing tests.${seen}`;
}

function leftOut({ export: { leftOut: amount = 0 } }: AuditReport): readonly string[] {
  if (amount === 0) return [];
  const verb = amount === 1 ? "is" : "are";
  return [`${counted(amount, "failing test")} ${verb} left out by \`tests.include\`, \`exclude\` or \`severity\``];
}

/** What is no failure and no finding, and yet to be known to judge the numbers above. */
function notes(report: AuditReport): readonly string[] {
  const lines = [
    // Without cases it is said already.
    ...(report.cases.length === 0 ? [] : leftOut(report).map((text) => `${text}.`)),
    ...[...new Set([...(report.export.notes ?? []), ...report.notes])].map((note) => opening(note, 1000)),
  ];
  return lines.length === 0 ? [] : ["**Notes:**", lines.map((line) => `- ${line}`).join("\n")];
}

/** What the categories in use mean and ask for; said here and nowhere else. */
function meanings(standings: readonly Standing[]): readonly string[] {
  const rows = standings.flatMap(({ category, failures }) =>
    category === null
      ? []
      : [[inline(category.id), inline(category.meaning), inline(category.action), String(failures)]],
  );
  if (rows.length === 0) return [];
  return [
    table([{ head: "Category" }, { head: "Meaning" }, { head: "Action" }, { head: "Failures", numeric: true }], rows),
  ];
}

/** How much of the audit is older than this run. */
function reusedFindings(cases: readonly ReportedCase[]): readonly string[] {
  const found = cases.flatMap(({ report }) => (report.status === "found" ? [report] : []));
  const reused = found.filter((report) => report.reused).length;
  return reused === 0 ? [] : [`${reused} of ${counted(found.length, "finding")} reused from earlier runs.`];
}
