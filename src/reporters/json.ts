/**
 * The report as JSON for programs: results/<task>.json and findings.json. Keys are sorted, so that two audits can be diffed.
 * Knows no disk.
 */
import type { AuditReport, Reporter } from "../model/report.js";
import { pagesOf } from "./pages.js";

/** Version of these files' format. */
const version = 1;

export const json: Reporter = {
  id: "json",
  render(report) {
    const pages = pagesOf(report).map((page) => ({
      path: `results/${page.id}.json`,
      content: stableJson({ version, task: page.id, title: page.title, axis: page.axis, cases: page.cases }),
    }));
    return [...pages, { path: "findings.json", content: stableJson({ version, ...withCasesOnce(report) }) }];
  },
};

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

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
