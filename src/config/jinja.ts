/**
 * The Jinja of dbt's profiles.yml: `{{ env_var('X') }}` and what people write around it, with dbt's own rules of types.
 * Whatever else there is in Jinja is refused by name and place. Knows no file and no environment.
 */
import { type Expression, type JinjaCode, JinjaError, parseExpression, supportedJinja } from "./jinja-expression.js";

export interface JinjaContext {
  /** Undefined where it is not set. */
  envVar(name: string): string | undefined;
  /** dbt's --vars; undefined where there is none of that name. */
  cliVar(name: string): unknown;
}

export interface JinjaProblem {
  /** Into the text; at least one character. */
  readonly start: number;
  readonly end: number;
  readonly code: JinjaCode;
  readonly message: string;
  readonly hint?: string;
}

export type Rendered = { readonly value: unknown } | { readonly problem: JinjaProblem };

/** Text of a filter `as_…`: what it is taken for is decided when the whole value is known. */
interface Marked {
  readonly as: "text" | "native" | "bool" | "number";
  readonly text: string;
}

/** Text without Jinja is its own value. */
export function renderJinja(text: string, context: JinjaContext): Rendered {
  if (!/\{[{%#]/.test(text)) return { value: text };
  try {
    const parts = splitTemplate(text).map((part) =>
      typeof part === "string" ? part : { value: evaluate(part, context), at: part },
    );
    const [first] = parts;
    if (first === undefined) return { value: "" };
    if (parts.length === 1) {
      if (typeof first === "string") return { value: first };
      // Jinja takes a constant for a part of the text.
      return { value: first.at.kind === "literal" ? plainText(first.value) : native(first.value, first.at) };
    }
    return { value: parts.map((part) => (typeof part === "string" ? part : plainText(part.value))).join("") };
  } catch (error) {
    if (!(error instanceof JinjaError)) throw error;
    const { code, message, hint, place } = error;
    return { problem: { ...place, code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}

/** Texts and expressions in their order; comments are left out, and one line break at the end, as Jinja does. */
function splitTemplate(template: string): (string | Expression)[] {
  const text = template.replace(/\r?\n$/, "");
  const parts: (string | Expression)[] = [];
  let from = 0;
  let trims = false;
  const addText = (to: number, trimEnd: boolean): void => {
    let plain = text.slice(from, to);
    if (trims) plain = plain.trimStart();
    if (trimEnd) plain = plain.trimEnd();
    if (plain !== "") parts.push(plain);
  };
  for (const opening = /\{[{%#]/g; ; ) {
    opening.lastIndex = from;
    const found = opening.exec(text);
    if (found === null) break;
    const start = found.index;
    const kind = found[0];
    addText(start, text[start + 2] === "-");
    if (kind === "{%") {
      const end = text.indexOf("%}", start);
      const message = "Jinja statements ({% … %}) are not read here";
      throw new JinjaError(
        { start, end: end < 0 ? text.length : end + 2 },
        "unsupported-jinja",
        message,
        supportedJinja,
      );
    }
    const end = kind === "{#" ? commentEnd(text, start) : addExpression(parts, text, start);
    trims = text[end - 3] === "-";
    from = end;
  }
  addText(text.length, false);
  return parts;
}

function commentEnd(text: string, start: number): number {
  const end = text.indexOf("#}", start + 2);
  if (end < 0) throw new JinjaError({ start, end: start + 2 }, "broken-jinja", "the comment {# has no end #}");
  return end + 2;
}

function addExpression(parts: (string | Expression)[], text: string, start: number): number {
  const skipped = text[start + 2] === "-" ? 3 : 2;
  const { expression, end } = parseExpression(text, start + skipped, start);
  parts.push(expression);
  return end;
}

function evaluate(expression: Expression, context: JinjaContext): unknown {
  const { start, end } = expression;
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "joined":
      return expression.parts.map((part) => plainText(evaluate(part, context))).join("");
    case "filter":
      return filtered(evaluate(expression.of, context), expression);
    case "env_var": {
      const { name, otherwise } = expression;
      const found = context.envVar(name);
      if (found !== undefined) return found;
      const value = otherwise === null ? null : evaluate(otherwise, context);
      if (value !== null) return value;
      const hint = `set it, or give a default: env_var('${name}', '…')`;
      throw new JinjaError({ start, end }, "missing-variable", `environment variable ${quote(name)} is not set`, hint);
    }
    case "var": {
      const { name, otherwise } = expression;
      const found = context.cliVar(name);
      if (found !== undefined) return found;
      const value = otherwise === null ? null : evaluate(otherwise, context);
      if (value !== null) return value;
      const message = `profiles.yml knows only vars of the command line, and ${quote(name)} is none of them`;
      throw new JinjaError(
        { start, end },
        "missing-variable",
        message,
        "repos.dbt.vars in audit.config.yaml are those",
      );
    }
  }
}

function filtered(value: unknown, { name, start, end }: Extract<Expression, { kind: "filter" }>): unknown {
  const text = plainText(value);
  const marked = (as: Marked["as"]): unknown => (typeof value === "string" ? ({ as, text } satisfies Marked) : value);
  switch (name) {
    case "as_text":
      return { as: "text", text } satisfies Marked;
    case "as_native":
      return marked("native");
    case "as_bool":
      return marked("bool");
    case "as_number":
      return marked("number");
    case "int": {
      // As in Jinja, what is no number is 0.
      const number = Number(text.trim());
      return text.trim() === "" || !Number.isFinite(number) ? 0 : Math.trunc(number);
    }
    case "float": {
      const number = Number(text.trim());
      return text.trim() === "" || !Number.isFinite(number) ? 0 : number;
    }
    case "string":
      return text;
    case "trim":
      return text.trim();
    case "lower":
      return text.toLowerCase();
    case "upper":
      return text.toUpperCase();
    default:
      throw new JinjaError(
        { start, end },
        "unsupported-jinja",
        `the filter ${quote(name)} is not known`,
        supportedJinja,
      );
  }
}

/** The value of a text that is nothing but one expression. */
function native(value: unknown, { start, end }: Expression): unknown {
  if (!isMarked(value)) return value;
  const { as, text } = value;
  if (as === "text") return text;
  const found = literal(text.trim());
  const fits = as === "native" || typeof found === (as === "bool" ? "boolean" : "number");
  if (fits) return found === undefined ? text : found;
  // Its value may be a secret.
  const wanted = as === "bool" ? "neither true nor false" : "no number";
  throw new JinjaError({ start, end }, "wrong-type", `the value is ${wanted}, as the filter as_${as} wants it`);
}

/** Of Python's literals those that a variable may hold; undefined for anything else. `true` is read as `True` is. */
function literal(text: string): unknown {
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  if (text === "None") return null;
  if (/^[+-]?(\d[\d_]*)?\.?\d+(e[+-]?\d+)?$/i.test(text)) return Number(text.replaceAll("_", ""));
  const quoted = /^(['"])(.*)\1$/s.exec(text)?.[2];
  return quoted !== undefined && !/['"\\]/.test(quoted) ? quoted : undefined;
}

function isMarked(value: unknown): value is Marked {
  return typeof value === "object" && value !== null && "as" in value && "text" in value;
}

/** As Python's `str`. */
function plainText(value: unknown): string {
  if (isMarked(value)) return value.text;
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null || value === undefined ? "None" : String(value);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
