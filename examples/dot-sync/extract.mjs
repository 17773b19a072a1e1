// dot-sync: loads what the state DOT portals publish into the warehouse, as it was published, into schema `raw`.
// It types and repairs nothing (that is dbt's work), and knows no state by name: each folder of the portal is one.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";

const text = (value) => `'${String(value).replaceAll("'", "''")}'`;

/** The key under which everything downstream knows a letting: the state and its own number for it. */
const lettingKey = "state || '-' || letting_id";

const tables = {
  lettings: `
    ${lettingKey} as letting_key, state, letting_id, letting_date, district, contract_type, status, award_date,
    working_days, engineer_estimate`,
  bids: `
    bid_id, ${lettingKey} as letting_key, state, vendor_id, bids_value, bid_rank, status`,
  line_items: `
    line_item_id, bid_id, state, item_code, quantity, unit, unit_price, ext_total`,
};

/**
 * Loads every state's files.
 * @param {import("@duckdb/node-api").DuckDBConnection} connection its current database is the warehouse
 * @param {string} portal folder with one folder a state, each with lettings.csv, bids.csv and line_items.csv
 */
export async function extract(connection, portal) {
  const entries = await readdir(portal, { withFileTypes: true });
  const states = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  if (states.length === 0) throw new Error(`no state folders in ${portal}`);
  await connection.run("create schema if not exists raw");
  for (const [table, columns] of Object.entries(tables)) {
    const published = states
      .sort()
      .map((state) => `select ${text(state)} as state, * from ${csv(join(portal, state, `${table}.csv`))}`);
    // The portal's pages overlap, so that a row may be published twice: distinct keeps one of them.
    await connection.run(
      `create or replace table raw.${table} as
       select distinct ${columns} from (${published.join(" union all ")}) order by all`,
    );
  }
}

/** Everything is text here: `00123` stays `00123`; an empty cell is null. */
function csv(path) {
  return `read_csv(${text(path)}, header = true, all_varchar = true)`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [portal, database] = process.argv.slice(2);
  if (!portal || !database) {
    console.error("usage: node extract.mjs <folder of the portal's files> <DuckDB file>");
    process.exit(2);
  }
  const instance = await DuckDBInstance.create(database);
  const connection = await instance.connect();
  await extract(connection, portal);
  connection.closeSync();
  instance.closeSync();
}
