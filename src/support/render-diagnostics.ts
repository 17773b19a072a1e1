/**
 * Diagnostics as prose: place, message, the source line with the word underlined, what is allowed, the next step.
 * The user's text may hold anything, so control characters are drawn as pictures. Knows no kind of file.
 */
import type { Diagnostic } from "../model/diagnostic.js";

export interface RenderOptions {
  readonly color: boolean;
}

/** Columns of source shown around the place; longer lines are cut. */
const frameWidth = 100;
const tabWidth = 2;

/** One block per diagnostic, blank lines between them, no newline at the end. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  return diagnostics.map((diagnostic) => renderOne(diagnostic, painter(options.color))).join("\n\n");
}

type Paint = (style: "red" | "yellow" | "dim" | "bold", text: string) => string;

function painter(color: boolean): Paint {
  const codes = { red: 31, yellow: 33, dim: 2, bold: 1 };
  return (style, text) => (color ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}

function renderOne(diagnostic: Diagnostic, paint: Paint): string {
  const tone = diagnostic.severity === "error" ? "red" : "yellow";
  const place = `${harmless(diagnostic.file)}:${diagnostic.line}:${diagnostic.column}`;
  const label = paint(tone, `${diagnostic.severity}[${diagnostic.code}]`);
  const lines = [`${paint("bold", place)} ${label}: ${harmless(diagnostic.message)}`];

  const frame = sourceFrame(diagnostic);
  const number = String(diagnostic.line);
  const margin = " ".repeat(number.length);
  if (frame !== null) {
    lines.push(`  ${paint("dim", `${number} |`)} ${frame.source}`.trimEnd());
    lines.push(`  ${paint("dim", `${margin} |`)} ${frame.indent}${paint(tone, frame.underline)}`);
  }
  const note = (text: string) => lines.push(`  ${paint("dim", `${margin} =`)} ${harmless(text)}`);
  if (diagnostic.allowed !== undefined) note(`allowed: ${diagnostic.allowed.join(", ")}`);
  if (diagnostic.didYouMean !== undefined) note(`did you mean "${diagnostic.didYouMean}"?`);
  if (diagnostic.hint !== undefined) note(diagnostic.hint);
  return lines.join("\n");
}

interface Frame {
  readonly source: string;
  readonly indent: string;
  readonly underline: string;
}

/** Null where the line is empty: an empty frame tells nobody anything. */
function sourceFrame({ sourceLine, column, length }: Diagnostic): Frame | null {
  if (sourceLine.trim() === "") return null;
  const start = column - 1;
  const end = Math.max(start + 1, start + length);
  const window = cut(sourceLine, start, end);
  const before = (window.from > 0 ? "…" : "") + drawn(sourceLine.slice(window.from, start));
  const marked = drawn(sourceLine.slice(start, Math.min(end, window.to)));
  const after =
    drawn(sourceLine.slice(Math.min(end, window.to), window.to)) + (window.to < sourceLine.length ? "…" : "");
  return {
    source: before + marked + after,
    indent: " ".repeat(displayWidth(before)),
    underline: "^".repeat(Math.max(1, displayWidth(marked))),
  };
}

/** The part of a long line to show: the marked word with what stands before and after it. */
function cut(line: string, start: number, end: number): { from: number; to: number } {
  if (line.length <= frameWidth) return { from: 0, to: line.length };
  const marked = Math.min(end - start, frameWidth - 20);
  const from = Math.max(0, Math.min(start - Math.floor((frameWidth - marked) / 2), line.length - frameWidth));
  return { from: onCharacter(line, from), to: onCharacter(line, Math.min(line.length, from + frameWidth)) };
}

/** Moves an index off the middle of a surrogate pair. */
function onCharacter(line: string, index: number): number {
  return /[\uDC00-\uDFFF]/.test(line.charAt(index)) && /[\uD800-\uDBFF]/.test(line.charAt(index - 1))
    ? index - 1
    : index;
}

function drawn(text: string): string {
  return harmless(text.replaceAll("\t", " ".repeat(tabWidth)));
}

/** Control characters as pictures; what turns the direction of text, is invisible, or is half a character, as �. */
function harmless(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, controlPicture)
    .replaceAll(/[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu, "\ufffd");
}

function controlPicture(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns on a terminal, near enough: wide characters take two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/^\p{M}$/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}
