/**
 * The outside of a statement: its first word, and where it ends but for semicolons and comments.
 * Reads words, quotes and comments as Postgres does with standard_conforming_strings; knows no grammar.
 */

export interface Outside {
  /** Lower case, after opening parentheses; empty where there is none. */
  readonly firstWord: string;
  /** Without the semicolon at its end and what follows it. */
  readonly body: string;
}

export function outsideOf(sql: string): Outside {
  let firstWord: string | null = null;
  let end = sql.length;
  for (const { text, start } of tokens(sql)) {
    if (text === ";") {
      end = Math.min(end, start);
      continue;
    }
    // A second statement; the server has the say on that.
    if (end < sql.length) return { firstWord: firstWord ?? "", body: sql };
    if (firstWord === null && text !== "(") firstWord = /^[a-z_]\w*$/i.test(text) ? text.toLowerCase() : "";
  }
  return { firstWord: firstWord ?? "", body: sql.slice(0, end) };
}

/** Everything but blanks and comments. */
function* tokens(sql: string): Generator<{ readonly text: string; readonly start: number }> {
  let at = 0;
  while (at < sql.length) {
    const end = tokenEnd(sql, at);
    const text = sql.slice(at, end);
    if (!/^(\s|--|\/\*)/.test(text)) yield { text, start: at };
    at = end;
  }
}

const plain = /\s+|--[^\n\r]*|[\p{L}_][\p{L}\p{N}_$]*|\d[\w.]*/uy;
const escaped = /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y;
const quoted = /(?:[uU]&)?"(?:[^"]|"")*(?:"|$)|(?:[bBnNxX]|[uU]&)?'(?:[^']|'')*(?:'|$)/y;
const dollar = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

function tokenEnd(sql: string, at: number): number {
  if (sql.startsWith("/*", at)) return commentEnd(sql, at);
  for (const pattern of [escaped, quoted]) {
    const end = matchEnd(pattern, sql, at);
    if (end !== null) return end;
  }
  const tag = matchEnd(dollar, sql, at);
  if (tag !== null) {
    const close = sql.indexOf(sql.slice(at, tag), tag);
    return close === -1 ? sql.length : close + tag - at;
  }
  return matchEnd(plain, sql, at) ?? at + 1;
}

/** Comments nest. */
function commentEnd(sql: string, at: number): number {
  let depth = 0;
  for (let next = at; next < sql.length; next += 1) {
    if (sql.startsWith("/*", next)) depth += 1;
    else if (sql.startsWith("*/", next)) depth -= 1;
    else continue;
    next += 1;
    if (depth === 0) return next + 1;
  }
  return sql.length;
}

function matchEnd(pattern: RegExp, sql: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : null;
}
