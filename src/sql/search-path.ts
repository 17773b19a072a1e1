/** Where a warehouse looks for a relation whose schema is not written, asked of the warehouse itself. Knows no driver. */

import { ok, type Result } from "../model/result.js";
import type { Dialect, Query } from "../model/warehouse.js";
import type { SchemaName } from "./gate.js";

const questions: Readonly<Record<Dialect["name"], string>> = {
  duckdb: "select current_database(), current_schema()",
  postgres: "select current_database(), unnest(current_schemas(false))",
  snowflake: "select current_database(), current_schema()",
};

/** Empty where the warehouse cannot tell. Failures: those of a query that another try may pass. */
export async function searchPath(query: Query, dialect: Dialect["name"]): Promise<Result<readonly SchemaName[]>> {
  const answer = await query(questions[dialect]);
  if (!answer.ok) return /^query-(failed|refused)$/.test(answer.failure.code) ? ok([]) : answer;
  const path = answer.value.rows.flatMap(([database = null, schema = null]) =>
    schema === null ? [] : [{ database, schema }],
  );
  // Snowflake's default SEARCH_PATH is `$current, $public`.
  const [first] = path;
  return ok(dialect === "snowflake" && first !== undefined ? [first, { ...first, schema: "PUBLIC" }] : path);
}
