/**
 * What can be said of a statement by its words alone: it asks, it writes nothing at any depth, it locks nothing, and it
 * holds nothing that has no value here. The parser's tree is asked the same again. Knows no names of relations.
 */
import { type Objection, objection, oneSelect, shown } from "./objection.js";
import type { DialectName } from "./policy.js";
import type { Token } from "./tokens.js";

/** A statement may start with these. */
const asks = new Set(["select", "with", "values"]);

/** Verbs of statements that may stand behind the queries of a WITH: after `)`. */
const verbsAfterWith = new Set(
  "insert update delete merge upsert replace truncate create alter drop copy call execute pivot unpivot".split(" "),
);

/** Verbs of statements that a query could be instead: after `(`. */
const verbs = new Set([
  ...verbsAfterWith,
  ...(
    "undrop rename comment grant revoke put get remove rm list ls load unload export import attach detach install use set " +
    "unset reset pragma exec prepare deallocate declare begin commit rollback savepoint release abort lock unlock listen " +
    "notify unlisten vacuum analyze analyse explain cluster reindex refresh checkpoint discard reassign show describe desc " +
    "summarize pivot_wider pivot_longer force kill"
  ).split(" "),
]);

/** Operators of Postgres itself; a database may define others, which call functions of its own. */
const postgresOperators = new Set(
  (
    "!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| <= <> <@ <^ = " +
    "> >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~* != => :="
  ).split(" "),
);

/** What Snowflake's `table(…)` may hold. */
export const snowflakeTableFunctions = new Set(["FLATTEN", "GENERATOR", "SPLIT_TO_TABLE", "STRTOK_SPLIT_TO_TABLE"]);

/** A word without quotes, in lower case; of everything else the sign itself. */
export function keyword(token: Token | undefined): string | null {
  if (token === undefined) return null;
  if (token.kind === "word") return token.raw.toLowerCase();
  return token.kind === "sign" ? token.raw : null;
}

export function objectionByWords(tokens: readonly Token[], dialect: DialectName): Objection | null {
  const start = tokens.find(({ raw }) => raw !== "(");
  const first = keyword(start) ?? start?.raw ?? "";
  if (!asks.has(first) && !(first === "from" && dialect === "duckdb")) {
    return objection(
      "not-a-query",
      shown(start?.raw ?? ""),
      `it starts with ${shown((start?.raw ?? "").toUpperCase())}`,
    );
  }
  for (let index = 0; index < tokens.length; index += 1) {
    const found = atWord(tokens, index, dialect);
    if (found !== null) return found;
  }
  return null;
}

function atWord(tokens: readonly Token[], index: number, dialect: DialectName): Objection | null {
  const word = keyword(tokens[index]);
  const [before, next] = [keyword(tokens[index - 1]), tokens[index + 1]];
  const name = tokens[index]?.kind === "sign" ? "" : (tokens[index]?.value.toLowerCase() ?? "");
  if (before === "." && /^(nextval|currval)$/.test(name)) {
    return objection("function", name, `it takes a number of a sequence by ${name.toUpperCase()}`, "leave it out");
  }
  if (word === null) return null;
  if (tokens[index]?.kind === "sign") return atSign(word, dialect);
  // A name that is called like a verb stands before a comma, a dot or a sign, or ends something.
  const isVerb = (before === "(" && verbs.has(word)) || (before === ")" && verbsAfterWith.has(word));
  if (isVerb && (next?.kind === "word" || next?.kind === "quoted")) {
    return objection(
      "writes",
      word,
      `it holds ${word.toUpperCase()}`,
      `${oneSelect}; a column of that name needs quotes`,
    );
  }
  if (word === "into") return objection("writes", "into", "it holds INTO, which makes a table");
  if (word === "for" && /^(update|share|no|key)$/.test(keyword(next) ?? "")) {
    return objection("locks", `for ${next?.raw}`, `it locks rows with FOR ${next?.raw.toUpperCase()}`);
  }
  if (word === "table" && !isTableCall(tokens, index, dialect)) {
    return objection(
      "function",
      "table",
      "it holds TABLE",
      "name the relation after FROM; a column of that name needs quotes",
    );
  }
  return null;
}

/** Snowflake: `table(flatten(…))` and the like. */
function isTableCall(tokens: readonly Token[], index: number, dialect: DialectName): boolean {
  const [open, name, called] = tokens.slice(index + 1, index + 4);
  return (
    dialect === "snowflake" &&
    open?.raw === "(" &&
    called?.raw === "(" &&
    name !== undefined &&
    snowflakeTableFunctions.has(name.value)
  );
}

function atSign(sign: string, dialect: DialectName): Objection | null {
  if (dialect === "postgres") {
    const isOperator = /^[-+*/<>=~!@#%^&|?]+$/.test(sign);
    return isOperator && !postgresOperators.has(sign)
      ? objection(
          "operator",
          sign,
          `the operator ${shown(sign)} is none of Postgres's own`,
          "write it as Postgres's own functions",
        )
      : null;
  }
  if (dialect === "snowflake" && sign.includes("@")) {
    return objection("stage", sign, "it reads a stage (@…)", "read tables and views");
  }
  if (dialect === "snowflake" && sign === "->>") {
    return objection("several-statements", sign, "->> joins it to another statement");
  }
  if (sign.includes("?")) return objection("parameter", "?", "? has no value here", "write the value itself");
  return null;
}
