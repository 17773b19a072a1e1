// Loads what dbt's two sources read: dot_portal by its extraction (dot-sync), reference straight from the vendor's feed.
import { join } from "node:path";
import { extract } from "../../dot-sync/extract.mjs";
import { csv, withDatabase } from "./duckdb.mjs";

/** `data` holds portal/ and feed/. */
export async function loadRaw(database, data) {
  await withDatabase(database, async (connection) => {
    await extract(connection, join(data, "portal"));
    await connection.run("create schema if not exists reference");
    for (const table of ["vendors", "item_catalog"]) {
      await connection.run(
        `create or replace table reference.${table} as select * from ${csv(join(data, "feed", `${table}.csv`))}`,
      );
    }
  });
}
