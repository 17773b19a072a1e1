/**
 * Puts text that nobody vouches for into Markdown, so that it stays text: no heading, fence or control character of its own.
 * Knows nothing of prompts.
 */

/** Control characters but for line feed and tab; line separators; marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(invisible, "");
}

/** JSON in which what cannot be seen is written as escapes: names must come back letter by letter. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(invisible, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
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
