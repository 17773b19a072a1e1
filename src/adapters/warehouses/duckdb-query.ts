/**
 * One capped SELECT on one DuckDB connection. Every value becomes text in the database, by its own cast: the driver's
 * objects would lose or reformat some. Knows no file and no instance.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { failed, ok, type Result } from "../../model/result.js";
import type { Cell, Column, QueryOptions, QueryResult } from "../../model/warehouse.js";
import { duckdb as dialect } from "../../sql/duckdb.js";
import { runtimeFailureOf } from "./duckdb-errors.js";
import { admitSelect } from "./duckdb-gate.js";

const defaults = { maxRows: 1_000, maxBytes: 1024 * 1024, timeout: 60_000 };

/** The connection serves this query alone; the caller closes it. */
export async function runSelect(
  connection: DuckDBConnection,
  sql: string,
  options: QueryOptions,
): Promise<Result<QueryResult>> {
  const { maxRows = defaults.maxRows, maxBytes = defaults.maxBytes, timeout = defaults.timeout, signal } = options;
  let stopped: "timeout" | "aborted" | null = null;
  const stop = (reason: "timeout" | "aborted") => {
    stopped ??= reason;
    connection.interrupt();
  };
  const onAbort = () => stop("aborted");
  if (signal?.aborted === true) return failed("aborted", "the query was cancelled");
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => stop("timeout"), timeout);
  const refusal = (): Result<never> | null => {
    if (stopped === "aborted") return failed("aborted", "the query was cancelled");
    if (stopped === "timeout") {
      return failed("query-timeout", `the query took longer than ${timeout} ms`, {
        hint: "narrow the query, or raise timeouts.query in audit.config.yaml",
      });
    }
    return null;
  };
  try {
    const admitted = await admitSelect(connection, sql);
    if (!admitted.ok) return refusal() ?? admitted;
    const statement = admitted.value;
    const columns: Column[] = [];
    for (let index = 0; index < statement.columnCount; index++) {
      columns.push({ name: statement.columnName(index), type: String(statement.columnType(index)) });
    }
    statement.destroySync();
    const rows: Cell[][] = [];
    let bytes = 0;
    const result = await connection.stream(asText(sql, columns.length, maxBytes));
    for (;;) {
      const chunk = await result.fetchChunk();
      const refused = refusal();
      if (refused !== null) return refused;
      if (chunk === null || chunk.rowCount === 0) return ok({ columns, rows, truncated: false });
      const sizes = chunk.getColumnVector(columns.length);
      const vectors = columns.map((_, index) => chunk.getColumnVector(index));
      for (let row = 0; row < chunk.rowCount; row++) {
        if (rows.length >= maxRows) return ok({ columns, rows, truncated: true, truncatedBy: "rows" });
        bytes += Number(sizes.getItem(row));
        if (bytes > maxBytes) return ok({ columns, rows, truncated: true, truncatedBy: "bytes" });
        rows.push(vectors.map((vector) => vector.getItem(row) as Cell));
      }
    }
  } catch (error) {
    return refusal() ?? { ok: false, failure: runtimeFailureOf(error) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * Wraps an admitted SELECT: each column as text, and the row's size in bytes. A row that alone is over the cap comes
 * without its text, so a cell of 200 MB never reaches JavaScript. query() takes the text as it is, with comments,
 * semicolon and duplicate column names. list_sum, since DuckDB binds a long chain of + in quadratic time.
 */
function asText(sql: string, width: number, maxBytes: number): string {
  const indexes = Array.from({ length: width }, (_, index) => index);
  const list = (text: (index: number) => string) => indexes.map(text).join(", ");
  return `select ${list((index) => `case when size <= ${maxBytes} then v${index} end`)}, size
from (select ${list((index) => `v${index}`)}, coalesce(list_sum([${list((index) => `strlen(v${index})`)}]), 0) as size
from (select ${list((index) => `cast(c${index} as varchar) as v${index}`)}
from query(${dialect.literal(sql)}) as t(${list((index) => `c${index}`)})))`;
}
