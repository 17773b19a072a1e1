/**
 * Takes secrets out of text that people or agents get to see: values that we know, and shapes that secrets have.
 * Knows no file and no vendor.
 */

import { formsOf } from "./secret-forms.js";

export type Redactor = (text: string) => string;

const mask = "[redacted]";

/**
 * Shapes of secrets; `$1` and `$2` are kept. Every repetition is bounded: an unbounded one overflows the stack of the
 * regular expression engine on a long run of the same letters, or takes minutes.
 */
const shapes: readonly (readonly [RegExp, string])[] = [
  // user:password@ and token@ in a URL
  [/(:\/\/[^\s:/@]{0,200}:)[^\s@/]{1,400}(@)/g, `$1${mask}$2`],
  [/(:\/\/)[^\s:/@[\]]{16,400}(@)/g, `$1${mask}$2`],
  [/\bsk-[A-Za-z0-9_-]{16,100000}/g, mask],
  [/\b(Bearer\s{1,4})[A-Za-z0-9._~+/=-]{16,100000}/gi, `$1${mask}`],
  [/\b(Authorization["']?\s{0,4}:\s{0,4}["']?Basic\s{1,4})[A-Za-z0-9+/=]{4,100000}/gi, `$1${mask}`],
];

/** What is nothing but a token, also in prose about SQL and in rows of data. */
const tokens: readonly RegExp[] = [
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bsk-(?:ant|proj|svcacct)-[A-Za-z0-9_-]{16,100000}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,100000}|\bgithub_pat_\w{20,100000}/g,
  /\bxox[abeprs]-[A-Za-z0-9-]{10,100000}|\bAIza[\w-]{30,100000}/g,
  /\beyJ[\w-]{8,4000}\.eyJ[\w-]{8,20000}\.[\w-]{8,4000}/g,
];

/** `password=…`, `"api_key": "…"`, `DB_SECRET: …`; the name and the quotes stay. */
const named =
  /((?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|_token|\btoken)["']?\s{0,4}[:=]\s{0,4})("[^"\n]{0,100000}"|'[^'\n]{0,100000}'|[^\s,;&"']{1,100000})/gi;

/** What the tokens of our own tools begin with: each question has another one, so that they are known by their shape. */
export const toolTokenPrefix = "aud1t_";
const toolToken = `${toolTokenPrefix}[A-Za-z0-9_-]{16,200}`;

/**
 * A function that gives the same text with secrets masked, the tokens of our tools among them. `secrets` are values to mask
 * wherever they stand, also as a JSON string, a URL or base64 has them, and of one of several lines each line by itself, as
 * a log has it; those of fewer than 4 characters are not looked for, since they would stand in any word.
 * `shapes: "tokens"` masks besides these values only what is nothing but a token or a key: in prose about SQL, `password=`
 * and the like are no secrets.
 * Masking twice gives what masking once gave.
 */
export function createRedactor(
  secrets: readonly string[],
  options: { readonly shapes?: "all" | "tokens" } = {},
): Redactor {
  const values = new Set(secrets.flatMap(formsOf).filter((form) => !mask.includes(form)));
  // The longest first: of two secrets, one may begin like the other.
  const known = [...values].sort((left, right) => right.length - left.length).map(escaped);
  const pattern = new RegExp([...known, toolToken].join("|"), "g");
  const maskTokens = (text: string): string => {
    let redacted = maskKeyBlocks(maskCut(text.replace(pattern, mask), values));
    for (const token of tokens) redacted = redacted.replace(token, mask);
    return redacted;
  };
  if (options.shapes === "tokens") return maskTokens;
  return (text) => {
    let redacted = maskTokens(text);
    for (const [shape, replacement] of shapes) redacted = redacted.replace(shape, replacement);
    return redacted.replace(named, (_whole, name: string, value: string) => {
      const quote = /^["']/.test(value) ? value.charAt(0) : "";
      return `${name}${quote}${mask}${quote}`;
    });
  };
}

const remembered = new Set<string>();

/** What this process has come to know, for text that nobody meant to print: a crash. */
export function rememberSecrets(secrets: readonly string[]): void {
  for (const secret of secrets) remembered.add(secret);
}

/** For text of which nobody knows what is in it: everything that is known here, and what variables' names say is secret. */
export function createCrashRedactor(env: Readonly<Record<string, string | undefined>>): Redactor {
  return createRedactor([...remembered, ...secretValues(env)]);
}

/** Texts are cut where they are long; shorter ones have their end. */
const cutFrom = 200;
/** Letters that a secret has to begin with to be taken for it. */
const shortestCut = 6;

/** What a text ends with may be the beginning of a secret: somebody has cut it before it came here. */
function maskCut(text: string, values: ReadonlySet<string>): string {
  if (text.length < cutFrom) return text;
  const end = text.endsWith("…") ? text.length - 1 : text.length;
  let start = end;
  for (const value of values) {
    const first = value.slice(0, shortestCut);
    // The one that begins first is the longest.
    let at = text.indexOf(first, Math.max(0, end - value.length + 1));
    while (at >= 0 && at < start && !value.startsWith(text.slice(at, end))) at = text.indexOf(first, at + 1);
    if (at >= 0) start = Math.min(start, at);
  }
  return start === end ? text : text.slice(0, start) + mask + text.slice(end);
}

/** `-----BEGIN … PRIVATE KEY-----` up to its end, or to the end of the text. */
function maskKeyBlocks(text: string): string {
  const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/g;
  let masked = "";
  let from = 0;
  for (const begin of text.matchAll(/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/g)) {
    if (begin.index < from) continue;
    end.lastIndex = begin.index;
    const found = end.exec(text);
    masked += text.slice(from, begin.index) + mask;
    from = found === null ? text.length : end.lastIndex;
  }
  return masked + text.slice(from);
}

/** Values of variables whose names say that they are secret; no switch (`…_SKIP_AUTH=true`) and no limit (`MAX_…_TOKENS`). */
export function secretValues(env: Readonly<Record<string, string | undefined>>): string[] {
  const secret = /key|token|secret|passw|passphrase|credential|private|auth/i;
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || /^(true|false)$/i.test(value) || /_tokens$/i.test(name)) return [];
    if (/_headers$/i.test(name)) return headerValues(value);
    return secret.test(name) ? [value] : [];
  });
}

