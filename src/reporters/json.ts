/**
 * The report as JSON for programs: results/<task>.json and findings.json. Keys are sorted, so that two audits can be diffed.
 * Knows no disk.
 */
import type { AuditReport, ReportedCase, Reporter } from "../model/report.js";
import { pagesOf } from "./pages.js";

/** Version of these files' format. */
const version = 1;

export const json: Reporter = {
  id: "json",
  render(report) {
    const pages = pagesOf(report).map((page) => ({
      path: `results/${page.id}.json`,
      content: stableJson({
        version,
        task: page.id,
        title: page.title,
        axis: page.axis,
        cases: page.cases.map(lasting),
      }),
    }));
    return [...pages, { path: "findings.json", content: stableJson({ version, ...withCasesOnce(report) }) }];
  },
};

/** Without what is of one run alone: a page that says the same as before need not be written again. */
function lasting({ report, ...each }: ReportedCase) {
  if (report.status !== "found") return { ...each, report };
  const { reused, ...found } = report;
  return { ...each, report: found };
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
