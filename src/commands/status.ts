/** `audit-run status`: a line a task and totals, of the audit that runs here or of the last one. */
import { type Status, type StatusRow, watchStatus } from "../audit/status.js";
import { settings } from "../audit.js";
import { counted } from "../model/amount.js";
import { cutToFit, durationText, harmless, pad } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function statusCommand(invocation: Invocation, options: CommonOptions): Promise<number> {
  const { terminal } = invocation;
  const loaded = settings(requestOf(invocation, options));
  if ("exitCode" in loaded) return refuse(terminal, loaded);
  const now = new Date();
  const status = await watchStatus(loaded.config.dir, () => now)();
  terminal.print(options.json ? JSON.stringify(status, null, 2) : statusText(status, now).join("\n"));
  return 0;
}

/** More reused tasks than this are only counted. */
const mostReused = 20;
const widest = 32;
const longestMessage = 100;

export function statusText(status: Status, now: Date): readonly string[] {
  if (status.state === "none") return ["No audit has run here yet."];
  const { reused } = status.totals;
  const tasks = status.tasks.filter(({ state }) => state !== "reused" || reused <= mostReused);
  // A stage that ended well is no news; one that waits will come.
  const stages = status.stages.filter(({ state }) => ["running", "killed", "failed", "cancelled"].includes(state));
  return [headline(status), ...table([...stages, ...tasks], now), totals(status)];
}

function headline({ run, state, startedAt, elapsed, exitCode, process }: Status): string {
  const took = durationText(elapsed);
  if (state === "running" && process !== null) {
    return `${run}: running for ${took} (process ${process.pid} on ${harmless(process.host)}), started ${startedAt ?? "just now"}`;
  }
  if (state === "killed") return `${run}: was killed after ${took}; \`audit-run\` goes on where it was`;
  return `${run}: ended with exit code ${exitCode} after ${took}, started ${startedAt}`;
}

function table(rows: readonly StatusRow[], now: Date): readonly string[] {
  const cells = rows.map((row) => [
    cutToFit(harmless(row.node), widest, "…"),
    row.state,
    row.owner === null ? "" : harmless(row.owner),
    row.elapsed === 0 && row.state !== "running" ? "" : durationText(row.elapsed),
    activity(row, now),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function activity({ state, message, findings, lastActivity }: StatusRow, now: Date): string {
  const found = findings === 0 ? [] : [counted(findings, "finding")];
  const said = message === null ? [] : [cutToFit(harmless(message), longestMessage, "…")];
  const ago = durationText(Math.max(0, now.getTime() - Date.parse(lastActivity ?? "")) || 0);
  const heard = state === "running" && lastActivity !== null ? [`${ago} ago`] : [];
  return [...found, ...said, ...heard].join(", ");
}

function totals({ totals: all, tasks }: Status): string {
  const { findings, ...states } = all;
  const counts = Object.entries(states).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  const parts = [counted(tasks.length, "task"), ...counts].join(", ");
  return `${parts}; ${counted(findings, "new finding")}.`;
}
