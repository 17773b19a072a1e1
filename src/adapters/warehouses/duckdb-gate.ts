/**
 * The read-only gate of DuckDB: DuckDB's own parser says what a text is; only one SELECT passes.
 * A read-only handle alone is not enough: it lets PREPARE … DELETE, LOAD, VACUUM and CREATE TEMP through, and
 * `select * from enable_logging(…)` makes every later query fail and then kills the process (seen in 1.5.6).
 */
import type { DuckDBConnection, DuckDBPreparedStatement } from "@duckdb/node-api";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import { duckdb as dialect } from "../../sql/duckdb.js";
import { duckdbDriver } from "./duckdb-api.js";
import { failureOf } from "./duckdb-errors.js";

/** Functions in FROM that only compute or read the catalog. All others read files, run SQL or change settings. */
const tableFunctions =
  /^(range|generate_series|unnest|repeat|repeat_row|summary|json_each|json_tree|test_all_types|query_table|pragma_(table_info|show|storage_info|version|database_size)|show_tables|show_tables_expanded|duckdb_(columns|constraints|databases|dependencies|functions|indexes|keywords|schemas|sequences|settings|tables|table_sample|types|views)|icu_calendar_names|pg_timezone_names|histogram|histogram_values)$/i;

/** Scalar functions that change something. The read-only handle refuses nextval by itself, but says it less clearly. */
const refusedFunctions = /^(nextval|setseed|write_log|sleep_ms)$/i;

/** Parser errors that mean "this writes", not "this is misspelt". */
const writes = /CTE needs a SELECT|SELECT INTO not supported|locking clause/i;

/** The statement, prepared; the caller destroys it. */
export async function admitSelect(connection: DuckDBConnection, sql: string): Promise<Result<DuckDBPreparedStatement>> {
  if (sql.includes("\0")) return refused("it holds a NUL character");
  const objection = await inspect(connection, sql);
  if (objection !== null) return { ok: false, failure: objection };
  try {
    // The same parser again, now as the driver sees it; nothing has run so far.
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) return refused(`it makes ${statements.count} statements`);
    const statement = await statements.prepare(0);
    const { StatementType } = duckdbDriver();
    const type = statement.statementType;
    const parameters = statement.parameterCount;
    if (type === StatementType.SELECT && parameters === 0) return ok(statement);
    statement.destroySync();
    return refused(parameters > 0 ? "it has parameters without values" : `it is a ${StatementType[type]} statement`);
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

async function inspect(connection: DuckDBConnection, sql: string): Promise<Failure | null> {
  let tree: unknown;
  try {
    const result = await connection.run(`select json_serialize_sql(${dialect.literal(sql)})`);
    tree = JSON.parse(String((await result.getRows())[0]?.[0]));
  } catch (error) {
    return failureOf(error);
  }
  if (!isObject(tree)) return refused("it cannot be read").failure;
  if (tree.error === true) {
    const message = String(tree.error_message);
    if (tree.error_type === "parser" && !writes.test(message)) {
      const { failure } = failed("query-failed", `Parser Error: ${message}`);
      return failure;
    }
    return refused(message.replace(/ can be serialized to json!$/, " may run")).failure;
  }
  const statements = tree.statements;
  const count = Array.isArray(statements) ? statements.length : 0;
  if (count !== 1) return refused(count === 0 ? "it holds no statement" : `it holds ${count} statements`).failure;
  const name = refusedFunction(statements);
  return name === null ? null : refused(`it calls ${name}(), which may do more than read`).failure;
}

/** The first function in the tree that may not be called. A loop, not recursion: a query may nest deeply. */
function refusedFunction(root: unknown): string | null {
  const open: { value: unknown; inFrom: boolean }[] = [{ value: root, inFrom: false }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, inFrom } = next;
    if (Array.isArray(value)) {
      for (const item of value) open.push({ value: item, inFrom: false });
    } else if (isObject(value)) {
      const name = value.function_name;
      if (typeof name === "string" && (inFrom ? !tableFunctions.test(name) : refusedFunctions.test(name))) return name;
      const isTableFunction = value.type === "TABLE_FUNCTION";
      for (const [key, item] of Object.entries(value)) {
        open.push({ value: item, inFrom: isTableFunction && key === "function" });
      }
    }
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(reason: string): { readonly ok: false; readonly failure: Failure } {
  return failed("query-refused", `the query is refused: ${reason}`, {
    hint: "write exactly one SELECT (or WITH … SELECT) that reads tables and views",
  });
}
