// One DuckDB file, opened for writing, and its SQL literals. Knows nothing of dbt.
import { DuckDBInstance } from "@duckdb/node-api";

/** Opens the file, hands its connection to `use`, and closes it whatever happens. */
export async function withDatabase(path, use) {
  const instance = await DuckDBInstance.create(path);
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

export const text = (value) => `'${String(value).replaceAll("'", "''")}'`;

export const csv = (path) => `read_csv(${text(path)}, header = true, all_varchar = true)`;
