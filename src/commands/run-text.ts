/** What `audit-run` prints at its end, as text and as JSON. Imports nothing heavy: a run with nothing to do prints it, too. */
import { join, relative } from "node:path";
import type { EndSummary } from "../audit/end-summary.js";
import { counted } from "../model/amount.js";
import type { Settled } from "../model/graph.js";
import { type Spent, spentText } from "../model/spending.js";
import { visible } from "../reporters/terminal/text.js";

export interface RunEnd {
  readonly exitCode: number;
  readonly run: string;
  /** The audit folder, absolute. */
  readonly folder: string;
  readonly settled: readonly Settled[];
  /** Null where no agent told that it spent anything. */
  readonly spent: Spent | null;
  /** Null where `collect` did not run. */
  readonly summary: EndSummary | null;
}

export function runJson({ exitCode, run, folder, settled, spent, summary }: RunEnd) {
  return {
    exitCode,
    run,
    folder,
    report: summary === null ? null : `${folder}/full-report.md`,
    totals: summary === null ? null : summary.totals,
    spent,
    nodes: settled,
  };
}

export function runText(end: RunEnd): string {
  const told = end.summary === null ? pageLines(end) : summaryLines(end, end.summary);
  const lines = [...failureLines(end), ...told, ...(end.spent === null ? [] : [`Agents: ${spentText(end.spent)}`])];
  // Names of tests and groups come from the data, and what a program said may hold anything.
  return lines.length === 0 ? "Done." : visible(lines.join("\n"));
}

function failureLines({ settled }: RunEnd): readonly string[] {
  /** Many may be cancelled for one reason, which is told once. */
  const alike = new Map<string, number>();
  const keyOf = ({ outcome, failure }: Settled): string => JSON.stringify([outcome, failure]);
  for (const end of settled) alike.set(keyOf(end), (alike.get(keyOf(end)) ?? 0) + 1);
  return settled.flatMap((end) => {
    const { node, outcome, failure } = end;
    const count = outcome === "cancelled" ? (alike.get(keyOf(end)) ?? 0) : 1;
    if (failure === undefined || count === 0) return [];
    alike.set(keyOf(end), 0);
    return [
      `${node}${count > 1 ? ` and ${count - 1} more` : ""} ${outcome}: ${failure.message}`,
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

function nothingFails({ leftOut, unread }: EndSummary): string {
  if (unread > 0) return "Nothing to report of the other tests.";
  if (leftOut === 0) return "No failing tests.";
  return `Nothing to report: ${counted(leftOut, "failing test is", "failing tests are")} left out by \`tests\` in the config.`;
}
