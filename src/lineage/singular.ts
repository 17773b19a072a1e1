/**
 * A singular test's SQL taken apart: the relation that it looks at last, and what it asks of it. Three forms are known, with or
 * without CTEs before them: a condition over the rows of one relation, a key that is counted, and a left join that finds nothing.
 * Everything else is undecided, with the reason. Knows no project: names of relations stay names.
 */
import type { Dialect } from "../model/warehouse.js";
import type { ColumnLineage } from "./column-lineage.js";
import { isWord, type Piece, piecesOf } from "./pieces.js";
import type { Reference } from "./shape.js";

export type Singular =
  | { readonly kind: "rows"; readonly relation: Reference; readonly condition: string }
  | {
      readonly kind: "key";
      readonly relation: Reference;
      readonly columns: readonly string[];
      readonly where: string | null;
    }
  | {
      readonly kind: "reference";
      readonly relation: Reference;
      readonly column: string;
      readonly to: Reference;
      readonly field: string;
      readonly where: null;
    };

/** A text says why the SQL cannot be taken apart. */
export function singularOf(sql: string, dialect: Dialect["name"], lineage: ColumnLineage): Singular | string {
  const final = piecesOf(sql, dialect)?.at(-1);
  const sections = final === undefined ? null : sectionsOf(final);
  if (sections === null) return "the test's SQL cannot be taken apart";
  const sources = sourcesOf(sections.from ?? []);
  const [first, second, ...more] = sources ?? [];
  if (first === undefined || more.length > 0) return "the test's SQL reads no relation by name, or several";
  const where = textOf(sql, sections.where);
  if (second !== undefined)
    return antiJoin(first, second, sections.where ?? []) ?? "the test's SQL compares several relations";
  if (sections.qualify !== undefined) return "the test's SQL compares rows with one another";
  if (sections.group !== undefined) return counted(first, sections, where) ?? "the test's SQL compares groups of rows";
  if (where === null) return "the test's SQL has no condition";
  const used = lineage.columnsOfExpression(where);
  if (used === null || used.length === 0) return "the condition of the test's SQL is more than a condition over a row";
  return { kind: "rows", relation: first.reference, condition: where };
}

type Tokens = Piece["tokens"];
const names = ["select", "from", "where", "group", "having", "qualify", "order", "limit"] as const;
type Sections = Partial<Record<(typeof names)[number], Tokens>>;

/** The clauses of one SELECT; null where there are several. */
function sectionsOf({ tokens }: Piece): Sections | null {
  const sections: Record<string, Tokens> = {};
  let name: string | null = null;
  let start = 0;
  let depth = 0;
  for (let at = 0; at <= tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.raw === ")") depth -= 1;
    const word = depth === 0 && token?.kind === "word" ? token.raw.toLowerCase() : "";
    if (["union", "except", "intersect", "window", "offset", "fetch"].includes(word)) return null;
    if (token === undefined || names.some((each) => each === word)) {
      if (name !== null) sections[name] = tokens.slice(start, at);
      if (name !== null && word !== "" && sections[word] !== undefined) return null;
      name = word;
      start = at + 1;
    }
    if (token?.raw === "(") depth += 1;
  }
  return sections.select === undefined ? null : sections;
}

interface Source {
  readonly reference: Reference;
  readonly alias: string;
  /** Behind `on`; null for the first relation. */
  readonly on: Tokens | null;
  readonly isLeft: boolean;
}

