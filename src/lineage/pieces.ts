/**
 * A query's text cut into its CTEs and its final query, with the places of each, by its words alone: what is run and what is
 * shown to a person is the text as it was written, never what a parser made of it.
 * Knows no project and no rules.
 */
import type { Dialect } from "../model/warehouse.js";
import { readTokens, type Token } from "../sql/gate/tokens.js";

export interface Piece {
  /** As the warehouse stores the name; null: the final query. */
  readonly name: string | null;
  /** The query alone, without the parentheses around it. */
  readonly body: string;
  /** Characters of the whole text: where the CTE's name, or the final query, starts and where the piece ends. */
  readonly start: number;
  readonly end: number;
  /** Where `body` starts. */
  readonly bodyStart: number;
  /** The whole text up to the end of this CTE: what must stand before a query that reads it. Empty for the final query. */
  readonly head: string;
  readonly tokens: readonly Token[];
}

/**
 * The final query is the last. Null where the text is no query with plain CTEs: recursive ones, and such with a list of
 * columns, are not taken apart, nor is what the reader of words objects to.
 */
export function piecesOf(sql: string, dialect: Dialect["name"]): readonly Piece[] | null {
  const read = readTokens(sql, dialect);
  if (!("tokens" in read)) return null;
  const { tokens } = read;
  const text = read.sql;
  const pieces: Piece[] = [];
  let at = 0;
  if (isWord(tokens[0], "with")) {
    at = 1;
    if (isWord(tokens[at], "recursive")) return null;
    for (;;) {
      const name = tokens[at];
      if (name === undefined || (name.kind !== "word" && name.kind !== "quoted") || !isWord(tokens[at + 1], "as"))
        return null;
      let open = at + 2;
      if (isWord(tokens[open], "not")) open += 1;
      if (isWord(tokens[open], "materialized")) open += 1;
      const close = closing(tokens, open);
      if (close === null) return null;
      const bodyStart = tokens[open]?.end ?? 0;
      const bodyEnd = tokens[close]?.start ?? 0;
      const end = tokens[close]?.end ?? 0;
      pieces.push({
        name: name.value,
        body: text.slice(bodyStart, bodyEnd),
        start: name.start,
        end,
        bodyStart,
        head: text.slice(0, end),
        tokens: tokens.slice(open + 1, close),
      });
      at = close + 1;
      if (tokens[at]?.raw !== ",") break;
      at += 1;
    }
  }
  const first = tokens[at];
  const last = tokens.at(-1);
  if (first === undefined || last === undefined) return null;
  const body = text.slice(first.start, last.end);
  pieces.push({
    name: null,
    body,
    start: first.start,
    end: last.end,
    bodyStart: first.start,
    head: "",
    tokens: tokens.slice(at),
  });
  return pieces;
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === "word" && token.raw.toLowerCase() === word;
}

/** The parenthesis that closes the one at `open`; null where there is none. */
function closing(tokens: readonly Token[], open: number): number | null {
  if (tokens[open]?.raw !== "(") return null;
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const raw = tokens[at]?.kind === "sign" ? tokens[at]?.raw : "";
    if (raw === "(") depth += 1;
    if (raw === ")") depth -= 1;
    if (depth === 0) return at;
  }
  return null;
}

/** First and last token of something in a piece. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Words that end an item of SELECT, a join or a condition, where they stand outside of parentheses. */
const clauses = [
  "from",
  "where",
  "group",
  "having",
  "qualify",
  "order",
  "limit",
  "union",
  "except",
  "intersect",
  "window",
];
const joins = ["join", "inner", "left", "right", "full", "cross", "natural", "asof", "positional", "lateral"];

/** The item of a SELECT that makes a column: `cast(x as integer) as amount`. Of a union's branches, the first that has it. */
export function itemOf(tokens: readonly Token[], column: string): Stretch | null {
  const wanted = column.toLowerCase();
  let start: number | null = null;
  let found: Stretch | null = null;
  outside(tokens, (at, token) => {
    const raw = token?.raw.toLowerCase();
    if (isWord(token, "select")) {
      start = at + 1;
      if (isWord(tokens[start], "distinct")) start += 1;
      return;
    }
    const ends = token === undefined || raw === "," || (token.kind === "word" && clauses.includes(raw ?? ""));
    if (!ends || start === null) return;
    const last = tokens[at - 1];
    if (
      found === null &&
      at > start &&
      (last?.kind === "word" || last?.kind === "quoted") &&
      last.value.toLowerCase() === wanted
    )
      found = { start, end: at - 1 };
    start = raw === "," ? at + 1 : null;
  });
  return found;
}

/** The join that brings in the relation of that name (or alias), with its condition. */
export function joinOf(tokens: readonly Token[], name: string): Stretch | null {
  const wanted = name.toLowerCase();
  let start: number | null = null;
  let found: Stretch | null = null;
  const names = (from: number, to: number) =>
    tokens
      .slice(from, to)
      .slice(
        0,
        1 + tokens.slice(from, to).findIndex((token) => isWord(token, "on") || isWord(token, "using")) || undefined,
      )
      .some((token) => (token.kind === "word" || token.kind === "quoted") && token.value.toLowerCase() === wanted);
  outside(tokens, (at, token) => {
    const word = token?.kind === "word" ? token.raw.toLowerCase() : "";
    const begins =
      joins.includes(word) && !(joins.includes(wordAt(tokens, at - 1)) || wordAt(tokens, at - 1) === "outer");
    const ends = token === undefined || begins || clauses.includes(word);
    if (ends && start !== null && found === null && names(start, at)) found = { start, end: at - 1 };
    if (ends) start = begins ? at : null;
  });
  return found;
}

/** The condition of a clause: of `where`, `qualify` or `having`; from the word to the next clause. */
export function clauseOf(tokens: readonly Token[], name: "where" | "qualify" | "having" | "group"): Stretch | null {
  let start: number | null = null;
  let found: Stretch | null = null;
  outside(tokens, (at, token) => {
    const word = token?.kind === "word" ? token.raw.toLowerCase() : "";
    if (start !== null && found === null && (token === undefined || clauses.includes(word)))
      found = { start, end: at - 1 };
    if (found === null && word === name) start = at;
  });
  return found;
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  return token?.kind === "word" ? token.raw.toLowerCase() : "";
}

/** Calls `visit` for each token outside of parentheses, and once behind the last. */
function outside(tokens: readonly Token[], visit: (at: number, token: Token | undefined) => void): void {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === "sign" && token.raw === ")") depth -= 1;
    if (depth === 0) visit(at, token);
    if (token.kind === "sign" && token.raw === "(") depth += 1;
  }
  visit(tokens.length, undefined);
}
