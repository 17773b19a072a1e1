/**
 * What is counted inside of one process, with the program's own modules: a bundle of this is made for the bench.
 * And the audit that it times, as a folder.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { requeryOf } from "../../src/audit/requery.js";
import { loadProject, loadRunResults } from "../../src/dbt/load.js";
import { ok, type Result } from "../../src/model/result.js";
import { sampleTexts } from "../../src/tasks/sample-rows.js";
import { counting, failingProject, type StatementKind, statementKinds } from "../../test/rig/failing-tests.js";
import { warehouseContext } from "../../test/rig/warehouse-context.js";
import { exportConfig, exported } from "../../test/tasks/export-rig.js";

export { statementKinds };

const states = 50;
const testsPerTask = 12;
const queriesPerFinding = 2;

/** A folder in which `count` tests fail in each of 50 states. */
export async function writeAudit(folder: string, count: number): Promise<void> {
  const { tables, manifest, runResults } = failingProject(count, { states });
  const target = join(folder, "project/target");
  await mkdir(target, { recursive: true });
  const instance = await DuckDBInstance.create(join(folder, "demo.duckdb"));
  const connection = await instance.connect();
  for (const sql of ["create schema failures", "begin", ...tables, "commit"]) await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
  await writeFile(join(target, "manifest.json"), JSON.stringify(manifest));
  await writeFile(join(target, "run_results.json"), JSON.stringify(runResults));
  const config = {
    version: 1,
    name: "bench",
    repos: { dbt: { path: "project" } },
    warehouse: { use: "duckdb", path: "demo.duckdb" },
    summary: { artifacts: "project/target" },
    groupBy: "state",
  };
  await writeFile(join(folder, "audit.config.yaml"), JSON.stringify(config));
}

/** Statements by kind: of the export, of the evidence packs of one state's tasks, of two cited queries for each test. */
export async function statementsOf(folder: string): Promise<Record<StatementKind, number>> {
  const warehouse = value(await duckdb.open({ path: join(folder, "demo.duckdb") }, warehouseContext(folder)));
  const counted = counting(warehouse);
  const redactValues = (text: string) => text;
  const target = join(folder, "project/target");
  const project = value(await loadProject(target));
  const runResults = value(await loadRunResults(target, "duckdb"));
  const { cases } = await exported(counted.warehouse, project, { runResults });
  const ownState = cases.filter(({ group }) => group.key === "S1");
  for (let from = 0; from < ownState.length; from += testsPerTask) {
    const task = ownState.slice(from, from + testsPerTask);
    value(await sampleTexts(task, counted.warehouse.query, warehouse.dialect, [], (text) => text));
  }
  const config = exportConfig();
  const signal = new AbortController().signal;
  const room = { config, signal, redactValues, warehouse: async () => ok(counted.warehouse) };
  const requery = requeryOf({ ...room, artifacts: async () => ok({ project, runResults }) }, cases);
  const cited = ownState.flatMap(({ failingRows }) =>
    Array.from({ length: queriesPerFinding }, (_, least) => ({
      sql: `select count(*) as n from (\n${failingRows.sql}\n) as f having count(*) > ${least}`,
      recorded: new Set<string>(),
    })),
  );
  // The first look finds digests to compare with; it asks for each query alone, since none is recorded yet.
  const digests = await requery(cited);
  const before = { ...counted.counts };
  await requery(cited.map(({ sql }) => ({ sql, recorded: new Set([digests.get(sql) ?? ""]) })));
  const evidence = total(counted.counts) - total(before);
  await warehouse.close();
  return {
    ...before,
    columns: before.columns - Math.ceil(cited.length / 20),
    evidence,
    other: before.other - cited.length,
  };
}

function total(counts: Record<StatementKind, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function value<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Error(`${result.failure.message}: ${result.failure.detail ?? ""}`);
  return result.value;
}
