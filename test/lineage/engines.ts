/**
 * Where the rig's projects are built: DuckDB in memory, a database of a real Postgres server, or one of Snowflake's stand-in. The specs are written in
 * DuckDB's SQL; each engine says what it needs otherwise. Knows no walk.
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Relation } from "../../src/model/project.js";
import { relationKey } from "../../src/model/relation.js";
import { failed, ok } from "../../src/model/result.js";
import type { Cell, Column, Dialect, Query, QueryResult, Warehouse } from "../../src/model/warehouse.js";
import { duckdb } from "../../src/sql/duckdb.js";
import { postgres } from "../../src/sql/postgres.js";
import { snowflake } from "../../src/sql/snowflake.js";
import { type TemporaryPostgres, temporaryPostgres, temporarySnowflake } from "../fakes/warehouse.js";

export interface Engine {
  readonly dialect: Dialect;
  readonly database: string;
  /** Replaces the schema `rig` by what the statements make. */
  rebuild(statements: readonly string[]): Promise<void>;
  readonly query: Query;
  readonly describe: Warehouse["describe"];
  /** A spec's SQL as this engine spells it. */
  adapt(sql: string): string;
  /** A name that nobody quoted, as it is stored. */
  stored(name: string): string;
}

/** An engine is started once for a file's tests, which run one after another. */
export const engines: Readonly<Record<Dialect["name"], () => Promise<Engine>>> = {
  duckdb: once(inDuckdb),
  postgres: once(inPostgres),
  snowflake: once(inSnowflake),
};

/**
 * Where the tests of a file run. Snowflake's stand-in takes a minute for them, so that test/long/lineage-snowflake.test.ts asks
 * for it, by this variable.
 */
export const enginesHere: readonly (keyof typeof engines)[] =
  process.env.LINEAGE_ENGINE === "snowflake" ? ["snowflake"] : ["duckdb", "postgres"];

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function inDuckdb(): Promise<Engine> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection: DuckDBConnection = await instance.connect();
  // Planning costs the most here.
  await connection.run("pragma disable_optimizer");
  const run = async (sql: string): Promise<QueryResult> => {
    const reader = await connection.runAndReadAll(sql);
    const types = reader.columnTypes().map((type) => String(type));
    const columns = reader.columnNames().map((name, index) => ({ name, type: types[index] ?? "" }));
    const rows = reader.getRows().map((row) => row.map((cell): Cell => (cell === null ? null : String(cell))));
    return { columns, rows, truncated: false };
  };
  return {
    dialect: duckdb,
    database: "memory",
    async rebuild(statements) {
      for (const sql of ["drop schema if exists rig cascade", "create schema rig", ...statements])
        await connection.run(sql);
    },
    query: (sql) => run(sql).then(ok, (error: unknown) => failed("query-failed", String(error))),
    async describe(relations) {
      const map = new Map<string, readonly Column[]>();
      for (const relation of relations) {
        const table = await run(`select * from ${duckdb.relation(relation)} limit 0`).catch(() => null);
        if (table !== null) map.set(relationKey(relation), table.columns);
      }
      return ok(map);
    },
    adapt: (sql) => sql,
    stored: (name) => name,
  };
}

/** `range` of DuckDB: from 0, without its end. */
const range = [
  "create function range(bigint) returns setof bigint language sql immutable as 'select generate_series(0, $1 - 1)'",
  "create function range(bigint, bigint) returns setof bigint language sql immutable as 'select generate_series($1, $2 - 1)'",
];

async function inPostgres(): Promise<Engine> {
  const temporary: TemporaryPostgres = await temporaryPostgres(range);
  const { warehouse, database } = temporary;
  return {
    dialect: postgres,
    database: database.name,
    rebuild: (statements) => database.run(["drop schema if exists rig cascade", "create schema rig", ...statements]),
    query: warehouse.query,
    describe: (relations: readonly Relation[]) => warehouse.describe(relations),
    adapt: (sql) =>
      sql
        // What a user of Postgres writes instead: a cast of what looks like a number.
        .replaceAll(
          /try_cast\(((?:[^()]|\([^()]*\))+?) as ([^()]+(?:\([^()]*\))?)\)/g,
          "case when $1 ~ '^-?[0-9]+$$' then cast($1 as $2) end",
        )
        .replaceAll(/unnest\(\[(.*?)\]\)/g, "unnest(array[$1])"),
    stored: (name) => name,
  };
}

async function inSnowflake(): Promise<Engine> {
  const { warehouse, standIn, database } = await temporarySnowflake([]);
  return {
    dialect: snowflake,
    database,
    async rebuild(statements) {
      await standIn.run(database, "PUBLIC", [
        'drop schema if exists "rig" cascade',
        'create schema "rig"',
        ...statements,
      ]);
    },
    query: warehouse.query,
    describe: (relations: readonly Relation[]) => warehouse.describe(relations),
    adapt: (sql) => sql,
    stored: (name) => name.toUpperCase(),
  };
}
