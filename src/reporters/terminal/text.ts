/**
 * Text for a terminal: made harmless, measured in columns, cut to fit; and spans of time as a person reads them.
 * Knows nothing of audits.
 */
import { stripVTControlCharacters } from "node:util";

/** Longer texts are cut before anything looks at them: names and messages may be megabytes. */
const longest = 1_000;
/** Control and format characters (bidirectional overrides among them), line separators, halves of pairs. */
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;
/** Two columns wide: East Asian wide and full-width forms, and what is drawn as a picture. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const combining = /[\p{Mn}\p{Me}]/u;

/** One line that can neither move the cursor nor change a colour nor turn the direction of writing. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text.slice(0, longest)).replace(harmful, " ").trim();
}

/** The text in its lines, uncut, with nothing in it that could move the cursor, change a colour or the direction of writing. */
export function visible(text: string): string {
  return stripVTControlCharacters(text).replace(/[^\n\t\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
}

/**
 * Columns that the text takes. Where terminals differ (joined emoji), the larger number:
 * a row that is a little short does no harm, one that wraps does.
 */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfCharacter(character);
  return columns;
}

/** The text, or as much of its start as fits with `ellipsis` (one column) after it. */
export function cutToFit(text: string, columns: number, ellipsis: string): string {
  if (columnsOf(text) <= columns) return text;
  let used = 1;
  let end = 0;
  for (const character of text) {
    used += columnsOfCharacter(character);
    if (used > columns) break;
    end += character.length;
  }
  return columns < 1 ? "" : text.slice(0, end) + ellipsis;
}

/** Filled up with spaces, never cut. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}

function columnsOfCharacter(character: string): number {
  if (character <= "\u007e") return 1;
  // U+FE0F turns the character before it into a picture, which is one column wider.
  if (combining.test(character)) return character === "\ufe0f" ? 1 : 0;
  return wide.test(character) ? 2 : 1;
}

/** `3.2 s`, `42 s`, `1 min 12 s`, `2 h 5 min`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `0:42`, `1:02:03`: for what counts on while one looks at it. */
export function stopwatch(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** Local time of day, `12:03:04`. */
export function timeOfDay(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toTimeString().slice(0, 8);
}
