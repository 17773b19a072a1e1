// What DuckDB may be asked: a table of statements, each allowed or refused, on a database that must stay as it is.
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";

const allowed = [
  "select 1",
  "SELECT 1;",
  "select 1; -- and that is all",
  "/* a; b */ select ';' as x",
  "from t",
  "from t select id",
  "table t",
  "values (1), (2)",
  "((select 1))",
  "with a as (select 1) select * from a",
  "with recursive a(n) as (select 1 union all select n + 1 from a where n < 3) select * from a",
  "select 1 union all select 2",
  "select * from t where id in (select id from t) order by id limit 5",
  "select state, count(*) from t group by all having count(*) > 0",
  "select *, row_number() over (partition by state) as r from t qualify r = 1",
  "select * from range(3), unnest([1, 2])",
  "select * from generate_series(1, 3)",
  "select unnest([1, 2])",
  "select list_transform([1], x -> x + 1)",
  "select * from (pivot t on state in ('VA') using count(*))",
  "select 'delete from t'",
  "select * from duckdb_tables()",
  "select * from information_schema.columns limit 1",
  "select * from pragma_table_info('t')",
  "describe t",
  "show tables",
  "summarize t",
];

const refused = [
  "",
  "   ",
  "-- nothing",
  "select 1; select 2",
  "select 1; delete from t",
  "select 1\0; delete from t",
  "delete from t",
  "insert into t values (1, 'x')",
  "update t set id = 2",
  "merge into t using t as u on true when matched then delete",
  "truncate t",
  "with d as (delete from t returning *) select * from d",
  "select * into z from t",
  "select * from t for update",
  "create table z as select 1",
  "create temp table z as select 1",
  "create temp view z as select 1",
  "create temp macro z(x) as x",
  "create sequence q",
  "drop table t",
  "alter table t add column q int",
  "comment on table t is 'x'",
  "prepare x as delete from t",
  "prepare x as select 1",
  "execute x",
  "deallocate x",
  "load json",
  "install httpfs",
  "vacuum",
  "checkpoint",
  "force checkpoint",
  "attach ':memory:' as q",
  "detach demo",
  "use demo",
  "set threads = 1",
  "reset threads",
  "set variable x = 1",
  "begin",
  "commit",
  "call pragma_table_info('t')",
  "call enable_logging()",
  "pragma enable_profiling",
  "pragma table_info('t')",
  "explain select 1",
  "explain analyze select 1",
  "pivot t on state using count(*)",
  "copy t to '/tmp/never-written.csv'",
  "copy (select 1) to '/tmp/never-written.csv'",
  "export database '/tmp/never-written'",
  "import database '/tmp/never-written'",
  "select nextval('s')",
  "select write_log('x')",
  "select * from enable_logging(level = 'debug')",
  "select * from disable_logging()",
  "select * from checkpoint()",
  "select * from force_checkpoint('demo')",
  "select * from query('select 1')",
  "select * from t, lateral (select * from query('select 1'))",
  "select (select count(*) from \"query\"('select 1'))",
  "with a as (from enable_profiling()) select 1",
  "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
  "select * from read_csv('/etc/passwd')",
  "select * from read_text('/etc/passwd')",
  "select * from read_duckdb('/tmp/other.duckdb')",
  "select * from glob('/etc/*')",
  "select * from sniff_csv('/etc/passwd')",
  "select * from duckdb_secrets()",
  "select * from duckdb_logs()",
  "select $1",
  "select ?",
];

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await temporaryDuckdb([
    "create table t as select 1 as id, 'VA' as state",
    "create sequence s",
    "create view all_t as select * from t",
  ]);
});
afterAll(() => temporary.close());

describe("the gate of DuckDB", () => {
  it.each(allowed)("lets %j through", async (sql) => {
    const result = await temporary.warehouse.query(sql);
    expect(result.ok ? "ok" : result.failure).toBe("ok");
  });

  it.each(refused)("refuses %j", async (sql) => {
    const result = await temporary.warehouse.query(sql);
    expect(result.ok ? "ok" : result.failure.code).toBe("query-refused");
    expect(result.ok ? "" : result.failure.message).toMatch(/^the query is refused: \w/);
  });

  it("leaves files alone that are named like tables", async () => {
    const result = await temporary.warehouse.query("select * from '/etc/passwd.csv'");
    expect(result.ok ? "ok" : result.failure.message).toMatch(/disabled by configuration/);
  });

  it("has changed nothing after all of that", async () => {
    const { warehouse, folder } = temporary;
    const result = await warehouse.query("select count(*) from all_t");
    expect(result.ok && result.value.rows).toEqual([["1"]]);
    const tables = await warehouse.query("select table_name from duckdb_tables()");
    expect(tables.ok && tables.value.rows).toEqual([["t"]]);
    expect((await readdir(folder)).sort()).toEqual(["demo.duckdb", "scratch"]);
  });
});
