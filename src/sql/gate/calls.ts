/** Names among the words: of what is called, with the names in front of it. Knows no list of functions. */
import type { Token } from "./tokens.js";

export interface Call {
  /** From the outermost; as the warehouse stores them. */
  readonly path: readonly string[];
  /** As it is written. */
  readonly text: string;
  /** Index of its first token. */
  readonly start: number;
}

export function isName(token: Token | undefined): boolean {
  return token?.kind === "word" || token?.kind === "quoted";
}

/** The dotted name whose last part is the token at `index`. */
export function callAt(tokens: readonly Token[], index: number): Call {
  let start = index;
  while (tokens[start - 1]?.raw === "." && isName(tokens[start - 2])) start -= 2;
  const parts = tokens.slice(start, index + 1).filter(({ kind }) => kind !== "sign");
  return { path: parts.map(({ value }) => value), text: parts.map(({ raw }) => raw).join("."), start };
}

export function dotted(path: readonly string[]): string {
  return path.join(".").toLowerCase();
}
