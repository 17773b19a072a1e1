/**
 * One page as Markdown: results/<task>.md, and the same as a chapter of the full report.
 * Knows no other page.
 */
import type { Group, UnsplitTest } from "../model/case.js";
import type { ReportedCase } from "../model/report.js";
import { agentText, caseBlocks, failuresText } from "./markdown-case.js";
import { codeSpan, inline, opening, prose, value } from "./markdown-text.js";
import { groupedBy, type Page, type PageContext, plural, tally } from "./pages.js";

/** A page as a file of its own. */
export function pageFile(page: Page, context: PageContext): string {
  const blocks = [
    heading(1, pageTitle(page, context)),
    ...about(page),
    heading(2, "Summary"),
    summaryLines(page, context).join("\n"),
    ...provenance(page.cases),
    ...sections(page, context, 2),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** A page as a chapter under headings of level 1. */
export function pageChapter(page: Page, context: PageContext, severalAgents: boolean): readonly string[] {
  return [
    `<a id="${pageAnchor(page)}"></a>`,
    heading(2, pageTitle(page, context)),
    ...about(page),
    summaryLines(page, context).join("\n"),
    ...(severalAgents ? provenance(page.cases) : []),
    ...sections(page, context, 3),
  ];
}

/** Ids of pages are safe names, so this needs no escaping. */
export function pageAnchor(page: Page): string {
  return `page-${page.id}`;
}

/** `State: VA`, `Test: duplicate_identifier`, `Task 1`. Markdown already. */
export function pageName(page: Page, context: PageContext): string {
  if (page.axis === "mixed") return inline(page.title);
  if (page.axis === "test") return `Test: ${inline(page.title)}`;
  return `${inline(context.groupLabel)}: ${value(page.title)}`;
}

function pageTitle(page: Page, context: PageContext): string {
  return `${pageName(page, context)} - Test Failures Audit`;
}

export function groupText(group: Group): string {
  return value(group.key);
}

export function heading(level: number, text: string): string {
  return `${"#".repeat(level)} ${text}`;
}

/** What the test of a page of one test is about. */
function about(page: Page): readonly string[] {
  const test = page.axis === "test" ? page.cases[0]?.case.test : undefined;
  return test === undefined || test.description.trim() === "" ? [] : [prose(test.description)];
}

function summaryLines(page: Page, context: PageContext): readonly string[] {
  const subject = page.axis === "test" ? plural(context.groupLabel, 2) : "tests";
  return [
    `- Total ${inline(subject)} with failures: ${page.cases.length}`,
    ...tally(page.cases, context.categories).map(
      (standing) => `- ${opening(standing.label)}: ${standing.cases.length}`,
    ),
  ];
}

export function agentsOf(cases: readonly ReportedCase[]): ReadonlySet<string> {
  return new Set(
    cases.flatMap(({ report }) => (report.status === "found" ? [agentText(report.finding.provenance)] : [])),
  );
}

/** Who found it, said once where it was one agent. */
export function provenance(cases: readonly ReportedCase[]): readonly string[] {
  const agents = [...agentsOf(cases)];
  return agents.length === 1 ? [`Investigated by ${agents[0]}.`] : [];
}

function sections(page: Page, context: PageContext, level: number): readonly string[] {
  const shown = page.cases.filter((each) => each.report.status !== "missing");
  const showAgent = agentsOf(page.cases).size > 1;
  const unsplit = new Map(context.unsplit.map((each) => [each.test, each]));
  const section = (each: ReportedCase, title: string, depth: number): readonly string[] => [
    "---",
    heading(depth, title),
    ...(page.axis === "test" ? [] : description(each)),
    ...notSplit(each, unsplit, context),
    ...caseBlocks(each, context.categories, showAgent),
  ];
  const missing = missingSection(page, context, level);
  if (page.axis === "test") {
    const label = inline(context.groupLabel);
    return [...missing, ...shown.flatMap((each) => section(each, `${label}: ${groupText(each.case.group)}`, level))];
  }
  if (page.axis === "group") {
    return [...missing, ...shown.flatMap((each) => section(each, `Test: ${inline(each.case.test.name)}`, level))];
  }
  const groups = groupedBy(shown, ({ case: each }) => each.group.key);
  return [
    ...missing,
    ...[...groups.values()].flatMap((cases) => [
      "---",
      heading(level, `${inline(context.groupLabel)}: ${cases[0] === undefined ? "" : groupText(cases[0].case.group)}`),
      ...cases.flatMap((each) => section(each, `Test: ${inline(each.case.test.name)}`, level + 1)),
    ]),
  ];
}

function description(each: ReportedCase): readonly string[] {
  const text = each.case.test.description.trim();
  return text === "" ? [] : [prose(text)];
}

function notSplit(
  each: ReportedCase,
  unsplit: ReadonlyMap<string, UnsplitTest>,
  context: PageContext,
): readonly string[] {
  const found = each.case.group.kind === "all" ? unsplit.get(each.case.test.name) : undefined;
  return found === undefined ? [] : [`Not split by ${inline(context.groupLabel)}: ${inline(found.reason, 1000)}`];
}

/** Missing cases stand under their common reason. */
function missingSection(page: Page, context: PageContext, level: number): readonly string[] {
  const byReason = groupedBy(
    page.cases.filter(({ report: { status } }) => status === "missing"),
    ({ report: each }) => (each.status === "missing" ? each.reason : ""),
  );
  if (byReason.size === 0) return [];
  return [
    "---",
    heading(level, "Missing: no finding"),
    ...[...byReason].flatMap(([reason, cases]) => [
      `${opening(reason, 1000)}:`,
      cases.map((each) => `- ${caseName(each, page.axis)}: ${failuresText(each)}`).join("\n"),
    ]),
    // The full report says it once, at its top.
    ...(level === 2 ? [`To run what is missing: ${codeSpan(context.retryCommand)}`] : []),
  ];
}

/** What tells a case from the others on its page. */
export function caseName({ case: each }: ReportedCase, axis: Page["axis"]): string {
  if (axis === "test") return opening(each.group.key);
  return axis === "group" ? opening(each.test.name) : `${opening(each.test.name)} in ${groupText(each.group)}`;
}
