/**
 * The one place that decides which SQL may run for an agent or as evidence: one question, in words that warehouse and gate
 * read alike, of relations and functions that are known. Whatever it cannot read it refuses, and says so.
 * Knows no warehouse, no config and no audit; the wall behind it is the warehouse's own (a read-only handle or transaction).
 */
import type { Result } from "../model/result.js";
import { ok } from "../model/result.js";
import { objectionToFields } from "./gate/fields.js";
import { objectionToCalls } from "./gate/functions.js";
import { objectionToKinds } from "./gate/kinds.js";
import { limited } from "./gate/limit.js";
import { masked } from "./gate/masked.js";
import { type Objection, objection, refusal } from "./gate/objection.js";
import { objectionToPlaces } from "./gate/places.js";
import type { GatePolicy } from "./gate/policy.js";
import { type ProjectUse, projectUse } from "./gate/project-use.js";
import { type NamedRelation, objectionToRelation, relationPath, relationsOf } from "./gate/relations.js";
import { objectionByWords } from "./gate/statement.js";
import { readTokens } from "./gate/tokens.js";
import { loadParser, type SqlParser } from "./parser.js";

export type { Reason } from "./gate/objection.js";
export type { GatePolicy, SchemaName } from "./gate/policy.js";

export interface Gate {
  /**
   * The statement to run: what was given without its comments, with a LIMIT. Failure code: query-refused, with
   * `<reason>: <subject>` as its detail.
   */
  admit(sql: string, mostRows: number): Result<string>;
}

/** Parentheses and brackets inside one another; the parser needs stack for each. */
const deepest = 200;

/** Valid SQL that the parser does not read. */
const seldomRead = /\b(rows\s+from|xml\w+(?=\s*\()|json_table|using(?=\s*[<>=~]))/i;

/** Loads the parser (0.3–0.7 s, once a process). */
export async function loadGate(policy: GatePolicy): Promise<Gate> {
  const parser = await loadParser(policy.dialect);
  const ofProject = projectUse(policy);
  return {
    admit(sql, mostRows) {
      const answer = admitted(sql, mostRows, { policy, parser, ofProject });
      return typeof answer === "string" ? ok(answer) : refusal(answer);
    },
  };
}

interface Room {
  readonly policy: GatePolicy;
  readonly parser: SqlParser;
  readonly ofProject: () => ProjectUse;
}

function admitted(given: string, mostRows: number, { policy, parser, ofProject }: Room): string | Objection {
  const { dialect } = policy;
  const read = readTokens(given, dialect);
  if ("reason" in read) return read;
  const { tokens, sql } = read;
  let depth = 0;
  for (const { kind, raw } of tokens) {
    if (kind === "sign") depth += /^[([{]$/.test(raw) ? 1 : /^[)\]}]$/.test(raw) ? -1 : 0;
    if (depth > deepest)
      return objection("too-large", "(", `it nests deeper than ${deepest} parentheses`, "ask in parts");
  }
  const byWords = objectionByWords(tokens, dialect) ?? objectionToFields(tokens, dialect);
  if (byWords !== null) return byWords;
  const plain = masked(tokens);
  const tree = parser.parse(plain.sql);
  if (tree === null) {
    const construct = seldomRead.exec(plain.sql)?.[0] ?? "";
    const message = `it cannot be read as one statement of ${dialect}${construct === "" ? "" : `, perhaps for ${construct.toUpperCase()}`}`;
    return objection("unreadable", construct, message, "write it in plainer SQL");
  }
  try {
    const named = relationsOf(tree, plain, dialect);
    const isRead = (relation: NamedRelation): boolean => ofProject().relations.has(relationPath(relation));
    return (
      objectionToKinds(tree) ??
      objectionToCalls(tokens, tree, policy, ofProject) ??
      objectionToPlaces(tokens, named.all, dialect) ??
      firstOf([...named.tables, ...named.types], (relation) => objectionToRelation(relation, policy, isRead)) ??
      limited(sql, tokens, tree, mostRows)
    );
  } catch (error) {
    // A long chain of operators is a deep tree.
    if (error instanceof RangeError)
      return objection("too-large", "", "it nests too deeply to be read", "ask in parts");
    throw error;
  }
}

function firstOf<Item>(items: readonly Item[], look: (item: Item) => Objection | null): Objection | null {
  for (const item of items) {
    const found = look(item);
    if (found !== null) return found;
  }
  return null;
}
