/** A status as lines for a person, and as a frame that is drawn over the one before. Knows no terminal but its size. */
import type { Status, StatusRow } from "../audit/status.js";
import { counted, dollars, tokenText } from "../model/amount.js";
import { spentOf, spentText, tokensOf } from "../model/spending.js";
import { cutToFit, durationText, harmless, pad } from "../reporters/terminal/text.js";

/** Over what stands there: from the top, each line to its end, nothing below. The line after it is free for the cursor. */
export function frame(lines: readonly string[], { columns, rows }: { columns: number; rows: number }): string {
  const fits = lines.length < rows ? lines : [...lines.slice(0, rows - 3), "…", ...lines.slice(-1)];
  return `\u001b[H${fits.map((line) => `${cutToFit(line, columns, "…")}\u001b[K`).join("\n")}\u001b[J`;
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

/** What no row has takes no column. */
function table(rows: readonly StatusRow[], now: Date): readonly string[] {
  const cells = rows.map((row) => [
    cutToFit(harmless(row.node), widest, "…"),
    row.state,
    row.owner === null ? "" : harmless(row.owner),
    row.slot === null ? "" : `slot ${row.slot}`,
    row.isolation ?? "",
    row.elapsed === 0 && row.state !== "running" ? "" : durationText(row.elapsed),
    ...spentCells(row),
    activity(row, now),
  ]);
  const columns = (cells[0] ?? []).map((_, column) => column);
  const shown = columns.filter((column) => cells.some((row) => row[column] !== ""));
  const widths = columns.map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    shown
      .map((column) => pad(row[column] ?? "", widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function spentCells({ spent }: StatusRow): readonly string[] {
  const tokens = tokensOf(spent);
  return [
    spent.turns === 0 ? "" : counted(spent.turns, "turn"),
    tokens === 0 ? "" : tokenText(tokens),
    spent.cost === 0 ? "" : dollars(spent.cost),
  ];
}

function activity({ state, message, findings, lastActivity }: StatusRow, now: Date): string {
  const found = findings === 0 ? [] : [counted(findings, "finding")];
  const said = message === null ? [] : [cutToFit(harmless(message), longestMessage, "…")];
  const ago = durationText(Math.max(0, now.getTime() - Date.parse(lastActivity ?? "")) || 0);
  const heard = state === "running" && lastActivity !== null ? [`${ago} ago`] : [];
  return [...found, ...said, ...heard].join(", ");
}

function totals({ totals: all, tasks }: Status): string {
  const { findings, spent, ...states } = all;
  const counts = Object.entries(states).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  const parts = [counted(tasks.length, "task"), ...counts].join(", ");
  const price = spentOf(spent) === null ? [] : [spentText(spent)];
  return `${[parts, counted(findings, "new finding"), ...price].join("; ")}.`;
}
