/**
 * What a terminal can show: colours or none, Unicode or ASCII; and a row of styled spans as text.
 * Knows the environment variables that people set for this, and no audit.
 */
import { styleText } from "node:util";
import { columnsOf, cutToFit } from "./text.js";

export type Color = "red" | "green" | "yellow" | "cyan" | "dim" | "bold";

/** A piece of a row: harmless text, and its colour. */
export interface Span {
  readonly text: string;
  readonly color?: Color;
}

export type Mark = "done" | "failed" | "reused" | "running" | "stopped" | "warning";

export interface Style {
  readonly color: boolean;
  readonly unicode: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const unicodeMarks: Readonly<Record<Mark, string>> = {
  done: "✔",
  failed: "✖",
  reused: "↺",
  running: "▸",
  stopped: "■",
  warning: "⚠",
};
const asciiMarks: Readonly<Record<Mark, string>> = {
  done: "+",
  failed: "x",
  reused: "=",
  running: ">",
  stopped: "-",
  warning: "!",
};
const markColors: Readonly<Record<Mark, Color>> = {
  done: "green",
  failed: "red",
  reused: "cyan",
  running: "cyan",
  stopped: "yellow",
  warning: "yellow",
};

/**
 * FORCE_COLOR and NO_COLOR as https://force-color.org and https://no-color.org have them; where both are set,
 * FORCE_COLOR wins, as in Node itself. FORCE_COLOR=0 turns colours off.
 */
export function styleFor(isTTY: boolean, environment: Environment): Style {
  const force = environment.FORCE_COLOR;
  const unwanted = (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
  const color = force === undefined ? isTTY && !unwanted : force !== "0" && force !== "false";
  return { color, unicode: hasUnicode(environment) };
}

/** No locale at all is common in containers, whose terminals know UTF-8; a locale without it is a statement. */
function hasUnicode(environment: Environment): boolean {
  const locale = [environment.LC_ALL, environment.LC_CTYPE, environment.LANG].find((value) => (value ?? "") !== "");
  if (locale !== undefined) return /utf-?8/i.test(locale);
  return environment.TERM !== "linux";
}

export function mark(name: Mark, style: Style): Span {
  return { text: (style.unicode ? unicodeMarks : asciiMarks)[name], color: markColors[name] };
}

/** Between counts of one row. */
export function separator(style: Style): Span {
  return { text: style.unicode ? " · " : ", ", color: "dim" };
}

/** The spans as one line of at most `columns` columns. */
export function renderRow(spans: readonly Span[], columns: number, style: Style): string {
  let left = columns;
  let row = "";
  for (const span of spans) {
    const text = style.unicode ? span.text : span.text.replaceAll(/[^\u0020-\u007e]/gu, "?");
    const shown = cutToFit(text, left, style.unicode ? "…" : "~");
    // Without `validateStream`, newer versions of Node would decide by stdout, which is not where this goes.
    row +=
      style.color && span.color !== undefined && shown !== ""
        ? styleText(span.color, shown, { validateStream: false })
        : shown;
    left -= columnsOf(text);
    if (left <= 0) break;
  }
  return row;
}
