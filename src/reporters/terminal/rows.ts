/**
 * The rows of the windowed view, and the summary that stays behind, as pure text.
 * What a frame costs depends on the rows that it has, not on the nodes of the audit.
 */
import type { AuditEvent } from "../../model/events.js";
import type { Progress } from "./progress.js";
import { timeLeft, waitingCount } from "./progress.js";
import { type Mark, mark, renderRow, type Span, type Style, separator } from "./style.js";
import { columnsOf, durationText, harmless, pad, stopwatch } from "./text.js";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const mostRunning = 12;
const mostFailures = 3;
const mostFailuresInSummary = 10;
const widestName = 32;

/** At most `size.rows - 1` rows (but one at least): the counts, then what runs, then what failed last. */
export function windowRows(progress: Progress, size: Size, now: number, style: Style): string[] {
  const room = Math.max(1, size.rows - 1) - 1;
  const failures = progress.failures.slice(-mostFailures).slice(0, Math.max(0, room - 1));
  const running = runningRows(progress, Math.min(mostRunning, room - failures.length), now, style);
  const rows = [countsRow(progress, now, style), ...running, ...failures.map((failed) => failureRow(failed, style))];
  return rows.map((spans) => renderRow(spans, size.columns, style));
}

function countsRow(progress: Progress, now: number, style: Style): Span[] {
  const { executed, reused, failed, blocked, cancelled } = progress.outcomes;
  const left = timeLeft(progress, now);
  const counts: Span[][] = [
    count(executed, "done", "done", style),
    ...(failed > 0 ? [count(failed, "failed", "failed", style)] : []),
    ...(blocked > 0 ? [count(blocked, "blocked", "stopped", style)] : []),
    ...(cancelled > 0 ? [count(cancelled, "cancelled", "stopped", style)] : []),
    ...(reused > 0 ? [count(reused, "reused", "reused", style)] : []),
    count(progress.running.size, "running", "running", style),
    [{ text: `${waitingCount(progress)} waiting` }],
    ...(left === null ? [] : [[{ text: `about ${durationText(Math.max(1_000, left))} left` }]]),
  ];
  const elapsed = stopwatch(now - (progress.startedAt ?? now));
  return [{ text: elapsed, color: "bold" }, { text: "  " }, ...joined(counts, separator(style))];
}

function count(value: number, word: string, name: Mark, style: Style): Span[] {
  return [mark(name, style), { text: ` ${value} ${word}` }];
}

function joined(parts: readonly Span[][], between: Span): Span[] {
  return parts.flatMap((part, index) => (index === 0 ? part : [between, ...part]));
}

function runningRows(progress: Progress, room: number, now: number, style: Style): Span[][] {
  if (room < 1) return [];
  const all = progress.running.size;
  const shown = [];
  for (const node of progress.running.values()) {
    if (shown.length === (all > room ? room - 1 : room)) break;
    shown.push({ ...node, name: harmless(node.node) });
  }
  const width = Math.min(widestName, Math.max(0, ...shown.map(({ name }) => columnsOf(name))));
  const rows = shown.map(({ node, name, since, message, done, total }): Span[] => {
    const findings = progress.findings.get(node) ?? 0;
    const notes = [
      total === null ? "" : `${done ?? 0}/${total}`,
      findings === 0 ? "" : findingsText(findings),
      harmless(message),
    ];
    return [
      { text: "  " },
      mark("running", style),
      { text: ` ${pad(name, width)}  ` },
      { text: stopwatch(now - since).padStart(5), color: "dim" },
      { text: `  ${notes.filter((note) => note !== "").join("  ")}` },
    ];
  });
  return shown.length < all ? [...rows, [{ text: `    and ${all - shown.length} more`, color: "dim" }]] : rows;
}

export function findingsText(findings: number): string {
  return findings === 1 ? "1 finding" : `${findings} findings`;
}

function failureRow({ node, failure }: Progress["failures"][number], style: Style): Span[] {
  const reason = failure === null ? "failed" : `${failure.code}: ${harmless(failure.message)}`;
  return [{ text: "  " }, mark("failed", style), { text: ` ${harmless(node)}  ` }, { text: reason, color: "red" }];
}

/** How the run ended, as one line of any width. */
export function summaryLine(progress: Progress, now: number, style: Style): string {
  const { outcomes } = progress;
  const ends = (["executed", "reused", "failed", "blocked", "cancelled"] as const)
    .filter((outcome) => outcomes[outcome] > 0)
    .map((outcome) => `${outcomes[outcome]} ${outcome}`);
  const unsettled = progress.nodes.size - progress.settled.size;
  if (unsettled > 0) ends.push(`${unsettled} not finished`);
  const nodes = progress.nodes.size === 1 ? "1 node" : `${progress.nodes.size} nodes`;
  const name = outcomes.failed > 0 ? "failed" : unsettled + outcomes.cancelled > 0 ? "stopped" : "done";
  const elapsed = durationText(now - (progress.startedAt ?? now));
  return wholeLine(
    [mark(name, style), { text: ` ${nodes} in ${elapsed}: ${ends.join(", ") || "nothing to do"}` }],
    style,
  );
}

/** What failed and what to do about it, as lines of any width: the first ten. */
export function failureLines({ failures }: Progress, style: Style): string[] {
  const shown = failures.slice(0, mostFailuresInSummary).flatMap((failed) => {
    const hint = failed.failure?.hint;
    const row = failureRow(failed, style);
    return hint === undefined ? [row] : [row, hintRow(hint)];
  });
  const rest = failures.length - mostFailuresInSummary;
  const more: Span[][] = rest > 0 ? [[{ text: `    and ${rest} more`, color: "dim" }]] : [];
  return [...shown, ...more].map((spans) => wholeLine(spans, style));
}

export function requestText({ kind, message }: Extract<AuditEvent, { type: "request" }>): string {
  return `audit-run ${kind}: ${harmless(message)}`;
}

export function hintRow(hint: string): Span[] {
  return [{ text: `      ${harmless(hint)}`, color: "dim" }];
}

/** A row that is not cut. */
export function wholeLine(spans: readonly Span[], style: Style): string {
  return renderRow(spans, Number.POSITIVE_INFINITY, style);
}
