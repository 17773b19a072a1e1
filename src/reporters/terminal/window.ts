/**
 * The windowed view: a few rows at the bottom of the terminal, repainted in place at most ten times a second.
 * Knows how to move a cursor; what stands in the rows is rows.ts's, what happened progress.ts's.
 */
import { stripVTControlCharacters } from "node:util";
import type { AuditEvent } from "../../model/events.js";
import type { ProgressView } from "../../model/progress.js";
import { advance, createProgress } from "./progress.js";
import { failureLines, requestText, type Size, summaryLine, wholeLine, windowRows } from "./rows.js";
import { mark, type Style } from "./style.js";
import type { ViewClock, ViewStream } from "./surroundings.js";
import { columnsOf, harmless } from "./text.js";

const frameInterval = 100;
const secondsInterval = 1_000;
/** Lines that may wait for the next frame; a flood beyond it is counted, not shown. */
const mostLinesAbove = 50;

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
/** While rows are painted nothing wraps, so a character whose width we judge wrongly cannot break the frame. */
const wrapOff = "\u001b[?7l";
const wrapOn = "\u001b[?7h";
const clearToEndOfLine = "\u001b[K";
const clearBelow = "\u001b[J";

/** `onExit` is told what to write should the process end without `close()`. */
export function createWindowView(
  stream: ViewStream,
  style: Style,
  clock: ViewClock,
  onExit: (farewell: () => void) => () => void,
): ProgressView {
  const progress = createProgress();
  let above: string[] = [];
  let dropped = 0;
  /** Columns of each row that stands on the terminal now. */
  let painted: number[] = [];
  let last = "";
  let lastSecond = 0;
  let stale = false;
  let release: (() => void) | null = null;
  let isClosed = false;

  const size = (): Size => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  const width = (text: string): number => columnsOf(stripVTControlCharacters(text));

  /** To the first column of the frame's first row. A narrower terminal has rewrapped the rows by itself. */
  const toStart = (columns: number): string => {
    const height = painted.reduce((sum, taken) => sum + Math.max(1, Math.ceil(taken / columns)), 0);
    return height > 1 ? `\r\u001b[${height - 1}A` : "\r";
  };

  /** Lines that stay, wrapped where they are long. In a full last column, clearing would take the last character. */
  const staying = (lines: readonly string[], columns: number): string =>
    lines.map((line) => `${line}${width(line) % columns === 0 ? "" : clearToEndOfLine}\n`).join("");

  const takeAbove = (): string[] => {
    const lines = dropped === 0 ? above : [...above, `and ${dropped} more warnings`];
    above = [];
    dropped = 0;
    return lines;
  };

  const paint = (): void => {
    if (stream.writableNeedDrain === true) return;
    const { columns, rows: height } = size();
    // The last column stays empty, for the reason that `staying` has.
    const rows = windowRows(progress, { columns: columns - 1, rows: height }, clock.now(), style);
    const frame = rows.join(`${clearToEndOfLine}\n`);
    stale = false;
    if (frame === last && above.length === 0) return;
    // Old rows are overwritten, not cleared first: tmux takes clearing from the top left corner as "keep a copy".
    const start = `${toStart(columns)}${staying(takeAbove(), columns)}`;
    stream.write(`${start}${wrapOff}${frame}${clearBelow}${wrapOn}`);
    painted = rows.map(width);
    last = frame;
  };

  const tick = (): void => {
    const second = Math.floor(clock.now() / secondsInterval);
    if (!stale && second === lastSecond) return;
    lastSecond = second;
    paint();
  };

  const resized = (): void => {
    last = "";
    stale = true;
  };

  return {
    open() {
      if (release !== null) return;
      const stopTicking = clock.every(frameInterval, tick);
      const forget = onExit(() => stream.write(`${wrapOn}${showCursor}\n`));
      stream.on("resize", resized);
      release = () => {
        stopTicking();
        forget();
        stream.off("resize", resized);
      };
      stream.write(hideCursor);
      paint();
    },

    event(event: AuditEvent) {
      advance(progress, event, clock.now());
      stale = true;
      if (event.type !== "warning" && event.type !== "request") return;
      if (above.length >= mostLinesAbove) dropped += 1;
      else if (event.type === "request") {
        const name = event.taken ? "running" : "warning";
        above.push(wholeLine([mark(name, style), { text: ` ${requestText(event)}` }], style));
      } else {
        const text = event.node === undefined ? event.message : `${event.node}: ${event.message}`;
        above.push(wholeLine([mark("warning", style), { text: ` ${harmless(text)}` }], style));
      }
      // After the last node there are still files to be written, and disks that refuse them.
      if (isClosed)
        stream.write(
          takeAbove()
            .map((line) => `${line}\n`)
            .join(""),
        );
    },

    close() {
      if (release === null) return;
      release();
      release = null;
      isClosed = true;
      const { columns } = size();
      const lines = [...takeAbove(), summaryLine(progress, clock.now(), style), ...failureLines(progress, style)];
      stream.write(`${toStart(columns)}${staying(lines, columns)}${clearBelow}${wrapOn}${showCursor}`);
    },
  };
}
