/** From DuckDB's exceptions to failures. Knows no query and no file. */
import type { Failure } from "../../model/result.js";

const missing = /^Catalog Error: (Table|View|Schema|Table or view)\b[^\n]* does not exist/i;

/** First lines of the vendor's own message: its "Did you mean" and its marker under the word are worth keeping. */
export function failureOf(error: unknown): Failure {
  const message = firstLines(error);
  // What DuckDB advises here are statements that nobody may run on this handle.
  if (/^Out of Memory Error/i.test(message)) {
    const hint = "let the query read less, or raise warehouse.memoryLimit in audit.config.yaml";
    return { code: "query-failed", message: message.replace(/\nPossible solutions:[\s\S]*$/, ""), hint };
  }
  return { code: missing.test(message) ? "relation-missing" : "query-failed", message };
}

/** The same for an error met while the wrapped query ran: the line that it shows is not the user's. */
export function runtimeFailureOf(error: unknown): Failure {
  const failure = failureOf(error);
  return { ...failure, message: failure.message.replace(/\nLINE \d+:[\s\S]*$/, "") };
}

export function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/^Failed to extract statements: /, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(0, 6)
    .join("\n")
    .slice(0, 2_000);
}

/** Why a database file could not be opened, with the next step. */
export function unreachable(path: string, error: unknown): Failure {
  const detail = firstLines(error);
  const locked = /could not set lock|conflicting lock|being used by another process/i.test(detail);
  const newer = /storage version|newer version|different version/i.test(detail);
  return {
    code: "warehouse-unreachable",
    message: locked
      ? `the DuckDB database '${path}' is being written by another program`
      : newer
        ? `the DuckDB database '${path}' was written by another version of DuckDB`
        : `the DuckDB database '${path}' cannot be opened`,
    hint: locked
      ? "wait until dbt (or the open DuckDB shell) is done with it, then run again"
      : newer
        ? "pin the Python side to the same major version, such as `duckdb<2`"
        : "check that the path names a DuckDB file that you may read; dbt makes it anew with `dbt build`",
    detail,
  };
}
