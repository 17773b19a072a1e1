/**
 * The one home of the SQL parser: a statement in a warehouse's dialect → a tree as plain data, and back.
 * Knows no rule of what a statement may be and no names.
 */
import type { Dialect } from "../model/warehouse.js";

export interface SqlParser {
  /** The tree of exactly one statement; null where it cannot be read as one. */
  parse(sql: string): unknown;
  /** SQL of a tree; null where the generator refuses. */
  generate(tree: unknown): string | null;
}

/** Loads the parser (0.3–0.7 s, once a process). It traps on wild input: that reads as SQL that cannot be parsed. */
export async function loadParser(dialect: Dialect["name"]): Promise<SqlParser> {
  const { Dialect: Known, generate, parse } = await import("@polyglot-sql/sdk");
  const name = { duckdb: Known.DuckDB, snowflake: Known.Snowflake, postgres: Known.PostgreSQL }[dialect];
  return {
    parse(sql) {
      try {
        const answer = parse(sql, name);
        const all: readonly unknown[] = answer.success && Array.isArray(answer.ast) ? answer.ast : [];
        return all.length === 1 ? all[0] : null;
      } catch {
        return null;
      }
    },
    generate(tree) {
      try {
        const answer = generate([tree] as Parameters<typeof generate>[0], name);
        return answer.success ? (answer.sql?.[0] ?? null) : null;
      } catch {
        return null;
      }
    },
  };
}
