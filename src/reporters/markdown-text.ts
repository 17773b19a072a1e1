/**
 * Text of unknown origin as Markdown that stays text: in lines, prose, code, tables. For CommonMark and GitHub's dialect.
 * Knows nothing of audits. What is not written by this file's functions or as a constant must not get into a report.
 */

/** Control, bidirectional and zero-width characters are made visible: they may be the very cause of a failure. */
function visible(text: string): string {
  return text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/(?![\n\t])[\p{Control}\p{Format}\u2028\u2029]/gu, (character) => {
      return `(U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")})`;
    })
    .replaceAll(/\p{Surrogate}/gu, "\uFFFD");
}

function capped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/\p{Surrogate}$/u, "")}…`;
}

/** One line of text for a heading, a cell or the midst of a sentence; white space is folded. */
export function inline(text: string, most = 500): string {
  // Names by the ten thousand, in which nothing has a meaning.
  if (text.length <= most && /^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/.test(text)) return text;
  return escapeText(oneLine(text, most), false);
}

/** As `inline`, where it opens a paragraph or a list item. */
export function opening(text: string, most = 500): string {
  return escapeOpening(inline(text, most));
}

function oneLine(text: string, most: number): string {
  const folded = visible(text.slice(0, most * 4)).replaceAll(/\s+/g, " ");
  return capped(folded.trim(), most) || "(empty)";
}

/** As `inline`, for a value whose white space may be what is wrong with it: quoted where it would not be seen. */
export function value(text: string, most = 500): string {
  return inline(/^\s|\s$|[\n\t]/.test(text) ? JSON.stringify(text.slice(0, most)) : text, most);
}

type LineKind = "blank" | "text" | "item";

/**
 * Paragraphs and flat lists of somebody's prose, with its own `code` spans; nothing else in it is Markdown.
 * So a line of it can start no heading, fence, quote, table, rule, HTML, link or label of ours.
 */
export function prose(text: string): string {
  const lines: string[] = [];
  let previous = "blank" as LineKind;
  for (const raw of visible(text).split("\n")) {
    const line = raw.trim();
    const [, number, itemText] = /^(?:[-*+•]|(\d{1,3})[.)])\s+(\S.*)$/u.exec(line) ?? [];
    // An indented line goes on with the item above it; any other line after an item is a new paragraph.
    const kind: LineKind =
      line === "" ? "blank" : itemText !== undefined || (previous === "item" && /^\s/.test(raw)) ? "item" : "text";
    const apart = itemText === undefined ? kind !== previous : previous !== "item";
    if (kind !== "blank" && apart && lines.length > 0) lines.push("");
    if (itemText !== undefined) lines.push(`${number === undefined ? "-" : `${number}.`} ${escapeLine(itemText)}`);
    else if (kind === "item") lines.push(`  ${escapeLine(line)}`);
    else if (kind === "text") lines.push(escapeLine(line));
    previous = kind;
  }
  return lines.join("\n") || "(empty)";
}

/** A line of prose. */
function escapeLine(line: string): string {
  return escapeOpening(escapeText(line, true));
}

/** What has a meaning only at the start of a block: headings, quotes, lists, rules, underlines of headings and tables. */
function escapeOpening(escaped: string): string {
  return escaped
    .replace(/^(\d{1,9})([.)])(?=\s|$)/, "$1\\$2")
    .replace(/^(?=[#>=:]|[-+](?![\p{Letter}\p{Number}]))/u, "\\");
}

/** Addresses would be turned into links, wherever they stand. */
const address =
  /[a-z][a-z0-9+.-]{1,20}:\/\/[^\s`<>|\\]*|www\.[^\s`<>|\\]+|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}/giu;
const codeOrAddress = new RegExp(`(?<!\`)\`([^\`]+)\`(?!\`)|${address.source}`, "giu");

/** Addresses become code, `code` stays code where it is allowed; all else is text. */
function escapeText(text: string, codeSpans: boolean): string {
  let written = "";
  let position = 0;
  for (const match of text.matchAll(codeSpans ? codeOrAddress : address)) {
    const [whole, code] = match;
    const kept = code === undefined ? whole.slice(0, addressLength(whole)) : whole;
    written += escapeCharacters(text.slice(position, match.index)) + codeSpan(code ?? kept, text.length);
    position = match.index + kept.length;
  }
  return written + escapeCharacters(text.slice(position));
}

/** A sentence's full stop or bracket after an address is not part of it. */
function addressLength(found: string): number {
  let length = found.length;
  while (length > 1 && ".,;:!?)]}'\"*_~".includes(found.charAt(length - 1))) length -= 1;
  return length;
}

function escapeCharacters(text: string): string {
  return text
    .replaceAll(/[\\`*[\]<~|]/g, "\\$&")
    .replaceAll(/&(?=[#\p{Letter}])/gu, "\\&")
    .replaceAll(/(?<=^|\s)#/g, "\\#")
    .replaceAll(/_+/g, (run: string, offset: number, whole: string) =>
      isWord(whole[offset - 1]) && isWord(whole[offset + run.length]) ? run : "\\_".repeat(run.length),
    );
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[A-Za-z0-9]/.test(character);
}

/** Text in a `code` span. Not for table cells, where a pipe would end the cell even in code. */
export function codeSpan(text: string, most = 500): string {
  const line = oneLine(text, most);
  const fence = "`".repeat(longestRun(line) + 1);
  const space = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return fence + space + line + space + fence;
}

/** A code block whose fence is longer than any run of backticks in it. */
export function fenced(language: string, text: string): string {
  const content = visible(text).trimEnd();
  const fence = "`".repeat(Math.max(3, longestRun(content) + 1));
  return `${fence}${language}\n${content}\n${fence}`;
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

export interface TableColumn {
  /** Markdown already. */
  readonly head: string;
  readonly numeric?: boolean;
}

/** A table of cells that are Markdown already, made by `inline` or constants. */
export function table(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell || " ").join(" | ")} |`;
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map(({ numeric }) => (numeric ? "---:" : "---"))),
    ...rows.map(line),
  ].join("\n");
}
