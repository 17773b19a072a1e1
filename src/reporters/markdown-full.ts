/**
 * full-report.md: what failed and is missing first, then totals, what needs a person's eye, and every page.
 * Knows no case from within; chapters are markdown-page's work.
 */
import { counted } from "../model/amount.js";
import type { AuditReport, Piece, ReportedCase } from "../model/report.js";
import type { Failure } from "../model/result.js";
import { spentText } from "../model/spending.js";
import { agentsOf, caseName, groupText, heading, pageAnchor, pageChapter, pageName } from "./markdown-page.js";
import { remarks } from "./markdown-remarks.js";
import { summary } from "./markdown-summary.js";
import { codeSpan, fenced, inline, opening, table } from "./markdown-text.js";
import {
  contextOf,
  distinct,
  failuresOf,
  groupedBy,
  type Page,
  pageKeys,
  pagesOf,
  plural,
  type Standing,
  standingOf,
  tally,
} from "./pages.js";

const mostNames = 5;

export function fullReport(report: AuditReport): readonly Piece[] {
  const pages = pagesOf(report);
  const severalAgents = agentsOf(report.cases).size > 1;
  const blocks = [
    heading(1, `${inline(report.name)} - Test Failures Audit`),
    origin(report),
    ...incomplete(report, pages),
    ...summary(report),
    ...byGroup(report, pages),
    ...byTest(report, pages),
    ...contents(report, pages),
    ...remarks(report),
  ];
  const context = contextOf(report);
  const keyOf = pageKeys(context);
  const chapters = pages.map((page) => ({
    key: `${keyOf(page)}${severalAgents ? " of several" : ""}`,
    text: () => `\n\n---\n\n${pageChapter(page, context, severalAgents).join("\n\n")}`,
  }));
  return [{ key: null, text: () => blocks.join("\n\n") }, ...chapters, { key: null, text: () => "\n" }];
}

function origin(report: AuditReport): string {
  const invocation = report.export.dbtInvocationId;
  return [
    opening(report.at.replace(/^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2}(\.\d+)?)?Z$/, "$1 $2 UTC")),
    `run ${codeSpan(report.run)}`,
    ...(report.spent === null ? [] : [spentText(report.spent)]),
    ...(invocation === null ? [] : [`dbt invocation ${codeSpan(invocation)}`]),
  ].join(" · ");
}

function incomplete(report: AuditReport, pages: readonly Page[]): readonly string[] {
  const isOpen = ({ report: { status } }: ReportedCase): boolean =>
    status === "missing" || status === "validation-failed";
  const open = report.cases.filter(isOpen);
  if (open.length === 0 && report.failures.length === 0) return [];
  const all = counted(report.cases.length, "failing case");
  const missing =
    open.length === 0 ? "" : `: ${open.length} of ${all} ${open.length === 1 ? "has" : "have"} no finding`;
  const told = new Set<string>();
  const lines = pages.flatMap((page) => {
    const cases = page.cases.filter(isOpen);
    if (cases.length === 0) return [];
    const node = `investigate:${page.id}`;
    told.add(node);
    const failure = report.failures.find((each) => each.node === node)?.failure;
    return [`- **${pageName(page, contextOf(report))}**: ${whyOpen(cases, page.axis, failure)}`];
  });
  const paged = new Set(pages.flatMap((page) => page.cases));
  const elsewhere = open.filter((each) => !paged.has(each));
  if (elsewhere.length > 0) lines.push(`- ${whyOpen(elsewhere, "mixed", undefined)}`);
  const others = report.failures
    .filter(({ node }) => !told.has(node))
    .map(({ node, failure }) => `- ${codeSpan(node)}: ${failureText(failure)}`);
  return [
    heading(2, `Incomplete${missing}`),
    [...others, ...lines].join("\n"),
    "To run what failed or is missing, and nothing else:",
    fenced("sh", report.retryCommand),
  ];
}

