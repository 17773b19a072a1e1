// The same failing tests in Postgres and in DuckDB, real ones: the same cases with the same counts, in as many statements.

import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, it } from "vitest";
import { postgres } from "../../src/adapters/warehouses/postgres.js";
import { readProject, readRunResults } from "../../src/dbt/artifacts.js";
import type { Result } from "../../src/model/result.js";
import type { Warehouse } from "../../src/model/warehouse.js";
import { sampleTexts } from "../../src/tasks/sample-rows.js";
import { temporaryDuckdb } from "../fakes/warehouse.js";
import { counting, failingProject } from "../rig/failing-tests.js";
import { type PostgresDatabase, sharedPostgres } from "../rig/postgres.js";
import { warehouseContext } from "../rig/warehouse-context.js";
import { checkRows, exported, summaryOf } from "./export-rig.js";

const count = 50;
const states = 5;

let database: PostgresDatabase;
let warehouse: Warehouse;

beforeAll(async () => {
  database = await (await sharedPostgres()).database([]);
  await database.run(["create schema main", "create schema failures", ...tables(database.name)]);
  warehouse = value(await postgres.open(postgres.settings.parse(database.settings), warehouseContext(tmpdir())));
}, 60_000);

afterAll(async () => {
  await warehouse?.close();
  await database?.drop();
});

const tables = (name: string) => failingProject(count, { states, rows: 200, database: name }).tables;

function value<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

async function exportOf(from: Warehouse, name: string) {
  const { manifest, runResults } = failingProject(count, { states, rows: 200, database: name });
  const counted = counting(from);
  const project = value(readProject(JSON.stringify(manifest)));
  const result = await exported(counted.warehouse, project, {
    runResults: value(readRunResults(JSON.stringify(runResults), "")),
  });
  return { result, ...counted };
}

it("finds the same cases, split and counted, in the same number of statements", async () => {
  const local = await temporaryDuckdb(["create schema failures", "begin", ...tables("demo"), "commit"]);
  const there = await exportOf(local.warehouse, "demo");
  const here = await exportOf(warehouse, database.name);
  expect(here.result.broken).toEqual([]);
  expect(here.result.unsplit).toEqual([]);
  expect(here.result.cases).toHaveLength(count * states);
  expect(summaryOf(here.result)).toEqual(summaryOf(there.result));
  expect(here.counts).toEqual(there.counts);
  await local.close();
});

it("samples what it counted, and digests it alike when it is asked again", async () => {
  const [first, again] = [await exportOf(warehouse, database.name), await exportOf(warehouse, database.name)];
  expect(again.result.cases).toEqual(first.result.cases);
  await checkRows(warehouse, { ...first.result, cases: first.result.cases.slice(0, 20) });
  const cases = first.result.cases.filter(({ group }) => group.key === "S1");
  const texts = value(await sampleTexts(cases, warehouse.query, warehouse.dialect, [], (text) => text));
  for (const { id, rows } of cases) {
    expect(texts.get(id)?.trimEnd().split("\n").length).toBe(1 + Math.min(20, rows));
  }
});
