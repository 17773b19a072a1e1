/**
 * YAML text → a plain value, and where each part of it stands. Every syntax error at once, with its place.
 * A file may be hostile: size, nesting and aliases are bounded, and only plain YAML 1.2 is read (no tags, no merge keys).
 * Knows no schema.
 */
import {
  type Alias,
  CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from "yaml";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Finding, Path, Places, SourceText, Span } from "./source-text.js";
import { aliasHint, yamlError as error, firstCauses, syntaxError } from "./yaml-messages.js";

/** For who writes YAML (add-exceptions.ts): the package has its home here. */
export { isSeq, parseDocument, stringify, type YAMLSeq } from "yaml";

const maxLength = 1024 * 1024;
/** The library recurses; near the end of the stack Node itself can abort, which no catch sees. */
const maxNesting = 64;
const maxIndent = 256;
const maxAliasCount = 1000;
/** One broken bracket makes many follow-on errors. */
const maxSyntaxErrors = 10;

export type YamlReading =
  | { readonly ok: true; readonly value: unknown; readonly places: Places; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Reads one document. `ok: false` where the text means nothing certain; `ok: true` with diagnostics where it does,
 * such as a key that stands twice, so that the rest can be checked too. Null is the value of an empty file.
 * `python`: as Python's reader takes it, for files that are dbt's: YAML 1.1 with merge keys, the last of equal keys counts.
 */
export function readYaml(source: SourceText, dialect: "plain" | "python" = "plain"): YamlReading {
  const { text } = source;
  const refuse = (span: Span, code: string, message: string): YamlReading => ({
    ok: false,
    diagnostics: [source.diagnostic(span, error(code, message))],
  });
  if (text.length > maxLength)
    return refuse([0, 1], "file-too-large", `the file is larger than ${maxLength / 1024} KiB`);
  const deep = findDeepNesting(text);
  if (deep !== null) return refuse([deep, deep + 1], "too-deep", `nested deeper than ${maxNesting} levels`);

  const isPython = dialect === "python";
  const document = parseDocument(text, {
    version: isPython ? "1.1" : "1.2",
    uniqueKeys: !isPython,
    stringKeys: true,
    prettyErrors: false,
    resolveKnownTags: false,
  });
  const syntax = document.errors.filter((problem) => problem.code !== "DUPLICATE_KEY");
  if (syntax.length > 0) {
    const shown = firstCauses(syntax).slice(0, maxSyntaxErrors);
    return {
      ok: false,
      diagnostics: shown.map((problem) => source.diagnostic(placeOf(problem, document), syntaxError(problem))),
    };
  }

  const { findings, convertible } = isPython ? lostAliases(document) : oddities(document, text);
  const diagnostics = findings.map(([span, finding]) => source.diagnostic(span, finding));
  if (!convertible) return { ok: false, diagnostics };
  try {
    const value = document.toJS({ maxAliasCount }) as unknown;
    return { ok: true, value, places: placesIn(document), diagnostics };
  } catch (problem) {
    if (!(problem instanceof ReferenceError)) throw problem;
    return refuse(firstAlias(document), "too-many-aliases", `aliases (*name) repeat more than ${maxAliasCount} values`);
  }
}

/** A quote that is not closed swallows the rest of the file: the place to look at is where it opens. */
function placeOf({ code, pos }: YAMLError, document: Document): Span {
  let place: Span = pos;
  if (code !== "MISSING_CHAR") return place;
  visit(document, {
    Scalar(_key, { type, range }) {
      const isQuoted = type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE";
      if (isQuoted && range?.[1] === pos[0]) place = [range[0], range[0] + 1];
    },
  });
  return place;
}

/** Offset where brackets, dashes on one line or indentation nest too deep. Reads tokens only, so it cannot overflow. */
function findDeepNesting(text: string): number | null {
  let offset = 0;
  let brackets = 0;
  let dashes = 0;
  let lineStart = 0;
  let isContent = false;
  for (const token of new Lexer().lex(text)) {
    if (isContent) {
      isContent = false;
      offset += token.length;
      continue;
    }
    const type = CST.tokenType(token);
    if (type === "scalar") isContent = true;
    if (type === "newline") {
      lineStart = offset + token.length;
      dashes = 0;
    }
    if (type === "flow-seq-start" || type === "flow-map-start") brackets++;
    if (type === "flow-seq-end" || type === "flow-map-end") brackets = Math.max(0, brackets - 1);
    const isIndicator = type === "seq-item-ind" || type === "explicit-key-ind" || type === "map-value-ind";
    if (isIndicator) dashes++;
    const indent = isIndicator && dashes === 1 ? /^ */.exec(text.slice(lineStart, offset))?.[0].length : 0;
    if (brackets > maxNesting || (dashes > maxNesting && brackets === 0) || (indent ?? 0) > maxIndent) return offset;
    if (!isControl(token)) offset += token.length;
  }
  return null;
}

/** The lexer's own marks, which stand for no text: start of document, end of flow, scalar. */
function isControl(token: string): boolean {
  return token === "\u0002" || token === "\u0018" || token === "\u001f";
}

type Placed = readonly [Span, Finding];

interface Oddities {
  readonly findings: readonly Placed[];
  readonly convertible: boolean;
}

/** What is legal YAML, or nearly, and yet not taken. No value is repeated: a password without quotes may read as any of these. */
function oddities(document: Document, text: string): Oddities {
  const { findings: aliases, convertible } = lostAliases(document);
  const findings: Placed[] = [...aliases];
  for (const { pos } of document.errors) {
    const key = /^[^:\s]*/.exec(text.slice(pos[0], pos[0] + 80))?.[0] ?? "";
    findings.push([[pos[0], pos[0] + key.length], error("duplicate-key", `key ${JSON.stringify(key)} stands twice`)]);
  }
  for (const { pos } of document.warnings) {
    findings.push([pos, error("unknown-tag", "this tag is not supported", "remove it; put text in quotes")]);
  }
  if (document.directives?.yaml.version !== "1.2") {
    findings.push([[0, 1], error("yaml-version", "this file is read as YAML 1.2", "remove the %YAML line")]);
  }
  visit(document, {
    Pair(_key, { key }) {
      if (!isScalar(key) || key.value !== "<<") return;
      const hint = "write the keys out, or use an alias (*name) for the whole value";
      findings.push([spanOf(key), error("merge-key", "merge keys (<<) are not part of YAML 1.2", hint)]);
    },
    Scalar(_key, scalar) {
      if (typeof scalar.value !== "number" || isExact(scalar.value)) return;
      const message = "this number cannot be kept exactly";
      findings.push([spanOf(scalar), error("inexact-number", message, "put it in quotes to keep it as text")]);
    },
  });
  return { findings, convertible };
}

/** Not convertible: an alias that leads nowhere or into itself. Its name may be a password that starts with `*`. */
function lostAliases(document: Document): Oddities {
  const findings: Placed[] = [];
  let convertible = true;
  visit(document, {
    Alias(_key, alias, ancestors) {
      const target = alias.resolve(document);
      if (target !== undefined && !ancestors.includes(target)) return;
      convertible = false;
      findings.push([
        spanOf(alias),
        target === undefined
          ? error("unknown-alias", "no anchor (&name) stands before this alias", aliasHint)
          : error("recursive-alias", "this alias stands inside of what it repeats"),
      ]);
    },
  });
  return { findings, convertible };
}

function isExact(number: number): boolean {
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
}

function firstAlias(document: Document): Span {
  let found: Alias | null = null;
  visit(document, {
    Alias(_key, alias) {
      found = alias;
      return visit.BREAK;
    },
  });
  return found === null ? [0, 1] : spanOf(found);
}

/** Of a node without the blanks and comments after it. */
function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 1];
  return [start, end];
}

