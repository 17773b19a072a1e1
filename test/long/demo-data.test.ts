/**
 * The demo is what it says: its replay equals a real dbt's build row for row, and truth.yaml equals what fails.
 * Real dbt comes from the venv that `npm test` sets up; without it these tests fail, they do not skip.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");
const demo = join(root, "examples/dot-bids");
const dbt = join(root, ".test-tools/venv/bin/dbt");

interface Outcome {
  readonly code: number;
  readonly output: string;
}

interface Built {
  readonly outcome: Outcome;
  readonly database: string;
  readonly target: string;
}

interface ManifestNode {
  readonly name: string;
  readonly resource_type: string;
  readonly relation_name: string;
  readonly column_name: string | null;
  readonly depends_on: { readonly nodes?: readonly string[] };
  readonly original_file_path: string;
}

interface Manifest {
  readonly nodes: Readonly<Record<string, ManifestNode>>;
  readonly sources: Readonly<Record<string, ManifestNode>>;
}

interface Fault {
  readonly id: string;
  readonly test: string;
  readonly groups: Readonly<Record<string, number>>;
  readonly rows?: Readonly<Record<string, number>>;
  readonly enters: { readonly resource?: string; readonly repo?: string; readonly file?: string } | null;
  readonly category: string;
  readonly lineage: { readonly category: string; readonly node: string | null; readonly repo?: string };
}

interface Truth {
  readonly clean: readonly string[];
  readonly faults: readonly Fault[];
}

let folder: string;
let real: Built;
let replayed: Built;

beforeAll(async () => {
  if (!existsSync(dbt)) throw new Error("no dbt in .test-tools/venv; run npm test");
  folder = await mkdtemp(join(tmpdir(), "audit-run-demo-"));
  [real, replayed] = await Promise.all([build("real", "--dbt", dbt), build("replayed", "--replay")]);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("both builds end as dbt does when tests fail", () => {
  expect(real.outcome).toMatchObject({ code: 1 });
  expect(replayed.outcome).toMatchObject({ code: 1 });
  expect(real.outcome.output).toContain(`building with ${dbt}`);
  expect(replayed.outcome.output).toContain("replaying");
  expect(replayed.outcome.output).not.toContain("OLD code");
});

test("the replay holds every table and view of real dbt's build, row for row", async () => {
  const expected = await allRows(real.database);
  const actual = await allRows(replayed.database);
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  expect([...expected.keys()]).toContain("dbt_demo_marts.marts_test_failures_summary");
  expect([...expected.keys()]).toContain("dbt_demo_test_failures.bid_extension_total_wrong");
  for (const [relation, rows] of expected) expect(actual.get(relation), relation).toEqual(rows);
});

test("the replay's run_results say what real dbt's say of every test", async () => {
  const expected = await testResults(real.target);
  expect(expected.length).toBeGreaterThan(30);
  expect(await testResults(replayed.target)).toEqual(expected);
});

test("the replay's artifacts are of one fresh run", async () => {
  const manifest = await json<{ metadata: Record<string, string> }>(join(replayed.target, "manifest.json"));
  const results = await json<{ metadata: Record<string, string> }>(join(replayed.target, "run_results.json"));
  expect(results.metadata.invocation_id).toBe(manifest.metadata.invocation_id);
  expect(results.metadata.dbt_schema_version).toMatch(/run-results\/v6\.json$/);
  expect(manifest.metadata.dbt_schema_version).toMatch(/manifest\/v12\.json$/);
  expect(Date.now() - Date.parse(results.metadata.generated_at ?? "")).toBeLessThan(600_000);
});

test("Virginia has 127 totals with bonds of $2,500 to $5,500, and 3 re-bids", async () => {
  const rows = await select(
    real.database,
    `select count(*), min(difference) >= 2500, max(difference) <= 5500
     from dbt_demo_test_failures.bid_extension_total_wrong where state = 'VA'`,
  );
  expect(rows).toEqual([["127", "true", "true"]]);
  const summary = await select(
    real.database,
    "select test_name, failures from dbt_demo_marts.marts_test_failures_summary where state = 'VA' order by all",
  );
  expect(summary).toEqual([
    ["bid_extension_total_wrong", "127"],
    ["duplicate_identifier", "3"],
  ]);
});

test("truth.yaml lists all that fails, by test and state, and nothing else", async () => {
  const { clean, faults } = await truth();
  const listed = faults.flatMap(({ test, groups, rows }) =>
    Object.entries(groups).map(([state, failures]) => `${test} ${state}: ${failures} of ${rows?.[state] ?? failures}`),
  );
  const actual = await failuresByState(real);
  expect(listed.sort()).toEqual(
    actual.map(({ test, state, failures, rows }) => `${test} ${state}: ${failures} of ${rows}`).sort(),
  );
  expect(actual.filter(({ state }) => clean.includes(state))).toEqual([]);
});

test("truth.yaml names resources and files that exist, and faults of every category", async () => {
  const manifest = await json<Manifest>(join(demo, "compiled/manifest.json"));
  const known = new Set([...Object.keys(manifest.nodes), ...Object.keys(manifest.sources)]);
  const { faults } = await truth();
  for (const { id, enters, lineage } of faults) {
    if (enters?.resource !== undefined) expect(known, id).toContain(enters.resource);
    if (enters?.file !== undefined) {
      expect(
        existsSync(join(enters.repo === "dot-sync" ? join(root, "examples/dot-sync") : demo, enters.file)),
        id,
      ).toBe(true);
    }
    if (lineage.node !== null) expect(known, id).toContain(lineage.node);
  }
  expect([...new Set(faults.map(({ category }) => category))].sort()).toEqual([
    "known_exception",
    "needs_fix",
    "needs_investigation",
    "source_data_issue",
  ]);
});

test("the seeded script gives the committed data, byte for byte, of less than 2 MB", async () => {
  const made = join(folder, "made");
  expect(await node(["scripts/demo-data.mjs", made])).toEqual({ code: 0, output: "" });
  let bytes = 0;
  for (const part of ["data", "seeds"]) {
    const files = await csvFiles(join(demo, part));
    expect(await csvFiles(join(made, part))).toEqual(files);
    for (const file of files) {
      expect(await readFile(join(made, part, file), "utf8"), file).toBe(await readFile(join(demo, part, file), "utf8"));
      bytes += (await stat(join(demo, part, file))).size;
    }
  }
  expect(bytes).toBeLessThan(2_000_000);
});

test("one state's edited rows change that state's failures only, and the old database is replaced", async () => {
  const data = join(folder, "edited");
  await cp(join(demo, "data"), data, { recursive: true });
  const lettings = join(data, "portal/VT/lettings.csv");
  const edited = (await readFile(lettings, "utf8")).split("\n");
  edited[1] = edited[1]?.replace(/[^,]*$/, "") ?? "";
  await writeFile(lettings, edited.join("\n"));
  const before = await failuresByState(await build("again", "--replay"));
  const after = await failuresByState(await build("again", "--replay", "--data", data));
  expect(after.filter(({ state }) => state !== "VT")).toEqual(before);
  expect(after.filter(({ state }) => state === "VT")).toEqual([
    { test: "not_null_stg_lettings_engineer_estimate", state: "VT", failures: 1, rows: 1 },
  ]);
});

test("a build that cannot run ends with 2 and leaves the old database as it was", async () => {
  const before = await readFile(replayed.database);
  const { outcome } = await build("replayed", "--replay", "--data", join(folder, "nowhere"));
  expect(outcome).toMatchObject({ code: 2, output: expect.stringContaining("nowhere") });
  expect((await readFile(replayed.database)).equals(before)).toBe(true);
  expect(await readdir(join(folder, "replayed"))).toEqual(["dot_bids.duckdb", "target"]);
});

async function build(name: string, ...options: string[]): Promise<Built> {
  const database = join(folder, name, "dot_bids.duckdb");
  const target = join(folder, name, "target");
  const outcome = await node([join(demo, "build.mjs"), "--database", database, "--target", target, ...options]);
  return { outcome, database, target };
}

function node(args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

async function withDatabase<Value>(
  path: string,
  use: (connection: DuckDBConnection) => Promise<Value>,
): Promise<Value> {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  try {
    return await use(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<string[][]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows().map((row) => row.map((value) => (value === null ? "(null)" : String(value))));
}

function select(database: string, sql: string): Promise<string[][]> {
  return withDatabase(database, (connection) => rowsOf(connection, sql));
}

/** `schema.name` of every table and view → its column names and types, then its rows, in one order for all builds. */
function allRows(database: string): Promise<Map<string, string[][]>> {
  return withDatabase(database, async (connection) => {
    const relations = await rowsOf(
      connection,
      "select table_schema, table_name from information_schema.tables order by all",
    );
    const rows = new Map<string, string[][]>();
    for (const [schema, name] of relations) {
      const columns = await rowsOf(connection, `describe "${schema}"."${name}"`);
      rows.set(`${schema}.${name}`, [
        ...columns.map(([column = "", type = ""]) => [column, type]),
        ...(await rowsOf(connection, `select * from "${schema}"."${name}" order by all`)),
      ]);
    }
    return rows;
  });
}

