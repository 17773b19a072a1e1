/** `audit-run`, `audit-run run <node…>` and `audit-run retry`. */
import { join, relative } from "node:path";
import type { AuditEnd } from "../audit/run.js";
import { run } from "../audit.js";
import { counted } from "../model/amount.js";
import type { AuditReport } from "../model/report.js";
import { createTerminalView, type Renderer } from "../reporters/terminal/index.js";
import type { Invocation, RunOptions } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function runCommand(
  invocation: Invocation,
  options: RunOptions & { readonly nodes: readonly string[]; readonly retry: boolean },
): Promise<number> {
  const { terminal } = invocation;
  const view = createTerminalView({
    renderer: options.progress as Renderer,
    stream: process.stderr,
    environment: process.env,
  });
  const request = requestOf(invocation, options, {
    targets: options.nodes,
    retry: options.retry,
    failFast: options.failFast ?? false,
    strategy: options.strategy ?? null,
    failOn: options.failOn ?? null,
  });
  const end = await run(request, view, (warnings) => terminal.diagnose(warnings));
  if ("diagnostics" in end) {
    await refuse(terminal, end);
    if (options.json)
      terminal.print(
        JSON.stringify({ exitCode: end.exitCode, failure: end.failure, diagnostics: end.diagnostics }, null, 2),
      );
    return end.exitCode;
  }
  terminal.print(options.json ? JSON.stringify(asJson(end), null, 2) : asText(end));
  return end.exitCode;
}

function asJson(end: AuditEnd) {
  return {
    exitCode: end.exitCode,
    run: end.run,
    folder: end.folder,
    report: end.report === null ? null : `${end.folder}/full-report.md`,
    totals: end.report === null ? null : totals(end.report),
    nodes: end.settled,
  };
}

/** Counts of cases: by category id, and of what has no finding. */
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

function asText(end: AuditEnd): string {
  const lines = [...failureLines(end), ...(end.report === null ? pageLines(end) : reportLines(end, end.report))];
  return lines.length === 0 ? "Done." : lines.join("\n");
}

function failureLines(end: AuditEnd): readonly string[] {
  return end.settled.flatMap(({ node, outcome, failure }) => {
    if (failure === undefined) return [];
    return [
      `${node} ${outcome}: ${failure.message}`,
      ...(failure.hint === undefined ? [] : [`  hint: ${failure.hint}`]),
      ...(failure.detail ? [failure.detail.replaceAll(/^/gm, "  | ")] : []),
    ];
  });
}

/** Where `collect` was not asked for, the pages are all there is. */
function pageLines(end: AuditEnd): readonly string[] {
  const results = relative(process.cwd(), join(end.folder, "results"));
  return end.settled
    .filter(({ node, outcome }) => node.startsWith("investigate:") && outcome !== "cancelled")
    .map(({ node }) => join(results, `${node.slice("investigate:".length)}.md`));
}

function reportLines(end: AuditEnd, report: AuditReport): readonly string[] {
  const { cases, notes, failures, groupLabel, retryCommand } = report;
  const counts = Object.entries(totals(report)).map(([name, count]) => `${name} ${count}`);
  const file = `${relative(process.cwd(), end.folder) || "."}/full-report.md`;
  return [
    cases.length === 0
      ? nothingFails(report)
      : `${counted(cases.length, "failing case")} (test × ${groupLabel.toLowerCase()}): ${counts.join(" · ")}`,
    ...(report.export.notes ?? []),
    ...notes,
    `Report: ${file}`,
    ...(failures.length === 0 ? [] : [`Incomplete. To run what is missing: ${retryCommand}`]),
  ];
}

function nothingFails(report: AuditReport): string {
  const { leftOut = 0 } = report.export;
  if (leftOut === 0) return "No failing tests.";
  return `Nothing to report: ${counted(leftOut, "failing test is", "failing tests are")} left out by \`tests\` in the config.`;
}
