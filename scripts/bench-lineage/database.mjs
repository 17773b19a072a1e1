// One DuckDB file for a project: raw tables in, seeds from dbt's CSV files. Knows neither dbt nor faults.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/** Opens, hands its connection to `use`, and closes it whatever happens. */
export async function withDatabase(path, use) {
  const instance = await DuckDBInstance.create(path, { threads: "1" });
  try {
    const connection = await instance.connect();
    try {
      return await use(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** `schema.table` → {columns, rows}; made anew. */
export async function loadTables(connection, tables) {
  const folder = mkdtempSync(join(tmpdir(), "bench-lineage-rows-"));
  mkdirSync(folder, { recursive: true });
  try {
    for (const [name, { columns, rows }] of Object.entries(tables)) {
      await connection.run(`create schema if not exists ${name.split(".")[0]}`);
      const file = join(folder, "rows.json");
      writeFileSync(
        file,
        rows
          .map((row) => JSON.stringify(Object.fromEntries(columns.map(([column], index) => [column, row[index]]))))
          .join("\n"),
      );
      const types = columns.map(([column, type]) => `'${column}': '${type}'`).join(", ");
      await connection.run(
        `create or replace table ${name} as select * from read_json('${file}', columns = {${types}}, format = 'newline_delimited')`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As text and as objects by column name. */
export async function rowsOf(connection, sql) {
  const reader = await connection.runAndReadAll(sql);
  const names = reader.columnNames();
  return reader.getRows().map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
}