/** `12 missing (duplicate_identifier, …): the agent died`, for each reason. */
function whyOpen(cases: readonly ReportedCase[], axis: Page["axis"], failure: Failure | undefined): string {
  const byReason = groupedBy(cases, ({ report }) =>
    report.status === "missing" ? report.reason : "the agent's answer was not accepted",
  );
  const reasons = [...byReason].map(([reason, found]) => {
    const names = found.slice(0, mostNames).map((each) => caseName(each, axis));
    const more = found.length > mostNames ? [`and ${found.length - mostNames} more`] : [];
    return `${found.length} missing (${[...names, ...more].join(", ")}): ${inline(reason, 1000)}`;
  });
  return reasons.join("; ") + (failure?.hint === undefined ? "" : ` (${inline(failure.hint)})`);
}

function failureText({ message, hint }: Failure): string {
  return inline(message, 1000) + (hint === undefined ? "" : ` (${inline(hint)})`);
}

function byGroup(report: AuditReport, pages: readonly Page[]): readonly string[] {
  const ofGroup = groupedBy(
    pages.filter(({ axis }) => axis === "group"),
    ({ cases }) => cases[0]?.case.group.key ?? "",
  );
  return matrix(
    report,
    inline(report.groupLabel),
    "Tests",
    ({ case: each }) => each.group.key,
    (each) => linked(groupText(each.case.group), ofGroup.get(each.case.group.key)),
  );
}

function byTest(report: AuditReport, pages: readonly Page[]): readonly string[] {
  const ofTest = groupedBy(
    pages.filter(({ axis }) => axis === "test"),
    ({ cases }) => cases[0]?.case.test.id ?? "",
  );
  return matrix(
    report,
    "Test",
    inline(plural(report.groupLabel, 2).replace(/^./, (first) => first.toUpperCase())),
    ({ case: each }) => each.test.id,
    (each) => linked(inline(each.case.test.name), ofTest.get(each.case.test.id)),
  );
}

/** `VA` as a link to its page; further parts of a split one by their numbers. */
function linked(text: string, pages: readonly Page[] = []): string {
  const [first, ...others] = pages;
  if (first === undefined) return text;
  const parts = others.map((page, index) => `[${index + 2}](#${pageAnchor(page)})`);
  return [`[${text}](#${pageAnchor(first)})`, ...parts].join(" ");
}

/** Rows of cases by a key, a column for each standing that occurs. */
function matrix(
  report: AuditReport,
  label: string,
  counted: string,
  keyOf: (each: ReportedCase) => string,
  nameOf: (each: ReportedCase) => string,
): readonly string[] {
  const rows = groupedBy(report.cases, keyOf);
  if (rows.size < 2) return [];
  const standings = tally(report.cases, report.categories);
  const columns = [label, counted, ...standings.map((standing) => inline(standing.label)), "Failures"];
  return [
    heading(2, `By ${label === "Test" ? "test" : label}`),
    table(
      columns.map((head, index) => ({ head, numeric: index > 0 })),
      [...rows]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([, cases]) => [
          cases[0] === undefined ? "" : nameOf(cases[0]),
          String(cases.length),
          ...countsIn(cases, standings, report),
          String(failuresOf(cases)),
        ]),
    ),
  ];
}

/** Nothing rather than 0, so that what is there stands out. */
function countsIn(
  cases: readonly ReportedCase[],
  columns: readonly Standing[],
  report: AuditReport,
): readonly string[] {
  const counts = new Map<string, number>();
  for (const each of cases) {
    const id = standingOf(each, report.categories);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return columns.map(({ id }) => String(counts.get(id) ?? ""));
}

/** Balanced tasks have no table whose rows link to them. */
function contents(report: AuditReport, pages: readonly Page[]): readonly string[] {
  // Only a table with more than one row is shown, and links to its pages.
  const linked = {
    test: distinct(report.cases, (each) => each.case.test.id) > 1,
    group: distinct(report.cases, (each) => each.case.group.key) > 1,
    mixed: false,
  };
  const linkedFrom = (page: Page): boolean => linked[page.axis];
  const rest = pages.filter((page) => !linkedFrom(page));
  if (rest.length < 2) return [];
  return [
    heading(2, "Contents"),
    rest
      .map((page) => {
        const groups = [...new Set(page.cases.map((each) => groupText(each.case.group)))].join(", ");
        return `- [${pageName(page, contextOf(report))}](#${pageAnchor(page)}): ${counted(page.cases.length, "case")} in ${groups}`;
      })
      .join("\n"),
  ];
}
