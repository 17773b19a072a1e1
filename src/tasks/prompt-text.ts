/**
 * Puts text that nobody vouches for into Markdown, so that it stays text: no heading, fence or control character of its own.
 * Knows nothing of prompts.
 */

/**
 * What cannot be seen and says nothing to a person: control characters but for line feed and tab, line separators, marks that
 * turn the direction of writing, zero-width characters, tags (a text within the text, for models alone), variation selectors.
 * The two joiners stay: scripts and emoji need them.
 */
const invisible =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ufe00-\ufe0e]|[\u{e0000}-\u{e0fff}]/gu;

/** Also what looks like a space, and is none. */
const misleading = new RegExp(
  `${invisible.source}|[\\u00a0\\u1680\\u2000-\\u200a\\u200c\\u200d\\u202f\\u205f\\ufe0f]`,
  "gu",
);

export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(invisible, "");
}

/** Rows: what cannot be seen is written as an escape, since it may be what fails a test. */
export function escaped(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(misleading, asEscape);
}

/** JSON in which what cannot be seen is written as escapes: names must come back letter by letter. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(misleading, asEscape);
}

/** As JSON has it: one for each unit of UTF-16. */
function asEscape(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }).join("");
}

/** Cut to so many characters, and says so. */
export function capped(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).replace(/[\ud800-\udbff]$/, "")}\n[… ${text.length - limit} characters left out]`;
}

/** A code block whose fence is longer than any run of backticks in the text. */
export function fenced(text: string, language: string): string {
  const content = visible(text).replace(/\n+$/, "");
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${content}\n${fence}`;
}

/** One line of code in running text. */
export function inlineCode(text: string): string {
  const content = capped(visible(text).replaceAll(/\s+/g, " "), 300).replaceAll("\n", " ");
  const longest = Math.max(0, ...[...content.matchAll(/`+/g)].map((run) => run[0].length));
  const ticks = "`".repeat(longest + 1);
  const space = content.startsWith("`") || content.endsWith("`") || content.trim() === "" ? " " : "";
  return `${ticks}${space}${content}${space}${ticks}`;
}
