/**
 * Postgres calls a function without parentheses: `(x).f`, `x[1].f` and `alias.f` are `f(x)` where there is no such column.
 * Looks at the words alone: fields of expressions are refused, and those of a function's alias that are none of its columns.
 * Knows no relation's columns; an alias of a relation, a sub-select or a WITH is a row, which no function of Postgres acts upon.
 */
import { callAt, isName } from "./calls.js";
import { type Objection, objection, shown } from "./objection.js";
import type { DialectName } from "./policy.js";
import { keyword } from "./statement.js";
import type { Token } from "./tokens.js";

/** Functions, even where the alias is a row's. Narrower than the names that nobody may call: `b.http_status` is a column. */
const never =
  /^(pg_.*|lo_(close|creat|create|export|from_bytea|get|import|lseek|lseek64|open|put|tell|tell64|truncate|truncate64|unlink)|loread|lowrite|dblink.*|nextval|currval|lastval|setval|setseed|set_config|current_setting|query_to_.*|(table|schema|database|cursor)_to_xml.*|ts_stat|ts_rewrite|txid_.*|has_.*_privilege|row_security_active|inet_(server|client)_.*)$/;

/** They end a FROM clause at their own depth; words that Postgres takes for no table's alias. */
const ends = new Set(
  "select where group having window order limit offset fetch union except intersect returning for".split(" "),
);

/** What stands before a function in FROM. */
const places = new Set(["from", "join", "lateral", ",", "("]);

/** Calls that are written without parentheses, and may stand in FROM. */
const bare =
  /^(current_(catalog|date|role|schema|time|timestamp|user)|localtime|localtimestamp|session_user|system_user|user)$/;

const hint =
  "write it as fn(x) where that function may be called, or name a column of a relation; columns of a function are named in FROM: fn(…) as alias(column)";

export function objectionToFields(tokens: readonly Token[], dialect: DialectName): Objection | null {
  if (dialect !== "postgres") return null;
  const columns = columnsOfFunctions(tokens);
  for (const [index, token] of tokens.entries()) {
    if (!isName(token) || tokens[index - 1]?.raw !== ".") continue;
    const owner = tokens[index - 2];
    if (!isName(owner)) {
      return refused(`${owner?.raw ?? ""}.${token.raw}`, "takes a field of an expression, which may call a function");
    }
    if (/^[.(]$/.test(tokens[index + 1]?.raw ?? "")) continue;
    const { text, start } = callAt(tokens, index);
    const own = columns.get(owner?.value ?? "");
    if (own !== undefined && !own.has(token.value)) {
      return refused(text, "is no column that the function in FROM is known to have, and may call a function");
    }
    // A relation may be called like that.
    if (never.test(token.value) && !/^(from|join)$/.test(keyword(tokens[start - 1]) ?? "")) {
      return refused(text, "may call a function that does more than read");
    }
  }
  return null;
}

function refused(text: string, why: string): Objection {
  return objection("field-of-expression", shown(text), `${shown(text)} ${why}`, hint);
}

/** By the alias of each function in FROM: its columns, as far as the words tell. */
function columnsOfFunctions(tokens: readonly Token[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  const inFrom = [false];
  for (const [index, token] of tokens.entries()) {
    const word = keyword(token);
    if (word === "(" || word === "[") inFrom.push(inFrom.at(-1) ?? false);
    else if (word === ")" || word === "]") inFrom.pop();
    else if (keyword(tokens[index - 1]) === ".") continue;
    else if (word !== null && ends.has(word)) inFrom[inFrom.length - 1] = false;
    else if (word === "from") inFrom[inFrom.length - 1] = true;
    if (!isName(token) || inFrom.at(-1) !== true || !places.has(keyword(tokens[index - 1]) ?? "")) continue;
    for (const { alias, columns } of sourcesAt(tokens, index)) {
      const before = found.get(alias);
      found.set(alias, new Set(columns.filter((name) => before === undefined || before.has(name))));
    }
  }
  return found;
}

interface Source {
  readonly alias: string;
  readonly columns: readonly string[];
}

/** By its alias and by its own name: the word behind it may be its alias, or SQL's. */
function sourcesAt(tokens: readonly Token[], start: number): readonly Source[] {
  let last = start;
  while (tokens[last + 1]?.raw === "." && isName(tokens[last + 2])) last += 2;
  const name = tokens[last];
  const isCall = tokens[last + 1]?.raw === "(";
  const isBare = last === start && bare.test(keyword(name) ?? "");
  // Rows of XMLTABLE and JSON_TABLE are rows even with a single column.
  if (name === undefined || (!isCall && !isBare) || /^(xmltable|json_table)$/.test(keyword(name) ?? "")) return [];
  let at = isCall ? closing(tokens, last + 1) + 1 : last + 1;
  const isNumbered = keyword(tokens[at]) === "with" && keyword(tokens[at + 1]) === "ordinality";
  if (isNumbered) at += 2;
  if (keyword(tokens[at]) === "as") at += 1;
  const given = isName(tokens[at]) ? tokens[at] : undefined;
  const open = given === undefined ? at : at + 1;
  const listed = tokens[open]?.raw === "(" ? tokens.slice(open, closing(tokens, open)) : [];
  const names = listed
    .filter((token, index) => isName(token) && /^[(,]$/.test(listed[index - 1]?.raw ?? ""))
    .map(({ value }) => value);
  const source = (alias: string): Source => {
    const columns = names.length > 0 ? names : outputs(name.value, alias);
    return { alias, columns: isNumbered ? [...columns, "ordinality"] : columns };
  };
  return given === undefined ? [source(name.value)] : [source(given.value), source(name.value)];
}

/** The columns that a function of Postgres itself names; those of the others are called like the alias. */
function outputs(name: string, alias: string): readonly string[] {
  if (/^jsonb?_each(_text)?$/.test(name)) return ["key", "value"];
  return /^jsonb?_array_elements(_text)?$/.test(name) ? ["value"] : [alias];
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index += 1) {
    if (/^[([]$/.test(tokens[index]?.raw ?? "")) depth += 1;
    if (/^[)\]]$/.test(tokens[index]?.raw ?? "")) depth -= 1;
    if (depth === 0) return index;
  }
  return tokens.length;
}
