/** What `audit-run` prints at its end, as text and as JSON. Imports nothing heavy: a run with nothing to do prints it, too. */
import { join, relative } from "node:path";
import type { EndSummary } from "../audit/end-summary.js";
import { counted } from "../model/amount.js";
import type { Settled } from "../model/graph.js";
import { visible } from "../reporters/terminal/text.js";

export interface RunEnd {
  readonly exitCode: number;
  readonly run: string;
  /** The audit folder, absolute. */
  readonly folder: string;
  readonly settled: readonly Settled[];
  /** Null where `collect` did not run. */
  readonly summary: EndSummary | null;
}

export function runJson({ exitCode, run, folder, settled, summary }: RunEnd) {
  return {
    exitCode,
    run,
    folder,
    report: summary === null ? null : `${folder}/full-report.md`,
    totals: summary === null ? null : summary.totals,
    nodes: settled,
  };
}

export function runText(end: RunEnd): string {
  const lines = [...failureLines(end), ...(end.summary === null ? pageLines(end) : summaryLines(end, end.summary))];
  // Names of tests and groups come from the data, and what a program said may hold anything.
  return lines.length === 0 ? "Done." : visible(lines.join("\n"));
}

function failureLines({ settled }: RunEnd): readonly string[] {
  return settled.flatMap(({ node, outcome, failure }) => {
    if (failure === undefined) return [];
    return [
      `${node} ${outcome}: ${failure.message}`,
      ...(failure.hint === undefined ? [] : [`  hint: ${failure.hint}`]),
      ...(failure.detail ? [failure.detail.replaceAll(/^/gm, "  | ")] : []),
    ];
  });
}

/** Where `collect` was not asked for, the pages are all there is. */
function pageLines({ folder, settled }: RunEnd): readonly string[] {
  const results = relative(process.cwd(), join(folder, "results"));
  return settled
    .filter(({ node, outcome }) => node.startsWith("investigate:") && outcome !== "cancelled")
    .map(({ node }) => join(results, `${node.slice("investigate:".length)}.md`));
}

/** Of cases without a finding; the others are counted by their category's id. */
const words: Readonly<Record<string, string>> = { unasked: "not asked for", "validation-failed": "validation failed" };

function summaryLines({ folder }: RunEnd, summary: EndSummary): readonly string[] {
  const { cases, groupLabel, notes, totals, retryCommand } = summary;
  const counts = Object.entries(totals).map(([name, count]) => `${words[name] ?? name} ${count}`);
  const file = `${relative(process.cwd(), folder) || "."}/full-report.md`;
  return [
    cases === 0
      ? nothingFails(summary)
      : `${counted(cases, "failing case")} (test × ${groupLabel.toLowerCase()}): ${counts.join(" · ")}`,
    ...notes,
    `Report: ${file}`,
    ...(retryCommand === null ? [] : [`Incomplete. To run what is missing: ${retryCommand}`]),
  ];
}

function nothingFails({ leftOut }: EndSummary): string {
  if (leftOut === 0) return "No failing tests.";
  return `Nothing to report: ${counted(leftOut, "failing test is", "failing tests are")} left out by \`tests\` in the config.`;
}
