/**
 * What may stand between `{{` and `}}` in dbt's profiles.yml: text → an expression with its places. Knows no values.
 */

export const supportedJinja =
  "supported: {{ env_var('NAME') }}, {{ env_var('NAME', 'default') }}, {{ var('name') }}, the filters " +
  "as_text, as_number, as_bool, as_native, int, float, string, trim, lower and upper, ~ between texts, and {# comments #}";

/** Places are offsets into the whole text. */
interface Placed {
  readonly start: number;
  readonly end: number;
}

export type Expression = Placed &
  (
    | { readonly kind: "literal"; readonly value: string | number | boolean | null }
    | { readonly kind: "env_var" | "var"; readonly name: string; readonly otherwise: Expression | null }
    | { readonly kind: "filter"; readonly name: string; readonly of: Expression }
    | { readonly kind: "joined"; readonly parts: readonly Expression[] }
  );

export type JinjaCode = "missing-variable" | "unsupported-jinja" | "broken-jinja" | "wrong-type";

/** Thrown and caught within the reader of one text. */
export class JinjaError extends Error {
  readonly place: Placed;
  readonly code: JinjaCode;
  readonly hint: string | undefined;

  constructor(place: Placed, code: JinjaCode, message: string, hint?: string) {
    super(message);
    this.place = place;
    this.code = code;
    this.hint = hint;
  }
}

interface Token extends Placed {
  readonly kind: "name" | "text" | "number" | "sign";
  /** Of a text, without its quotes. */
  readonly value: string;
}

const patterns: readonly (readonly [Token["kind"], RegExp])[] = [
  ["name", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["text", /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy],
  ["number", /\d+(?:\.\d+)?/y],
  ["sign", /[-()|,~=]/y],
];

/** Reads from `from`, behind `{{`, to behind the `}}` that ends it. `opening` is where the braces stand. */
export function parseExpression(
  text: string,
  from: number,
  opening: number,
): { readonly expression: Expression; readonly end: number } {
  const { tokens, end } = tokenize(text, from, opening);
  return { expression: new Parser(tokens, { start: opening, end }, text).whole(), end };
}

function tokenize(text: string, from: number, opening: number): { tokens: readonly Token[]; end: number } {
  const tokens: Token[] = [];
  for (let at = from; ; ) {
    while (/\s/.test(text[at] ?? "")) at += 1;
    const closing = /-?\}\}/y;
    closing.lastIndex = at;
    const closed = closing.exec(text);
    if (closed !== null) return { tokens, end: at + closed[0].length };
    if (at >= text.length) {
      throw new JinjaError({ start: opening, end: opening + 2 }, "broken-jinja", "the expression {{ has no end }}");
    }
    const token = tokenAt(text, at);
    if (token === null) {
      const end = text.indexOf("}}", at);
      if (/['"]/.test(text[at] ?? "")) {
        throw new JinjaError({ start: at, end: at + 1 }, "broken-jinja", "a text in quotes has no end");
      }
      throw unsupported(text, { start: opening, end: end < 0 ? text.length : end + 2 });
    }
    tokens.push(token);
    at = token.end;
  }
}

function tokenAt(text: string, start: number): Token | null {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) continue;
    const value = kind === "text" ? found.slice(1, -1).replaceAll(/\\(.)/gs, unescaped) : found;
    return { kind, value, start, end: start + found.length };
  }
  return null;
}

function unescaped(_escape: string, letter: string): string {
  return { n: "\n", t: "\t", r: "\r" }[letter] ?? letter;
}

function unsupported(text: string, place: Placed): JinjaError {
  // A default may be a secret: texts are not repeated.
  const shown = text.slice(place.start, Math.min(place.end, place.start + 80)).replaceAll(/(['"]).*?\1/gs, "$1…$1");
  const message = `Jinja that is not read here: ${JSON.stringify(shown)}`;
  return new JinjaError(place, "unsupported-jinja", message, supportedJinja);
}

const constants: Readonly<Record<string, boolean | null>> = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
};

class Parser {
  readonly #tokens: readonly Token[];
  readonly #whole: Placed;
  readonly #text: string;
  #next = 0;

  constructor(tokens: readonly Token[], whole: Placed, text: string) {
    this.#tokens = tokens;
    this.#whole = whole;
    this.#text = text;
  }

  whole(): Expression {
    const parts = [this.#filtered()];
    while (this.#takes("~")) parts.push(this.#filtered());
    if (this.#tokens[this.#next] !== undefined) throw this.#refused();
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    return { kind: "joined", parts, ...this.#whole };
  }

  #filtered(): Expression {
    let expression = this.#primary();
    while (this.#takes("|")) {
      const filter = this.#take("name");
      expression = { kind: "filter", name: filter.value, of: expression, start: filter.start, end: filter.end };
      // No filter that is known here takes anything but its value.
      if (this.#takes("(") && !this.#takes(")")) throw this.#refused();
    }
    return expression;
  }

  #primary(): Expression {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw this.#refused();
    this.#next += 1;
    const { start, end, value } = token;
    if (token.kind === "text") return { kind: "literal", value, start, end };
    if (token.kind === "number") return { kind: "literal", value: Number(value), start, end };
    if (value === "(") {
      const inner = this.#filtered();
      if (!this.#takes(")")) throw this.#refused();
      return inner;
    }
    if (token.kind === "name" && Object.hasOwn(constants, value)) {
      return { kind: "literal", value: constants[value] ?? null, start, end };
    }
    if (token.kind === "name" && (value === "env_var" || value === "var")) return this.#call(value, token);
    throw this.#refused();
  }

  #call(kind: "env_var" | "var", { start }: Token): Expression {
    if (!this.#takes("(")) throw this.#refused();
    const name = this.#take("text").value;
    let otherwise: Expression | null = null;
    if (this.#takes(",")) {
      const named = this.#tokens[this.#next];
      if (named?.value === "default" && this.#tokens[this.#next + 1]?.value === "=") this.#next += 2;
      otherwise = this.#filtered();
    }
    if (!this.#takes(")")) throw this.#refused();
    return { kind, name, otherwise, start, end: this.#tokens[this.#next - 1]?.end ?? start + 1 };
  }

  #takes(sign: string): boolean {
    const token = this.#tokens[this.#next];
    const is = token?.kind === "sign" && token.value === sign;
    if (is) this.#next += 1;
    return is;
  }

  #take(kind: Token["kind"]): Token {
    const token = this.#tokens[this.#next];
    if (token?.kind !== kind) throw this.#refused();
    this.#next += 1;
    return token;
  }

  #refused(): JinjaError {
    return unsupported(this.#text, this.#whole);
  }
}
