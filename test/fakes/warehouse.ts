/**
 * Warehouses for tests: a real DuckDB file, or a database of a real Postgres server, made on the spot and opened through
 * the adapter; and a recorder around one. There is no pretend warehouse here: the real ones start quickly.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { postgres } from "../../src/adapters/warehouses/postgres.js";
import { snowflake } from "../../src/adapters/warehouses/snowflake.js";
import type { Result } from "../../src/model/result.js";
import type { Warehouse } from "../../src/model/warehouse.js";
import { type PostgresDatabase, sharedPostgres } from "../rig/postgres.js";
import { type StandIn, sharedStandIn } from "../rig/snowflake/stand-in.js";
import { warehouseContext } from "../rig/warehouse-context.js";

export interface TemporaryWarehouse {
  readonly warehouse: Warehouse;
  /** Another one on the same data; its taker closes it. */
  open(): Promise<Warehouse>;
  /** Folder with `<name>.duckdb` and the scratch folder. */
  readonly folder: string;
  readonly file: string;
  /** Closes the warehouse and removes the folder. */
  close(): Promise<void>;
}

/** Runs the statements in a new database file, as dbt would, and closes it. */
export async function writeDuckdb(file: string, statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A warehouse whose catalog is called `demo` and holds what the statements make. */
export async function temporaryDuckdb(statements: readonly string[]): Promise<TemporaryWarehouse> {
  const folder = await mkdtemp(join(tmpdir(), "audit-run-duckdb-"));
  const file = join(folder, "demo.duckdb");
  await writeDuckdb(file, statements);
  const open = () =>
    opened(duckdb.open({ path: file }, warehouseContext(folder, { scratchDir: join(folder, "scratch") })));
  const warehouse = await open();
  return {
    warehouse,
    open,
    folder,
    file,
    async close() {
      await warehouse.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface TemporaryPostgres {
  readonly warehouse: Warehouse;
  open(): Promise<Warehouse>;
  readonly database: PostgresDatabase;
  close(): Promise<void>;
}

/** A warehouse on a database of its own that holds what the statements make; opened as one who may only read. */
export async function temporaryPostgres(
  statements: readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
): Promise<TemporaryPostgres> {
  const server = await sharedPostgres();
  const database = await server.database(statements);
  const settings = postgres.settings.parse({ ...database.settings, ...changes });
  const open = () => opened(postgres.open(settings, warehouseContext(tmpdir())));
  const warehouse = await open();
  return {
    warehouse,
    open,
    database,
    async close() {
      await warehouse.close();
      await database.drop();
    },
  };
}

export interface TemporarySnowflake {
  readonly warehouse: Warehouse;
  open(): Promise<Warehouse>;
  readonly standIn: StandIn;
  readonly database: string;
  readonly schema: string;
  close(): Promise<void>;
}

let databases = 0;

/** A database of its own in the stand-in for Snowflake, with what the statements make. */
export async function temporarySnowflake(
  statements: readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
): Promise<TemporarySnowflake> {
  const standIn = await sharedStandIn();
  databases += 1;
  const [database, schema] = [`TEST_${databases}`, "PUBLIC"];
  await standIn.run(database, schema, statements);
  const settings = snowflake.settings.parse({ ...standIn.settings(database, schema), ...changes });
  const open = () => opened(snowflake.open(settings, warehouseContext(tmpdir())));
  const warehouse = await open();
  return { warehouse, open, standIn, database, schema, close: () => warehouse.close() };
}

async function opened(opening: Promise<Result<Warehouse>>): Promise<Warehouse> {
  const result = await opening;
  if (result.ok) return result.value;
  const { message, hint = "", detail = "" } = result.failure;
  throw new Error(`${message}: ${hint} ${detail}`);
}

/** The same warehouse, and the SQL of every query that went through it. `describe` counts as one. */
export function recorded(warehouse: Warehouse): { readonly warehouse: Warehouse; readonly statements: string[] } {
  const statements: string[] = [];
  return {
    statements,
    warehouse: {
      ...warehouse,
      query: (sql, options) => {
        statements.push(sql);
        return warehouse.query(sql, options);
      },
      describe: (relations) => {
        statements.push("describe");
        return warehouse.describe(relations);
      },
    },
  };
}
