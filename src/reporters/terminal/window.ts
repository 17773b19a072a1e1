/**
 * The windowed view: a few rows at the bottom of the terminal, repainted in place at most ten times a second.
 * Knows how to move a cursor; what stands in the rows is rows.ts's, what happened progress.ts's.
 */
import { stripVTControlCharacters } from "node:util";
import type { AuditEvent } from "../../model/events.js";
import type { ProgressView } from "../../model/progress.js";
import { advance, createProgress } from "./progress.js";
import { type Size, summaryLines, windowRows } from "./rows.js";
import { mark, renderRow, type Style } from "./style.js";
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

  const size = (): Size => ({ columns: stream.columns || 80, rows: stream.rows || 24 });

  /** To the first column of the frame's first row. A narrower terminal has rewrapped the rows by itself. */
  const toStart = (columns: number): string => {
    const height = painted.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return height > 1 ? `\r\u001b[${height - 1}A` : "\r";
  };

  const takeAbove = (): string => {
    const lines = dropped === 0 ? above : [...above, `and ${dropped} more warnings`];
    above = [];
    dropped = 0;
    return lines.map((line) => `${line}\n`).join("");
  };

  const paint = (): void => {
    if (stream.writableNeedDrain === true) return;
    const room = size();
    const rows = windowRows(progress, room, clock.now(), style);
    const frame = rows.join(`${clearToEndOfLine}\n`) + clearToEndOfLine;
    stale = false;
    if (frame === last && above.length === 0) return;
    const start = toStart(room.columns);
    const lines = above.length === 0 ? "" : clearBelow + takeAbove();
    stream.write(`${start}${lines}${wrapOff}${frame}${clearBelow}${wrapOn}`);
    painted = rows.map((row) => columnsOf(stripVTControlCharacters(row)));
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
      if (event.type !== "warning") return;
      if (above.length >= mostLinesAbove) dropped += 1;
      else {
        const text = event.node === undefined ? event.message : `${event.node}: ${event.message}`;
        above.push(
          renderRow([mark("warning", style), { text: ` ${harmless(text)}` }], Number.POSITIVE_INFINITY, style),
        );
      }
    },

    close() {
      if (release === null) return;
      release();
      release = null;
      const summary = summaryLines(progress, clock.now(), style).map((line) => `${line}\n`);
      stream.write(`${toStart(size().columns)}${clearBelow}${takeAbove()}${summary.join("")}${wrapOn}${showCursor}`);
    },
  };
}
