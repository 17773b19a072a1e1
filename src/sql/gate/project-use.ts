/**
 * What the project's own SQL calls and reads: dbt has run it already, so it is no news to the warehouse. Read by its words, and
 * only when somebody asks: a project may have thousands of models.
 */
import { callAt, dotted, isName } from "./calls.js";
import type { GatePolicy } from "./policy.js";
import { relationPath } from "./relations.js";
import { keyword } from "./statement.js";
import { readTokens } from "./tokens.js";

export interface ProjectUse {
  /** Names as they are called, in lower case. */
  readonly calls: ReadonlySet<string>;
  /** Those that name their schema, by `relationPath`. */
  readonly relations: ReadonlySet<string>;
}

export function projectUse({ projectSql, dialect }: Pick<GatePolicy, "projectSql" | "dialect">): () => ProjectUse {
  let known: ProjectUse | null = null;
  const read = (): ProjectUse => {
    const calls = new Set<string>();
    const relations = new Set<string>();
    for (const sql of projectSql()) {
      const read = readTokens(sql, dialect);
      if (!("tokens" in read)) continue;
      const { tokens } = read;
      for (const [index, token] of tokens.entries()) {
        if (!isName(token) || tokens[index + 1]?.raw === ".") continue;
        const { path, start } = callAt(tokens, index);
        if (tokens[index + 1]?.raw === "(") calls.add(dotted(path));
        else if (path.length > 1 && /^(from|join)$/.test(keyword(tokens[start - 1]) ?? "")) {
          const [name = "", schema = null, database = null] = [...path].reverse();
          relations.add(relationPath({ database, schema, name }));
        }
      }
    }
    return { calls, relations };
  };
  return () => {
    known ??= read();
    return known;
  };
}