/** Relations by name and joins with `on`; null for anything else. */
function sourcesOf(tokens: Tokens): readonly Source[] | null {
  const found: Source[] = [];
  let at = 0;
  while (at < tokens.length) {
    let isLeft = false;
    while (["left", "outer", "inner", "join"].some((word) => isWord(tokens[at], word)) && found.length > 0) {
      isLeft ||= isWord(tokens[at], "left");
      at += 1;
    }
    const parts: string[] = [];
    do {
      const token = tokens[at];
      if (token === undefined || (token.kind !== "word" && token.kind !== "quoted")) return null;
      parts.push(token.value);
      at += 2;
    } while (tokens[at - 1]?.raw === ".");
    at -= 1;
    const [name = "", schema = null, catalog = null] = parts.reverse();
    if (isWord(tokens[at], "as")) at += 1;
    let alias = name;
    const next = tokens[at];
    if (
      next !== undefined &&
      (next.kind === "quoted" ||
        (next.kind === "word" && !/^(on|left|inner|join|using|right|full|cross|natural)$/i.test(next.raw)))
    ) {
      alias = next.value;
      at += 1;
    }
    if (found.length === 0) {
      found.push({ reference: { catalog, schema, name }, alias, on: null, isLeft });
      if (at < tokens.length && !["left", "inner", "join"].some((word) => isWord(tokens[at], word))) return null;
      continue;
    }
    if (!isWord(tokens[at], "on")) return null;
    const end = tokens.findIndex(
      (token, index) =>
        index > at && /^(left|inner|join|right|full|cross|natural)$/i.test(token.raw) && token.kind === "word",
    );
    found.push({
      reference: { catalog, schema, name },
      alias,
      on: tokens.slice(at + 1, end === -1 ? undefined : end),
      isLeft,
    });
    at = end === -1 ? tokens.length : end;
  }
  return found;
}

/** `left join b on a.x = b.y where b.y is null`, and `a.x is not null` where it says so. */
function antiJoin(child: Source, parent: Source, where: Tokens): Singular | null {
  const pair = parent.on === null || !parent.isLeft ? null : equality(parent.on);
  if (pair === null) return null;
  const [one, other] = pair;
  const own = one.table === child.alias ? one : other;
  const its = own === one ? other : one;
  if (own.table !== child.alias || its.table !== parent.alias) return null;
  const text = where.map((token) => token.raw.toLowerCase()).join(" ");
  const isNull = (side: { readonly text: string }, not: string) => `${side.text.toLowerCase()} is ${not}null`;
  const missing = isNull(its, "");
  const present = isNull(own, "not ");
  if (![missing, `${missing} and ${present}`, `${present} and ${missing}`].includes(text)) return null;
  return {
    kind: "reference",
    relation: child.reference,
    column: own.name,
    to: parent.reference,
    field: its.name,
    where: null,
  };
}

interface Qualified {
  readonly table: string;
  readonly name: string;
  /** As tokens with blanks between them. */
  readonly text: string;
}

function equality(tokens: Tokens): readonly [Qualified, Qualified] | null {
  if (tokens.length !== 7 || tokens[3]?.raw !== "=") return null;
  const side = (at: number): Qualified | null => {
    const [table, dot, name] = tokens.slice(at, at + 3);
    if (table === undefined || dot?.raw !== "." || name === undefined) return null;
    return { table: table.value, name: name.value, text: `${table.raw} . ${name.raw}` };
  };
  const [left, right] = [side(0), side(4)];
  return left === null || right === null ? null : [left, right];
}

/** `group by a, b having count(*) > 1`. */
function counted(source: Source, { group = [], having = [] }: Sections, where: string | null): Singular | null {
  if (!/^count \( (\*|1) \) > 1$/i.test(having.map((token) => token.raw).join(" "))) return null;
  const columns: string[] = [];
  const [by, ...keys] = group;
  if (!isWord(by, "by")) return null;
  for (let at = 0; at < keys.length; at += 2) {
    if (keys[at + 1]?.raw === ".") at += 2;
    const key = keys[at];
    if (key === undefined || (key.kind !== "word" && key.kind !== "quoted")) return null;
    if (keys[at + 1] !== undefined && keys[at + 1]?.raw !== ",") return null;
    columns.push(key.value);
  }
  return columns.length === 0 ? null : { kind: "key", relation: source.reference, columns, where };
}

function textOf(sql: string, tokens: Tokens | undefined): string | null {
  const [first, last] = [tokens?.[0], tokens?.at(-1)];
  return first === undefined || last === undefined ? null : sql.slice(first.start, last.end);
}
