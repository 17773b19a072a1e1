/**
 * DuckDB's driver, loaded when it is first needed. By `require`: an `import()` of CommonJS reads all of its files once more for
 * the names that they export, which takes twice as long as running them (120 of 200 ms). Knows no database.
 */
import { createRequire } from "node:module";
import type * as driver from "@duckdb/node-api";

export function duckdbDriver(): typeof driver {
  return createRequire(import.meta.url)("@duckdb/node-api") as typeof driver;
}
