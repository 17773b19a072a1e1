// The demo, replayed with Node alone: export must find every planted fault of truth.yaml, and nothing else; and it must
// make the same cases from the summary table.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { loadProject, loadRunResults } from "../../src/dbt/load.js";
import type { Export } from "../../src/model/case.js";
import type { Project, RunResults } from "../../src/model/project.js";
import type { Warehouse } from "../../src/model/warehouse.js";
import { warehouseContext } from "../rig/warehouse-context.js";
import { checkRows, exportConfig, exported } from "./export-rig.js";

const demo = fileURLToPath(new URL("../../examples/dot-bids/", import.meta.url));

let folder: string;
let warehouse: Warehouse;
let project: Project;
let runResults: RunResults;
/** From run_results.json. */
let result: Export;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-demo-"));
  const database = join(folder, "dot_bids.duckdb");
  const target = join(folder, "target");
  const script = [join(demo, "build.mjs"), "--replay", "--database", database, "--target", target];
  // Failing tests are the demo's normal end: exit code 1.
  await promisify(execFile)(process.execPath, script).catch((error: { code?: unknown; stderr?: string }) => {
    if (error.code !== 1) throw new Error(error.stderr);
  });
  const [readProject, readResults, opened] = await Promise.all([
    loadProject(target),
    loadRunResults(target),
    duckdb.open({ path: database }, warehouseContext(folder)),
  ]);
  if (!readProject.ok || !readResults.ok || !opened.ok) throw new Error("the demo could not be read");
  project = readProject.value;
  runResults = readResults.value;
  warehouse = opened.value;
  result = await exported(warehouse, project, { runResults });
}, 60_000);

afterAll(async () => {
  await warehouse.close();
  await rm(folder, { recursive: true, force: true });
});

interface Fault {
  readonly test: string;
  readonly groups: Readonly<Record<string, number>>;
  readonly rows?: Readonly<Record<string, number>>;
}

it("gives every planted fault with its counts, and nothing else", async () => {
  const truth = parse(await readFile(join(demo, "truth.yaml"), "utf8")) as { faults: Fault[] };
  const planted = truth.faults.flatMap(({ test, groups, rows }) =>
    Object.entries(groups).map(([group, failures]) => `${test}@${group} ${failures}/${rows?.[group] ?? failures}`),
  );
  const found = result.cases.map((each) => `${each.id} ${each.failures}/${each.rows}`);
  expect(found.sort()).toEqual(planted.sort());
  expect(found).toContain("bid_extension_total_wrong@VA 127/127");
  expect(found).toContain("duplicate_identifier@VA 3/3");
  expect(result).toMatchObject({ unsplit: [], broken: [], orphans: [], noLongerFailing: [] });
  await checkRows(warehouse, result);
});

it("makes the same cases from the summary table as from run_results.json", async () => {
  const found = await warehouse.query(
    "select database_name || '.' || schema_name || '.' || table_name from duckdb_tables() where table_name = 'marts_test_failures_summary'",
  );
  const relation = (found.ok ? found.value.rows[0]?.[0] : null) ?? "";
  const columns = { test: "test_name", group: null, failures: "failures" };
  const config = exportConfig({ summary: { table: { relation, columns } } });
  const fromTable = await exported(warehouse, project, { config, runResults: null });
  expect(fromTable.cases).toEqual(result.cases);
  expect(fromTable.source).toBe("summary-table");
});

it("gives the same digests in another process of the database", async () => {
  const again = await duckdb.open({ path: join(folder, "dot_bids.duckdb") }, warehouseContext(folder));
  if (!again.ok) throw new Error(again.failure.message);
  expect((await exported(again.value, project, { runResults })).cases).toEqual(result.cases);
  await again.value.close();
});
