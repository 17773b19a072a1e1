/**
 * One case as Markdown, in the pattern's template: failures, classification, root cause, evidence, recommendation.
 * Knows no page; the heading above it is the page's.
 */
import { counted } from "../model/amount.js";
import type { CategoryConfig } from "../model/config.js";
import type { AcceptedException, Evidence, Finding, Location, Provenance } from "../model/finding.js";
import type { ReportedCase } from "../model/report.js";
import { codeSpan, fenced, inline, opening, prose, table, value } from "./markdown-text.js";
import { exceptionCategory } from "./pages.js";

const mostRows = 10;
const mostColumns = 12;
const mostCellText = 120;
const mostSqlLines = 80;
const mostSqlText = 8_000;

/** Blocks of one case. A missing case has none: it is listed with its like. `showAgent`: not said once for the whole page. */
export function caseBlocks(
  each: ReportedCase,
  categories: readonly CategoryConfig[],
  showAgent: boolean,
): readonly string[] {
  switch (each.report.status) {
    case "found":
      return findingBlocks(each, each.report.finding, showAgent);
    case "excepted":
      return exceptedBlocks(each, each.report.exception, categories);
    case "validation-failed":
      return [
        fields([
          ["Failures", failuresText(each)],
          ["Classification", "none, for the agent's answer was not accepted"],
        ]),
        label("Objections"),
        each.report.objections.map(({ message }) => `- ${opening(message, 1000)}`).join("\n") || "None was recorded.",
        label("Last answer"),
        each.report.answer.trim() === "" ? "Nothing." : fenced("text", shortened(each.report.answer, 40, 4_000)),
      ];
    case "missing":
    case "unasked":
      return [];
  }
}

function findingBlocks(each: ReportedCase, finding: Finding, showAgent: boolean): readonly string[] {
  const { provenance } = finding;
  const confidence = [
    finding.confidence,
    ...(showAgent ? [`by ${agentText(provenance)}`] : []),
    // Not whether it is reused: a page that says the same as before need not be written again.
    `found ${inline(provenance.at.slice(0, 10))}`,
  ];
  const proposed = finding.proposedException ? " (proposed by the agent; nobody has accepted it yet)" : "";
  return [
    fields([
      ["Failures", failuresText(each)],
      ["Classification", inline(finding.classification) + proposed],
      ["Confidence", confidence.join(" · ")],
      ...(finding.locations.length > 0 ? [["Location", finding.locations.map(locationText).join(", ")] as const] : []),
    ]),
    paragraph("Root Cause", prose(finding.rootCause)),
    ...(finding.evidence.length > 0 ? [label("Evidence"), ...finding.evidence.flatMap(evidenceBlocks)] : []),
    ...(finding.alternatives.length > 0
      ? [label("Ruled out"), finding.alternatives.map((text) => `- ${opening(text, 2_000)}`).join("\n")]
      : []),
    paragraph("Recommendation", prose(finding.recommendation)),
  ];
}

function exceptedBlocks(
  each: ReportedCase,
  exception: AcceptedException,
  categories: readonly CategoryConfig[],
): readonly string[] {
  const id = exceptionCategory(categories);
  const until = exception.expires === null ? "without expiry" : `until ${inline(exception.expires)}`;
  const ticket = exception.ticket === null ? "" : ` · ticket ${inline(exception.ticket)}`;
  const action = categories.find((category) => category.id === id)?.action;
  return [
    fields([
      ["Failures", failuresText(each)],
      ["Classification", inline(id)],
      ["Accepted by", `${inline(exception.owner)} · ${until} · ${codeSpan(exception.at)}${ticket}`],
    ]),
    paragraph("Root Cause", prose(exception.reason)),
    ...(action === undefined ? [] : [paragraph("Recommendation", prose(action))]),
  ];
}

/** `127`, or `3 (7 rows)` where dbt's unit is not a row. */
export function failuresText({ case: each }: ReportedCase): string {
  const notes = [
    ...(each.rows === each.failures ? [] : [counted(each.rows, "row")]),
    ...(each.test.severity === "warn" ? ["severity warn"] : []),
  ];
  return notes.length === 0 ? String(each.failures) : `${each.failures} (${notes.join(", ")})`;
}

/** `lineage`, `claude (sonnet, isolation: restricted)`. */
export function agentText({ agent, model, isolation }: Provenance): string {
  const kept = isolation === undefined || isolation === "built-in" ? [] : [`isolation: ${inline(isolation)}`];
  const more = [...(model === null ? [] : [inline(model)]), ...kept];
  return more.length === 0 ? inline(agent) : `${inline(agent)} (${more.join(", ")})`;
}

function locationText(location: Location): string {
  const { repo, file, line, end_line } = location;
  const end = end_line === undefined || end_line === line ? "" : `-${end_line}`;
  const place = codeSpan(line === undefined ? file : `${file}:${line}${end}`);
  return repo === undefined || repo === "dbt" ? place : `${place} in ${inline(repo)}`;
}

function evidenceBlocks({ title, sql, result }: Evidence): readonly string[] {
  const columns = result.columns.slice(0, mostColumns);
  const rows = result.rows.slice(0, mostRows);
  const head = columns.map(({ name, type }) => ({ head: inline(name, mostCellText), numeric: numericType.test(type) }));
  return [
    ...(title === null ? [] : [opening(title)]),
    fenced("sql", shortened(sql, mostSqlLines, mostSqlText)),
    rows.length === 0
      ? "No rows."
      : table(
          head,
          rows.map((row) => row.slice(0, mostColumns).map(cellText)),
        ),
    ...restText(result.rows.length - rows.length, result.columns.length - columns.length, result.truncated),
  ];
}

const numericType = /^(?:(?:TINY|SMALL|BIG|HUGE|U)?\w*INT\w*|DECIMAL|NUMERIC|NUMBER|DOUBLE|FLOAT|REAL)\b/i;

function cellText(cell: string | null): string {
  if (cell === null) return "*null*";
  return cell === "" ? "*empty*" : value(cell, mostCellText);
}

function restText(rows: number, columns: number, truncated: boolean): readonly string[] {
  const hidden = truncated ? rows + 1 : rows;
  const more = [
    ...(hidden > 0 ? [`${truncated ? "at least " : ""}${counted(hidden, "more row")}`] : []),
    ...(columns > 0 ? [counted(columns, "more column")] : []),
  ];
  return more.length === 0 ? [] : [`… and ${more.join(", ")}.`];
}

/** The whole text is in the page's JSON file. */
function shortened(text: string, mostLines: number, most: number): string {
  const lines = text.slice(0, most).split("\n");
  if (text.length <= most && lines.length <= mostLines) return text;
  return [...lines.slice(0, mostLines), "… (cut here; the JSON file beside this page has all of it)"].join("\n");
}

function label(name: string): string {
  return `**${name}:**`;
}

function paragraph(name: string, text: string): string {
  // A list needs a blank line before it, a paragraph follows its label as in the pattern's template.
  return /^(?:-|\d+\.) /.test(text) ? `${label(name)}\n\n${text}` : `${label(name)}\n${text}`;
}

/** Lines under one another; two spaces at an end are Markdown's line break. */
function fields(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, text]) => `${label(name)} ${text}`).join("  \n");
}
