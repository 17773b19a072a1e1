// Cited queries run again: few statements while nothing has changed, and the same answers as if each were asked alone.
import { afterAll, beforeAll, expect, it } from "vitest";
import { requeryOf } from "../../src/audit/requery.js";
import { resultDigest } from "../../src/findings/claims.js";
import { failed, ok } from "../../src/model/result.js";
import type { Warehouse } from "../../src/model/warehouse.js";
import { shownResult } from "../../src/tasks/admission.js";
import { recorded, type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";
import { exportConfig } from "../tasks/export-rig.js";

let database: TemporaryWarehouse;

beforeAll(async () => {
  database = await temporaryDuckdb([
    "create table bids as select i as id, 'S' || i % 5 as state, i::decimal(38, 2) / 3 as amount, timestamptz '2026-02-03 04:05:06+02' as loaded_at, case when i % 2 = 0 then 'x@example.org' end as email from range(3000) t(i)",
  ]);
});
afterAll(() => database.close());

const config = exportConfig({ redactColumns: ["email"], sql: { schemas: ["main"], functions: [] } });
const redactValues = (text: string) => text.replaceAll("S3", "[redacted]");

function roomWith(warehouse: Warehouse) {
  return {
    ...{ config, redactValues, signal: new AbortController().signal },
    warehouse: async () => ok(warehouse),
    artifacts: async () => ok({ project: null, runResults: null }),
  };
}

/** As an admission would have recorded it. */
async function digestOf(sql: string): Promise<string> {
  const result = await database.warehouse.query(sql);
  if (!result.ok) throw new Error(result.failure.message);
  return resultDigest(shownResult(result.value, { config, redactValues }));
}

async function citing(sqls: readonly string[], recordedNow = true) {
  return Promise.all(
    sqls.map(async (sql) => ({ sql, recorded: new Set([recordedNow ? await digestOf(sql) : "another"]) })),
  );
}

const counts = (count: number) =>
  Array.from({ length: count }, (_, index) => `select count(*) as n from bids where id > ${index}`);

it("takes three statements for forty queries whose results are as they were", async () => {
  const { warehouse, statements } = recorded(database.warehouse);
  // Where names are looked for is asked once.
  await requeryOf(roomWith(warehouse), [])(await citing(counts(1)));
  for (const count of [10, 40, 200]) {
    statements.length = 0;
    const queries = await citing(counts(count));
    const digests = await requeryOf(roomWith(warehouse), [])(queries);
    for (const { sql, recorded } of queries) expect([...recorded]).toEqual([digests.get(sql)]);
    expect(statements).toHaveLength(Math.ceil(count / 20) + Math.ceil(count / 40));
  }
});

const shapes = [
  "select * from bids where id < 30",
  "select id, state, amount, loaded_at from bids where id < 3 order by id desc;",
  "-- first\nselect state /* ) */, count(*) from bids group by 1 -- last",
  "with f as (select * from bids where email is null) select count(*) as n, ')' as text from f",
  "select id as a, id + 1 as a from bids where id < 3",
  "select sum(amount), null, [1, 2] as list, {'a': 1} as struct from bids",
  "select id from bids where id < 1000",
  "select 1 where false",
];

it("tells for queries of every shape what they tell when they are asked alone", async () => {
  const digests = await requeryOf(roomWith(database.warehouse), [])(await citing(shapes));
  for (const sql of shapes) expect([sql, digests.get(sql)]).toEqual([sql, await digestOf(sql)]);
});

it("asks alone what is cut off, and gets the same part of it", async () => {
  const { warehouse, statements } = recorded(database.warehouse);
  const sql = "select id from bids order by id";
  const digests = await requeryOf(roomWith(warehouse), [])(await citing([sql]));
  expect(digests.get(sql)).toBe(await digestOf(sql));
  expect(statements.at(-1)).toBe(`${sql}\nlimit 1001`);
});

it("asks alone what has another result now, and takes that one", async () => {
  const { warehouse, statements } = recorded(database.warehouse);
  const same = await citing(counts(30));
  const [changed = { sql: "", recorded: new Set<string>() }] = await citing(["select max(id) as m from bids"], false);
  const digests = await requeryOf(roomWith(warehouse), [])([...same, changed]);
  expect(digests.get(changed.sql)).toBe(await digestOf(changed.sql));
  expect(statements.filter((sql) => sql === `${changed.sql}\nlimit 1001`)).toHaveLength(1);
  // One asks where names are looked for.
  expect(statements).toHaveLength(1 + 2 + 1 + 1);
});

it("tells a query without a result from one that the world kept from running", async () => {
  const gone = { sql: "select * from gone", recorded: new Set(["before"]) };
  expect(await requeryOf(roomWith(database.warehouse), [])([gone])).toEqual(new Map([[gone.sql, null]]));
  for (const code of ["warehouse-unreachable", "query-timeout", "aborted"] as const) {
    const away = { ...database.warehouse, query: async () => failed(code, "not now") };
    expect(await requeryOf(roomWith(away), [])([gone])).toEqual(new Map([[gone.sql, undefined]]));
  }
  const closed = { ...roomWith(database.warehouse), warehouse: async () => failed("warehouse-unreachable", "away") };
  expect(await requeryOf(closed, [])([gone])).toEqual(new Map([[gone.sql, undefined]]));
});

it("lets no query speak for another one", async () => {
  const forged = { sql: "select 1 as n) as cited union all select 1, '7' from (select 1", recorded: new Set(["x"]) };
  const [honest = { sql: "", recorded: new Set<string>() }] = await citing(["select 3 as n"]);
  const digests = await requeryOf(roomWith(database.warehouse), [])([forged, honest]);
  expect(digests.get(honest.sql)).toBe(await digestOf(honest.sql));
  expect(digests.get(forged.sql)).toBeNull();
});
