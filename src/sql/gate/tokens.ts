/**
 * SQL's words, texts and signs, by the rules of the warehouse's own lexer. Where those depend on a setting, on a version or
 * on how characters look, there is no token but an objection: what is read here must be what the warehouse reads.
 * Knows no grammar.
 */
import { type Objection, objection } from "./objection.js";
import { type DialectName, fold, foldQuoted } from "./policy.js";

export interface Token {
  readonly kind: "word" | "quoted" | "text" | "number" | "sign";
  /** As it is written. */
  readonly raw: string;
  /** Of a name: as the warehouse stores it. Of a sign and a number: as written. Of a text: what is between its quotes. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

export interface Tokens {
  readonly tokens: readonly Token[];
  /** The statement to run: as long as what was given, with spaces for comments and for semicolons at its end. */
  readonly sql: string;
}

/** Characters; what an agent writes by hand is far below. dbt's compiled SQL may be long. */
const longest = 1_000_000;
const mostTokens = 200_000;

const sets = {
  space: /[ \t\n\r\f]+/y,
  lineRest: /[^\n\r]*/y,
  quoted: /"(?:[^"\0]|"")*"/y,
  word: /[\p{L}_][\p{L}\p{N}\p{M}_$]*/uy,
  number: /0[xX][0-9a-fA-F]+|(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y,
  dollarTag: /\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$/y,
  operator: /[-+*/<>=~!@#%^&|?]+/y,
  single: /::|:=|[()[\]{},;.:]/y,
};

export function readTokens(sql: string, dialect: DialectName): Tokens | Objection {
  if (sql.length > longest) {
    return objection(
      "too-large",
      `${sql.length} characters`,
      `it is longer than ${longest} characters`,
      "ask for less",
    );
  }
  return new Reader(sql, dialect).read();
}

class Reader {
  readonly #sql: string;
  readonly #dialect: DialectName;
  readonly #tokens: Token[] = [];
  /** Pieces of the text that must not be run: start and end. */
  readonly #blanks: (readonly [number, number])[] = [];
  #at = 0;

  constructor(sql: string, dialect: DialectName) {
    this.#sql = sql;
    this.#dialect = dialect;
  }

  read(): Tokens | Objection {
    while (this.#at < this.#sql.length) {
      const trouble = this.#next();
      if (trouble !== null) return trouble;
      if (this.#tokens.length > mostTokens) {
        return objection("too-large", `${mostTokens} words`, `it has more than ${mostTokens} words`, "ask for less");
      }
    }
    for (let last = this.#tokens.at(-1); last?.raw === ";"; last = this.#tokens.at(-1)) {
      this.#blanks.push([last.start, last.end]);
      this.#tokens.pop();
    }
    if (this.#tokens.length === 0) return objection("empty", "", "it holds no statement");
    const more = this.#tokens.find(({ raw }) => raw === ";");
    if (more !== undefined) return objection("several-statements", ";", "it holds more than one statement");
    return { tokens: this.#tokens, sql: this.#runnable() };
  }

  #runnable(): string {
    let text = "";
    let at = 0;
    for (const [start, end] of this.#blanks.sort(([left], [right]) => left - right)) {
      text += this.#sql.slice(at, start) + this.#sql.slice(start, end).replace(/[^\n]/g, " ");
      at = end;
    }
    return text + this.#sql.slice(at);
  }

  #match(expression: RegExp): string | null {
    expression.lastIndex = this.#at;
    return expression.exec(this.#sql)?.[0] ?? null;
  }

  #push(kind: Token["kind"], end: number, value?: string): null {
    const raw = this.#sql.slice(this.#at, end);
    this.#tokens.push({ kind, raw, value: value ?? raw, start: this.#at, end });
    this.#at = end;
    return null;
  }

  #next(): Objection | null {
    const space = this.#match(sets.space);
    if (space !== null) {
      this.#at += space.length;
      return null;
    }
    const comment = this.#comment();
    if (comment !== null) return comment === "none" ? null : comment;
    const first = this.#sql[this.#at] ?? "";
    if (first === "'") return this.#text(this.#at, false);
    if (first === '"') return this.#quoted();
    if (first === "$") return this.#dollar();
    if (/[0-9]/.test(first) || (first === "." && /[0-9]/.test(this.#sql[this.#at + 1] ?? ""))) return this.#number();
    const word = this.#match(sets.word);
    if (word !== null) return this.#word(word);
    const sign = this.#match(sets.single) ?? this.#operator();
    if (sign !== null) return this.#push("sign", this.#at + sign.length);
    return strange(this.#sql, this.#at);
  }

  /** "none" where a comment was passed over; null where there is none. */
  #comment(): Objection | "none" | null {
    const isSnowflake = this.#dialect === "snowflake";
    const start = this.#at;
    const two = this.#sql.slice(start, start + 2);
    if (two === "--" || (two === "//" && isSnowflake)) {
      return this.#passOver(start + (this.#match(sets.lineRest) ?? "").length);
    }
    if (two !== "/*") return null;
    const signs = /\/\*|\*\//g;
    signs.lastIndex = start + 2;
    let depth = 1;
    while (depth > 0) {
      const sign = signs.exec(this.#sql);
      if (sign === null) return objection("unreadable", "/*", "a comment has no end", "close it with */");
      if (sign[0] === "/*" && isSnowflake) {
        return objection("unreadable", "/*", "a comment opens inside a comment", "take one of the two away");
      }
      depth += sign[0] === "/*" ? 1 : -1;
    }
    return this.#passOver(signs.lastIndex);
  }

  #passOver(end: number): "none" {
    this.#blanks.push([this.#at, end]);
    this.#at = end;
    return "none";
  }

  #word(word: string): Objection | null {
    const { length } = word;
    const after = this.#sql.slice(this.#at + length, this.#at + length + 2);
    const isPrefix = /^[ebxn]$/i.test(word) && this.#dialect !== "snowflake";
    if (after.startsWith("'") && (isPrefix || /^x$/i.test(word)))
      return this.#text(this.#at + length, /^e$/i.test(word));
    if (/^u$/i.test(word) && /^&['"]/.test(after)) {
      return objection(
        "literal",
        `${word}${after}`,
        "U& texts and names are not taken",
        "write the characters themselves",
      );
    }
    if (word.includes("$$")) return objection("literal", word, `${shownWord(word)} can be read in two ways`);
    // Letters that are other letters in disguise, such as fullwidth ones.
    if (word.normalize("NFKC") !== word)
      return strange(
        word,
        [...word].findIndex((one) => one.normalize("NFKC") !== one),
      );
    return this.#push("word", this.#at + length, fold(word, this.#dialect));
  }

  #number(): Objection | null {
    const number = this.#match(sets.number) ?? "";
    const next = this.#sql.slice(this.#at + number.length, this.#at + number.length + 1);
    if (/[\p{L}\p{N}_$]/u.test(next)) {
      return objection(
        "literal",
        `${number}${next}`,
        `${number}${next}… is no number`,
        "put a space where one is meant",
      );
    }
    return this.#push("number", this.#at + number.length);
  }

  /** @param quote where the quote opens; a prefix such as E may stand before it. */
  #text(quote: number, hasEscapes: boolean): Objection | null {
    if (this.#tokens.at(-1)?.kind === "text") {
      return objection("literal", "' '", "two texts stand side by side", "join them with ||");
    }
    const escapes = hasEscapes || this.#dialect === "snowflake";
    for (let at = quote + 1; at < this.#sql.length; at += 1) {
      const one = this.#sql[at];
      if (one === "\0") return strange(this.#sql, at);
      if (one === "\\" && escapes) at += 1;
      else if (one === "\\" && this.#sql[at + 1] === "'" && this.#dialect === "postgres") {
        // Whether that closes the text depends on the server's standard_conforming_strings.
        return objection("literal", "\\'", "a backslash stands before a quote in a text", "write the text as E'…'");
      } else if (one === "'" && this.#sql[at + 1] === "'") at += 1;
      else if (one === "'") return this.#push("text", at + 1, this.#sql.slice(quote + 1, at));
    }
    return objection("unreadable", "'", "a text has no end", "close it with a quote");
  }

  #quoted(): Objection | null {
    const raw = this.#match(sets.quoted);
    if (raw === null) return objection("unreadable", '"', "a quoted name has no end", 'close it with "');
    const name = raw.slice(1, -1).replaceAll('""', '"');
    if (name === "") return objection("unreadable", '""', "a name is empty", "write the name");
    return this.#push("quoted", this.#at + raw.length, foldQuoted(name, this.#dialect));
  }

  #dollar(): Objection | null {
    const tag = this.#match(sets.dollarTag);
    const isText = tag !== null && (this.#dialect !== "snowflake" || tag === "$$");
    if (!isText) {
      const name = /^\$\w*/.exec(this.#sql.slice(this.#at, this.#at + 60))?.[0] ?? "$";
      return objection("parameter", name, `${name} has no value here`, "write the value, or the column's name, itself");
    }
    if (this.#tokens.at(-1)?.kind === "text") {
      return objection("literal", tag, "two texts stand side by side", "join them with ||");
    }
    const close = this.#sql.indexOf(tag, this.#at + tag.length);
    if (close < 0) return objection("unreadable", tag, `a text has no end`, `close it with ${tag}`);
    const value = this.#sql.slice(this.#at + tag.length, close);
    if (value.includes("\0")) return strange(value, value.indexOf("\0"));
    return this.#push("text", close + tag.length, value);
  }

  /** As many signs as make one operator: a comment ends it, and Postgres lets few end in + or -. */
  #operator(): string | null {
    const signs = this.#match(sets.operator);
    if (signs === null) return null;
    const comment = signs.search(this.#dialect === "snowflake" ? /--|\/\*|\/\// : /--|\/\*/);
    let operator = comment > 0 ? signs.slice(0, comment) : signs;
    while (operator.length > 1 && /[-+]$/.test(operator) && !/[~!@#%^&|?]/.test(operator))
      operator = operator.slice(0, -1);
    return operator;
  }
}

function shownWord(word: string): string {
  return word.length > 40 ? `${word.slice(0, 39)}…` : word;
}

function strange(text: string, at: number): Objection {
  const code = text.codePointAt(Math.max(0, at)) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return objection(
    "character",
    name,
    `the character ${name} stands outside of texts and quoted names`,
    "type the statement anew, in plain characters",
  );
}
