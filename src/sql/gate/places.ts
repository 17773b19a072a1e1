/**
 * A second reading of where relations stand, by the words alone: after FROM and JOIN, and after the commas between them.
 * Each must be one that the tree has as well: a relation that the parser took for something else is refused, not missed.
 */
import { isName } from "./calls.js";
import { tableFunctions } from "./functions.js";
import { type Objection, objection, shown } from "./objection.js";
import type { DialectName } from "./policy.js";
import { relationPath } from "./relations.js";
import { keyword } from "./statement.js";
import type { Token } from "./tokens.js";

/** These end a FROM clause at their own depth. */
const ends = new Set(
  (
    "where group having qualify window order limit offset fetch union except intersect minus select values connect start " +
    "sample using_sample returning for"
  ).split(" "),
);

/** `extract(year from x)` and the like: FROM without a relation. */
const callsWithFrom = new Set(["extract", "trim", "substring", "overlay", "position"]);

/** Words between FROM or JOIN and the relation. */
const between = new Set(["lateral", "only"]);

/** What is in parentheses is a query of its own, and not a join. */
const queries = new Set(["select", "with", "values", "from"]);

interface Level {
  /** Whether a comma is followed by a relation. */
  inFrom: boolean;
  /** The word before its parenthesis. */
  readonly opener: string;
}

export function objectionToPlaces(
  tokens: readonly Token[],
  relations: ReadonlySet<string>,
  dialect: DialectName,
): Objection | null {
  const levels: Level[] = [{ inFrom: false, opener: "" }];
  /** Index of the token where a relation is to stand. */
  let place = -1;
  for (let index = 0; index < tokens.length; index += 1) {
    const word = keyword(tokens[index]);
    const before = keyword(tokens[index - 1]);
    const level = levels.at(-1);
    if (level === undefined) return unreadable(")");
    if (index === place && between.has(word ?? "") && tokens[index + 1]?.raw !== ".") place += 1;
    else if (index === place && word !== "(") {
      const found = atPlace(tokens, index, relations, dialect);
      if (found !== null) return found;
    }
    if (word === "(" || word === "[" || word === "{") {
      // `from (a join b on …)`: relations stand in these parentheses as well.
      const inFrom = index === place && !queries.has(keyword(tokens[index + 1]) ?? "");
      levels.push({ inFrom, opener: before ?? "" });
      if (inFrom) place = index + 1;
    } else if (word === ")" || word === "]" || word === "}") levels.pop();
    else if (before === ".") continue;
    else if (word !== null && ends.has(word)) level.inFrom = false;
    else if (word === "from" && !callsWithFrom.has(level.opener) && !isComparison(tokens, index)) {
      level.inFrom = true;
      place = index + 1;
    } else if (word === "join" || (word === "," && level.inFrom)) place = index + 1;
  }
  if (place === tokens.length) return unreadable("FROM");
  return levels.length === 1 ? null : unreadable("(");
}

/** `a is [not] distinct from b`; in `select distinct from t` no column is asked for at all. */
function isComparison(tokens: readonly Token[], from: number): boolean {
  return keyword(tokens[from - 1]) === "distinct" && /^(is|not)$/.test(keyword(tokens[from - 2]) ?? "");
}

function atPlace(
  tokens: readonly Token[],
  start: number,
  relations: ReadonlySet<string>,
  dialect: DialectName,
): Objection | null {
  const first = tokens[start];
  if (first === undefined) return unreadable("FROM");
  const word = keyword(first);
  // `from values (1)`; a comma before the clause that follows.
  if (word === "values" || word === ")" || (word !== null && ends.has(word))) return null;
  if (first.kind === "text") {
    return objection(
      "file",
      shown(first.raw),
      `it reads ${shown(first.raw)}, which is no relation`,
      "read tables and views",
    );
  }
  let index = start;
  const parts: string[] = [];
  for (; isName(tokens[index]); index += 2) {
    parts.push(tokens[index]?.value ?? "");
    if (tokens[index + 1]?.raw !== ".") break;
  }
  if (parts.length > 0 && tokens[index + 1]?.raw === "(") return atFunction(parts, dialect);
  const [name = "", schema = null, database = null, ...rest] = [...parts].reverse();
  if (parts.length > 0 && rest.length === 0 && relations.has(relationPath({ database, schema, name }))) return null;
  const text = parts.length === 0 ? first.raw : parts.join(".");
  return objection(
    "unreadable",
    shown(text),
    `${shown(text)} stands where a relation does, and is not read as one`,
    "name it as DATABASE.SCHEMA.NAME, and quote a name that is also a word of SQL",
  );
}

function atFunction(parts: readonly string[], dialect: DialectName): Objection | null {
  const allowed = tableFunctions[dialect];
  const name = parts.at(-1)?.toLowerCase() ?? "";
  if (allowed === null || allowed.has(name)) return null;
  const list = [...allowed].sort().join(", ");
  return objection(
    "function",
    parts.join("."),
    `it reads rows from ${name}()`,
    `in FROM these functions may stand: ${list}`,
  );
}

function unreadable(subject: string): Objection {
  return objection("unreadable", subject, "its parentheses do not match", "close what is open");
}