/** `Name: value` by lines: a gateway's login is one of them. `Bearer` before it is no part of the secret. */
function headerValues(lines: string): string[] {
  return lines.split("\n").flatMap((line) => /^[^:]*:\s*(?:bearer\s+|basic\s+)?(\S.*?)\s*$/i.exec(line)?.[1] ?? []);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/**
 * The same value with every text in it redacted; keys stay, and so do the texts under the keys of `verbatim`. What occurs
 * several times in it is looked at once, and occurs as often in the result; what holds nothing to take out is not copied.
 */
export function redactStrings<Value>(value: Value, redact: Redactor, verbatim: ReadonlySet<string> = noKeys): Value {
  const texts = new Map<string, string>();
  gather(value, verbatim, texts, new Set());
  // One text of many lines costs a tenth of its lines one by one. Where there is nothing to take out of it, there is nothing
  // in any of them: no shape of a secret depends on where a text begins or ends. Mostly that is all.
  const together = [...texts.keys()].join("\n");
  if (redact(together) === together) return value;
  for (const text of texts.keys()) texts.set(text, redact(text));

  const objects = new Map<object, object>();
  const redactObject = (object: object): object => {
    if (Array.isArray(object)) {
      const items = object.map(redactAny);
      return items.every((item, index) => item === object[index]) ? object : items;
    }
    const changed = Object.entries(object).flatMap(([key, item]) => {
      const own = verbatim.has(key) && typeof item === "string" ? item : redactAny(item);
      return own === item ? [] : [[key, own] as const];
    });
    return changed.length === 0 ? object : Object.fromEntries([...Object.entries(object), ...changed]);
  };
  const redactAny = (item: unknown): unknown => {
    if (typeof item === "string") return texts.get(item);
    if (item === null || typeof item !== "object") return item;
    let redacted = objects.get(item);
    if (redacted === undefined) {
      redacted = redactObject(item);
      objects.set(item, redacted);
    }
    return redacted;
  };
  return redactAny(value) as Value;
}

const noKeys: ReadonlySet<string> = new Set();

/** Every text in a value that may be redacted, once. */
function gather(value: unknown, verbatim: ReadonlySet<string>, texts: Map<string, string>, seen: Set<object>): void {
  if (typeof value === "string") texts.set(value, value);
  if (value === null || typeof value !== "object" || seen.has(value)) return;
  seen.add(value);
  if (Array.isArray(value)) {
    for (const item of value) gather(item, verbatim, texts, seen);
    return;
  }
  for (const key of Object.keys(value)) {
    const item = (value as Readonly<Record<string, unknown>>)[key];
    if (!(verbatim.has(key) && typeof item === "string")) gather(item, verbatim, texts, seen);
  }
}