async function testResults(target: string): Promise<unknown[]> {
  const { results } = await json<{ results: Record<string, unknown>[] }>(join(target, "run_results.json"));
  return results
    .map(({ unique_id, status, failures, message, compiled_code, relation_name }) => ({
      unique_id,
      status,
      failures,
      message,
      compiled_code,
      relation_name,
    }))
    .sort((left, right) => String(left.unique_id).localeCompare(String(right.unique_id)));
}

/** Failures of each test in each state; where the stored rows have no state, by joining back to the tested relation. */
async function failuresByState({ target, database }: Built) {
  const manifest = await json<Manifest>(join(target, "manifest.json"));
  const tests = Object.values(manifest.nodes).filter(({ resource_type }) => resource_type === "test");
  return withDatabase(database, async (connection) => {
    const found: { test: string; state: string; failures: number; rows: number }[] = [];
    for (const { name, relation_name, column_name, depends_on } of tests) {
      const stored = (await rowsOf(connection, `describe ${relation_name}`)).map(([column]) => column);
      const key = stored[0];
      const tested = (depends_on.nodes ?? [])
        .map((id) => manifest.nodes[id] ?? manifest.sources[id])
        .at(-1)?.relation_name;
      // A stored row of relationships is one row of the model; one of unique or accepted_values is a value.
      const unit = key === "from_field" ? "count(*)" : `count(distinct ${column_name})`;
      const rows = await rowsOf(
        connection,
        stored.includes("state")
          ? `select state, count(*), count(*) from ${relation_name} group by state order by state`
          : `select state, ${unit}, count(*) from ${tested}
             where ${column_name} in (select ${key} from ${relation_name}) group by state order by state`,
      );
      for (const [state = "", failures, count] of rows) {
        found.push({ test: name, state, failures: Number(failures), rows: Number(count) });
      }
    }
    return found;
  });
}

async function truth(): Promise<Truth> {
  return parse(await readFile(join(demo, "truth.yaml"), "utf8")) as Truth;
}

async function json<Value>(path: string): Promise<Value> {
  return JSON.parse(await readFile(path, "utf8")) as Value;
}

async function csvFiles(path: string): Promise<string[]> {
  const files = await readdir(path, { recursive: true });
  return files.filter((file) => file.endsWith(".csv")).sort();
}
