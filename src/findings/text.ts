/**
 * Text that an agent wrote, made fit to store, and the question whether it says anything at all.
 * Knows no finding and no Markdown: escaping is each reporter's own work.
 */

/** Line ends become `\n`, control characters but newline and tab go, lone surrogates become U+FFFD. */
export function cleanText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/(?![\n\t])\p{Control}/gu, "")
    .replaceAll(/\p{Surrogate}/gu, "\uFFFD");
}

/** As `cleanText`, on one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replaceAll(/\s+/g, " ").trim();
}

/** For messages: one line, in quotes, at most 80 characters of it. */
export function quoted(text: string): string {
  const line = cleanLine(text.slice(0, 200));
  return line.length > 80 || text.length > 200 ? `"${line.slice(0, 79)}…"` : `"${line}"`;
}

const placeholderWords = new Set([
  "todo",
  "tbd",
  "tba",
  "fixme",
  "xxx",
  "na",
  "n a",
  "placeholder",
  "lorem ipsum",
  "description",
  "root cause",
  "recommendation",
  "action",
  "string",
  "text",
]);

/**
 * Whether a text only stands where an answer should be: empty, punctuation alone, `TODO…`, `N/A`,
 * a bracketed slot such as `{description}` or `<root cause>`, or one of the prompt template's own words.
 */
export function isPlaceholder(text: string, templateWords: readonly string[]): boolean {
  const trimmed = cleanLine(text);
  if (trimmed.length > 200) return false;
  const words = wordsOf(trimmed);
  if (words === "" || /^(todo|tbd|fixme)\b/.test(words)) return true;
  if (/^(\{+[^{}]*\}+|<[^<>]*>|\[[^[\]]*\])$/.test(trimmed)) return true;
  return placeholderWords.has(words) || templateWords.some((word) => wordsOf(word) === words);
}

function wordsOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}]+/gu, " ")
    .trim();
}