interface Spot {
  readonly key: Node | null;
  readonly value: Node | null;
  /** How much of the path was found. */
  readonly depth: number;
}

function placesIn(document: Document): Places {
  const find = (path: Path): Spot => {
    let spot: Spot = { key: null, value: document.contents as Node | null, depth: 0 };
    for (const step of path) {
      const parent = isAlias(spot.value) ? (spot.value.resolve(document) ?? null) : spot.value;
      const next = child(parent, step);
      if (next === null) break;
      spot = { ...next, depth: spot.depth + 1 };
    }
    return spot;
  };
  const key = (path: Path): Span => {
    const { key, value } = find(path);
    const node = key ?? value;
    return node === null ? [0, 1] : spanOf(node);
  };
  return {
    key,
    value(path) {
      const { value, depth } = find(path);
      const isEmpty = value === null || spanOf(value)[0] === spanOf(value)[1];
      return depth < path.length || isEmpty ? key(path) : spanOf(value);
    },
    written(path) {
      const { value, depth } = find(path);
      return depth === path.length && isScalar(value) ? ((value as Scalar).source ?? null) : null;
    },
  };
}

function child(parent: Node | null, step: string | number): Omit<Spot, "depth"> | null {
  if (isSeq(parent)) {
    const value = parent.items[Number(step)];
    return value === undefined ? null : { key: null, value: value as Node };
  }
  if (!isMap(parent)) return null;
  // The last of several equal keys is the one whose value counts.
  const pair = parent.items.findLast(({ key }) => isScalar(key) && key.value === String(step));
  return pair === undefined ? null : { key: pair.key as Node, value: pair.value as Node | null };
}
