/** `audit-run`, `audit-run run <node…>` and `audit-run retry`. */
import { join, relative } from "node:path";
import type { AuditEnd } from "../audit/run.js";
import { run } from "../audit.js";
import type { AuditReport } from "../model/report.js";
import { createTerminalView, type Renderer } from "../reporters/terminal/index.js";
import type { Invocation, RunOptions } from "./options.js";
import { requestOf } from "./request.js";

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
    strategy: options.strategy ?? null,
    failOn: options.failOn ?? null,
  });
  const end = await run(request, view, (warnings) => terminal.diagnose(warnings));
  if ("diagnostics" in end) {
    await terminal.diagnose(end.diagnostics);
    if (end.failure !== null) terminal.refuse(end.failure);
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
  const lines: string[] = [];
  for (const { node, outcome, failure } of end.settled) {
    if (failure === undefined) continue;
    lines.push(`${node} ${outcome}: ${failure.message}`);
    if (failure.hint !== undefined) lines.push(`  hint: ${failure.hint}`);
    if (failure.detail) lines.push(failure.detail.replaceAll(/^/gm, "  | "));
  }
  const pages = end.settled.filter(({ node, outcome }) => node.startsWith("investigate:") && outcome !== "cancelled");
  if (end.report === null) {
    const results = relative(process.cwd(), join(end.folder, "results"));
    lines.push(...pages.map(({ node }) => join(results, `${node.slice("investigate:".length)}.md`)));
  } else {
    const { cases } = end.report;
    const counts = Object.entries(totals(end.report)).map(([name, count]) => `${name} ${count}`);
    lines.push(
      cases.length === 0
        ? "No failing tests."
        : `${cases.length} failing ${cases.length === 1 ? "case" : "cases"} (test × ${end.report.groupLabel.toLowerCase()}): ${counts.join(" · ")}`,
    );
    lines.push(...end.report.notes);
    lines.push(`Report: ${relative(process.cwd(), end.folder) || "."}/full-report.md`);
    if (end.report.failures.length > 0) lines.push(`Incomplete. To run what is missing: ${end.report.retryCommand}`);
  }
  return lines.length === 0 ? "Done." : lines.join("\n");
}
