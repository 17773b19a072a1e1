/**
 * The statement as the parser gets it: without comments, and with plain stand-ins for whatever texts and names it might read
 * otherwise than the warehouse does. Knows no grammar.
 */
import type { Token } from "./tokens.js";

export interface Masked {
  readonly sql: string;
  /** A name of the tree, as the warehouse stores it. */
  readonly nameOf: (name: string) => string | null;
}

/** Nothing in it could end a text early, or mean something to a lexer. */
const harmlessText = /^'[\w .,:;%+/()*#@=<>&|!?[\]{}^~-]*'$/;
const harmlessName = /^[A-Za-z_][A-Za-z0-9_$]*$/;

/** Operators between two values that the parser does not know; which one it is makes no difference to the gate. */
const unread = new Set(
  "// &<| *< *<= *<> *= *> *>= <<= <<| <^ >>= >^ ?# ?-| ?|| |&> |>> ~<=~ ~<~ ~= ~>=~ ~>~".split(" "),
);

export function masked(tokens: readonly Token[]): Masked {
  const names = new Map<string, string>();
  const taken = new Set(tokens.map(({ value }) => value.toLowerCase()));
  let count = 0;
  const standIn = (value: string): string => {
    let name: string;
    do {
      count += 1;
      name = `masked_${count}`;
    } while (taken.has(name));
    names.set(name, value);
    return `"${name}"`;
  };
  let sql = "";
  let end = 0;
  for (const token of tokens) {
    if (token.start > end) sql += " ";
    end = token.end;
    const { kind, raw, value } = token;
    if (kind === "text") sql += harmlessText.test(raw) ? raw : "'text'";
    else if (kind === "quoted") sql += harmlessName.test(raw.slice(1, -1)) ? raw : standIn(value);
    else if (kind === "word") sql += harmlessName.test(raw) ? raw : standIn(value);
    else sql += kind === "sign" && unread.has(raw) ? "+" : raw;
  }
  return { sql, nameOf: (name) => names.get(name) ?? null };
}
