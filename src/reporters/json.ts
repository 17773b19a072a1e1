/**
 * The report as JSON for programs: results/<task>.json and findings.json. Keys are sorted, so that two audits can be diffed.
 * Knows no disk.
 */
import type { AuditReport, Piece, ReportedCase, Reporter } from "../model/report.js";
import { caseKey, contextOf, lasting, type Page, pageKeys, pagesOf } from "./pages.js";

/** Version of these files' format. */
const version = 1;

export const json: Reporter = {
  id: "json",
  render(report) {
    const keyOf = pageKeys(contextOf(report));
    const pages = pagesOf(report).map((page) => ({
      path: `results/${page.id}.json`,
      pieces: [{ key: keyOf(page), text: () => stableJson(pageContent(page)) }],
    }));
    return [...pages, { path: "findings.json", pieces: whole(report) }];
  },
};

function pageContent({ id, title, axis, cases }: Page): object {
  return { version, task: id, title, axis, cases: cases.map(lasting) };
}

/** The list of cases is the longest part by far: each is a piece of its own. */
function whole(report: AuditReport): readonly Piece[] {
  const place = '\n  "cases": [';
  const frame = stableJson({ version, ...withCasesOnce(report), cases: [] });
  const start = frame.indexOf(place) + place.length;
  const last = report.cases.length - 1;
  return [
    { key: null, text: () => frame.slice(0, start) },
    ...report.cases.map((each, index) => caseInList(each, index === last)),
    { key: null, text: () => (last < 0 ? "" : "\n  ") + frame.slice(start) },
  ];
}

function caseInList(each: ReportedCase, isLast: boolean): Piece {
  const isReused = each.report.status === "found" && each.report.reused;
  const key = `${caseKey(each)}${isReused ? " reused" : ""}${isLast ? " last" : ""}`;
  const text = (): string => {
    const lines = JSON.stringify(sorted(each), null, 2).replaceAll("\n", "\n    ");
    return `\n    ${lines}${isLast ? "" : ","}`;
  };
  return { key, text };
}

/** Each case stands in `cases` with all it has; tasks and export name it by its id. */
function withCasesOnce(report: AuditReport) {
  return {
    ...report,
    tasks: report.tasks.map((task) => ({ ...task, cases: task.cases.map(({ id }) => id) })),
    export: { ...report.export, cases: report.export.cases.map(({ id }) => id) },
  };
}

function stableJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`;
}

/** Findings stand in their page and in the whole: sorted once. */
const known = new WeakMap<object, unknown>();

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  const before = known.get(value);
  if (before !== undefined) return before;
  const made = Array.isArray(value) ? value.map(sorted) : sortedObject(value);
  known.set(value, made);
  return made;
}

function sortedObject(value: object): object {
  const keys = Object.keys(value) as (keyof typeof value)[];
  return Object.fromEntries(keys.sort().map((key) => [key, sorted(value[key])]));
}
