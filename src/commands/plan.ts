/** `audit-run plan`: a table of nodes with verdict and reasons. */
import { plan } from "../audit.js";
import type { Plan, PlanRow } from "../graph/plan.js";
import { harmless } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation, NarrowingOptions } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function planCommand(invocation: Invocation, options: CommonOptions & NarrowingOptions): Promise<number> {
  const { terminal } = invocation;
  const end = await plan(requestOf(invocation, options));
  if ("diagnostics" in end) return refuse(terminal, end);
  const { plan: planned, loaded } = end.planned;
  await terminal.diagnose(loaded.warnings);
  terminal.print(options.json ? JSON.stringify({ version: 1, ...planned }, null, 2) : asText(planned));
  return 0;
}

function asText(planned: Plan): string {
  const rows = [["node", "verdict", "cases", "failures", "because"], ...planned.rows.map(cells)];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const { open, reused, excepted, investigations } = planned.totals;
  const known = planned.rows.some((row) => row.kind === "investigate");
  const totals = known
    ? `${investigations} investigations of ${open} cases; ${reused} findings used again; ${excepted} accepted exceptions.`
    : "The export will say which investigations there are.";
  const notes = [planned.assumes, ...planned.notes].filter((note) => note !== null);
  return [...table, "", totals, ...notes].join("\n");
}

function cells(row: PlanRow): string[] {
  const cases = row.cases === null ? "" : `${row.cases.open} of ${row.cases.open + row.cases.reused}`;
  const because = row.because.slice(0, 3).join("; ");
  const more = row.because.length > 3 ? `; and ${row.because.length - 3} more` : "";
  return [
    harmless(row.node),
    row.verdict,
    cases,
    row.cases === null ? "" : String(row.cases.failures),
    harmless(because + more),
  ];
}
