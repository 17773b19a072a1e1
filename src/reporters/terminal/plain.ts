/**
 * The plain view, for logs: one line when a node starts and one when it settles. What comes in crowds and did no work
 * (reused, blocked, cancelled nodes) is one line with a count. Knows no cursor.
 */
import type { AuditEvent } from "../../model/events.js";
import type { Outcome } from "../../model/graph.js";
import type { ProgressView } from "../../model/progress.js";
import { advance, createProgress, waitingCount } from "./progress.js";
import { findingsText, hintRow, requestText, summaryLine, wholeLine } from "./rows.js";
import { type Mark, mark, type Span, type Style } from "./style.js";
import type { ViewClock, ViewStream } from "./surroundings.js";
import { durationText, harmless, timeOfDay } from "./text.js";

/** A log that says nothing for longer looks dead, to people and to CI servers that end what looks dead. */
const quietest = 60_000;

type Idle = Exclude<Outcome, "executed" | "failed">;
const idleMarks: Readonly<Record<Idle, Mark>> = { reused: "reused", blocked: "stopped", cancelled: "stopped" };

export function createPlainView(stream: ViewStream, style: Style, clock: ViewClock): ProgressView {
  const progress = createProgress();
  const idle: Record<Idle, string[]> = { reused: [], blocked: [], cancelled: [] };
  let lastLine = clock.now();
  let stopTicking: (() => void) | null = null;

  const line = (name: Mark, ...spans: Span[]): void => {
    lastLine = clock.now();
    const time: Span = { text: `[${timeOfDay(lastLine)}] `, color: "dim" };
    stream.write(`${wholeLine([time, mark(name, style), { text: " " }, ...spans], style)}\n`);
  };

  /** Crowds are counted until something else has to be said. */
  const tellIdle = (): void => {
    for (const outcome of ["reused", "blocked", "cancelled"] as const) {
      const nodes = idle[outcome].splice(0);
      const [only] = nodes;
      if (only === undefined) continue;
      line(idleMarks[outcome], { text: `${nodes.length === 1 ? harmless(only) : `${nodes.length} nodes`} ${outcome}` });
    }
  };

  const tellSettled = (event: Extract<AuditEvent, { type: "settled" }>): void => {
    if (event.outcome !== "executed" && event.outcome !== "failed") {
      idle[event.outcome].push(event.node);
      return;
    }
    tellIdle();
    const findings = progress.findings.get(event.node) ?? 0;
    const notes = findings === 0 ? "" : `${style.unicode ? " · " : ", "}${findingsText(findings)}`;
    const text = `${harmless(event.node)} ${event.outcome} in ${durationText(event.duration)}${notes}`;
    if (event.outcome === "executed") line("done", { text });
    else {
      const reason = event.failure === undefined ? "" : `: ${event.failure.code}: ${harmless(event.failure.message)}`;
      line("failed", { text }, { text: reason, color: "red" });
      if (event.failure?.hint !== undefined) stream.write(`${wholeLine(hintRow(event.failure.hint), style)}\n`);
    }
  };

  const beat = (): void => {
    if (clock.now() - lastLine < quietest) return;
    tellIdle();
    line("running", { text: `${progress.running.size} running, ${waitingCount(progress)} waiting` });
  };

  return {
    open() {
      stopTicking ??= clock.every(quietest / 4, beat);
    },

    event(event) {
      advance(progress, event, clock.now());
      if (event.type === "started") {
        tellIdle();
        line("running", { text: `${harmless(event.node)} started` });
      } else if (event.type === "settled") tellSettled(event);
      else if (event.type === "reused") for (const node of event.nodes) idle.reused.push(node);
      else if (event.type === "reopened") {
        tellIdle();
        line("running", { text: `${harmless(event.node)} is to run once more` });
      } else if (event.type === "request") {
        tellIdle();
        line(event.taken ? "running" : "warning", { text: requestText(event) });
      } else if (event.type === "warning") {
        tellIdle();
        line("warning", {
          text: harmless(event.node === undefined ? event.message : `${event.node}: ${event.message}`),
        });
      }
    },

    close() {
      if (stopTicking === null) return;
      stopTicking();
      stopTicking = null;
      tellIdle();
      stream.write(`${summaryLine(progress, clock.now(), style)}\n`);
    },
  };
}
