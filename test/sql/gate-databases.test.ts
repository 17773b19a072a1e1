/**
 * What the gate lets through changes nothing: run in real databases, on a handle that could write, in the form in which the
 * gate hands it on. Postgres takes several statements at a time there, and the role may do everything.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadGate } from "../../src/sql/gate.js";
import { gatePolicy } from "../rig/gate.js";
import { type PostgresDatabase, sharedPostgres } from "../rig/postgres.js";
import { postgresFields, statements } from "./statements.js";

const tables = (main: string): readonly string[] => [
  "create schema failures",
  "create schema vault",
  `create table ${main}.bids (bid_id integer, state varchar(20), amount decimal(38, 2))`,
  `insert into ${main}.bids values (1, 'VA', 10.00), (2, 'TX', 0.10), (3, null, null)`,
  "create table failures.failed (bid_id integer, state varchar(20))",
  "insert into failures.failed values (1, 'VA')",
  "create table vault.keys (secret integer)",
  "insert into vault.keys values (42)",
  "create sequence numbers",
];

const wrapped = (sql: string): string =>
  `with given as (select 1 as one), asked as (${sql.replace(/[;\s]+$/, "")}\n) select count(*) from asked`;

describe("in DuckDB", { timeout: 120_000 }, () => {
  let folder: string;
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "audit-run-gate-"));
    instance = await DuckDBInstance.create(join(folder, "demo.duckdb"));
    connection = await instance.connect();
    for (const sql of tables("main")) await connection.run(sql);
  });
  afterAll(async () => {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  });

  const rows = async (sql: string) => (await connection.run(sql)).getRowsJson();
  const whole = async (): Promise<string> => {
    const names = (await rows("select schema_name || '.' || table_name from duckdb_tables() order by 1")).flat();
    const held = await Promise.all(names.map((name) => rows(`select t::varchar from ${name} as t order by 1`)));
    const catalog = [
      "select database_name, schema_name, table_name, sql from duckdb_tables() order by all",
      "select schema_name, view_name, sql from duckdb_views() where not internal order by all",
      "select schema_name, sequence_name, last_value from duckdb_sequences() order by all",
      "select schema_name, function_name from duckdb_functions() where not internal order by all",
      "select name, value from duckdb_settings() order by all",
      "select database_name, path from duckdb_databases() order by all",
      "select name from duckdb_variables() order by all",
      "select name from duckdb_prepared_statements() order by all",
    ];
    return JSON.stringify([names, held, await Promise.all(catalog.map(rows))]);
  };

  it("no statement that is let through changes anything, and each gives a result", async () => {
    const gate = await loadGate(gatePolicy("duckdb"));
    const before = await whole();
    for (const sql of statements.duckdb.allowed.flatMap((each) => [each, wrapped(each)])) {
      const admitted = gate.admit(sql, 1_001);
      if (!admitted.ok) throw new Error(`${sql}: ${admitted.failure.message}`);
      const given = await rows(admitted.value).catch((error: Error) => error.message);
      expect(given, admitted.value).toBeInstanceOf(Array);
    }
    expect(await whole()).toBe(before);
  });

  it("the digest tells a changed row, sequence, setting and catalog", async () => {
    const before = await whole();
    const changes = [
      "update bids set amount = amount where false; update bids set amount = 11 where bid_id = 1",
      "select nextval('numbers')",
      "set threads = 3",
      "create macro twice(x) as x * 2",
    ];
    const seen = new Set([before]);
    for (const change of changes) {
      await connection.run(change);
      seen.add(await whole());
    }
    expect(seen.size).toBe(changes.length + 1);
  });
});

describe("in Postgres, by a superuser", { timeout: 120_000 }, () => {
  let database: PostgresDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    const server = await sharedPostgres();
    database = await server.database([
      ...tables("public"),
      "create function bump() returns integer language sql as 'insert into public.bids values (9, ''x'', 1) returning 1'",
      "create function bump(integer) returns integer language sql as 'insert into public.bids values (9, ''x'', 1) returning 1'",
      "create function bump(integer, integer) returns boolean language sql as 'insert into public.bids values (9, ''x'', 1) returning true'",
      "create operator <<<< (leftarg = integer, rightarg = integer, function = bump)",
    ]);
    client = new pg.Client({
      host: server.socketDir,
      port: server.port,
      user: server.admin.user,
      database: database.name,
    });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  /** One connection for all: a new one for each of some hundred statements takes seconds. */
  const rows = async (sql: string): Promise<unknown[][]> => {
    const answer = await client.query({ text: sql, rowMode: "array" });
    return answer.rows;
  };

  const whole = async (): Promise<string> => {
    const named = await rows(
      "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname !~ '^(pg_|information_schema)' order by 1",
    );
    const names = named.map(([name]) => name);
    const all = [
      ...names.map((name) => `select t::text from ${name} as t order by 1`),
      "select sequencename, last_value::text from pg_sequences order by 1",
      "select relname, relkind::text from pg_class order by 1, 2",
      "select proname, proowner::text from pg_proc where pronamespace <> 'pg_catalog'::regnamespace order by 1",
      "select oid::text from pg_largeobject_metadata order by 1",
      "select rolname, rolsuper::text from pg_roles order by 1",
      "select name, setting from pg_settings where name not in ('transaction_isolation') order by 1",
    ];
    const held = [];
    for (const sql of all) held.push(await rows(sql));
    return JSON.stringify([names, held]);
  };

  it("no statement that is let through changes anything, and each gives a result", async () => {
    const gate = await loadGate(gatePolicy("postgres"));
    const before = await whole();
    for (const sql of statements.postgres.allowed.flatMap((each) => [each, wrapped(each)])) {
      const admitted = gate.admit(sql, 1_001);
      if (!admitted.ok) throw new Error(`${sql}: ${admitted.failure.message}`);
      const given = await rows(admitted.value).catch((error: Error) => error.message);
      expect(given, admitted.value).toBeInstanceOf(Array);
    }
    expect(await whole()).toBe(before);
  });

  it.each(postgresFields)("a function is called by its name behind a dot, which is refused: %s", async (sql) => {
    const answer = (await loadGate(gatePolicy("postgres"))).admit(sql, 1);
    expect(answer.ok ? "allowed" : answer.failure.detail).toMatch(/^field-of-expression: /);
    await rows("begin");
    const given = await rows(sql).catch((error: Error) => error.message);
    await rows("rollback");
    expect(given, sql).toBeInstanceOf(Array);
  });

  it.each([
    "select x.pg_read_file from (select '/etc/hostname'::text) x",
    "with x as (select '/etc/hostname'::text as a) select x.pg_read_file from x",
    "select x.ts_stat from (values ('select 1')) x",
    "select x.pg_read_file from xmltable('/a' passing xml '<a>/etc/hostname</a>' columns a text path '.') x",
    "select x.bump from (select 1 as n) x",
    "select j.bump from (unnest(array[1]) x join bids b on true) as j",
    "select b.pg_read_file from bids b",
  ])("a row is no argument of Postgres's functions of one value: %s", async (sql) => {
    await expect(rows(sql)).rejects.toThrow(/does not exist|no function matches/);
  });

  it("what is refused for its function, its operator or its write would have changed something", async () => {
    const gate = await loadGate(gatePolicy("postgres"));
    for (const sql of [
      "select bump()",
      "select 1 <<<< 2",
      "select nextval('numbers')",
      "with d as (delete from bids where bid_id = 9 returning *) select count(*) from d",
      "select lo_from_bytea(0, 'x')",
      "select 1 into t",
    ]) {
      expect(gate.admit(sql, 1).ok).toBe(false);
      const before = await whole();
      await rows(sql);
      expect(await whole(), sql).not.toBe(before);
    }
  });
});
