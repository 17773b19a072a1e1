// Does with Node alone what `dbt build` does: runs the SQL that dbt compiled (compiled/), stores the failures of the
// tests, builds the summary, and writes dbt's artifacts. Knows only what this project uses of dbt.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { csv, withDatabase } from "./duckdb.mjs";

/** @returns {Promise<number>} how many tests failed */
export async function replay({ project, database, target }) {
  const manifest = JSON.parse(await readFile(join(project, "compiled/manifest.json"), "utf8"));
  const summary = await readFile(join(project, "compiled/marts_test_failures_summary.sql"), "utf8");
  const changed = await changedFiles(project, manifest);
  if (changed.length > 0) {
    console.error(
      `dot-bids: changed since dbt compiled them, so the replay runs their OLD code: ${changed.join(", ")}`,
    );
  }
  const started = new Date();
  const results = await withDatabase(database, (connection) => build(connection, project, manifest, summary));
  const run = {
    generated_at: new Date().toISOString(),
    invocation_id: randomUUID(),
    invocation_started_at: started.toISOString(),
  };
  await writeArtifacts(target, manifest, results, run);
  return results.filter(({ status }) => status === "fail").length;
}

/** SQL files of the project that are no longer what dbt compiled. */
async function changedFiles(project, { nodes, macros }) {
  const code = [...Object.values(nodes), ...Object.values(macros)]
    .filter((resource) => resource.package_name === "dot_bids" && resource.original_file_path.endsWith(".sql"))
    .map((resource) => [resource.original_file_path, (resource.raw_code ?? resource.macro_sql).trim()]);
  const changed = new Set();
  for (const [file, compiled] of code) {
    const now = await readFile(join(project, file), "utf8").catch(() => "");
    if (!now.includes(compiled)) changed.add(file);
  }
  return [...changed].sort();
}

async function build(connection, project, manifest, summary) {
  const nodes = inOrder(Object.values(manifest.nodes));
  for (const schema of new Set(nodes.map((node) => node.schema))) {
    await connection.run(`create schema if not exists "${schema}"`);
  }
  const results = [];
  for (const node of nodes) {
    if (node.resource_type === "seed") await seed(connection, project, node);
    else if (node.resource_type === "model") await model(connection, node, node.compiled_code);
    else results.push(await test(connection, node));
  }
  // Enabled by a variable only, as its own run of dbt after the tests; so the tests' manifest has it as disabled.
  const [disabled] = manifest.disabled["model.dot_bids.marts_test_failures_summary"];
  const relation_name = [disabled.database, disabled.schema, disabled.alias].map((part) => `"${part}"`).join(".");
  await model(connection, { ...disabled, relation_name }, summary);
  return results;
}

/** What a node reads comes before it; tests come last, as in `dbt test` after `dbt run`. */
function inOrder(nodes) {
  const byId = new Map(nodes.map((node) => [node.unique_id, node]));
  const ordered = new Set();
  const visit = (node) => {
    for (const id of node.depends_on.nodes ?? []) if (byId.has(id)) visit(byId.get(id));
    ordered.add(node);
  };
  for (const node of nodes) visit(node);
  const isTest = (node) => node.resource_type === "test";
  return [...[...ordered].filter((node) => !isTest(node)), ...[...ordered].filter(isTest)];
}

async function seed(connection, project, node) {
  const file = csv(join(project, node.original_file_path));
  const header = await connection.runAndReadAll(`describe select * from ${file}`);
  const columns = header.getRows().map(([name]) => `cast("${name}" as ${node.config.column_types[name]}) as "${name}"`);
  await connection.run(`create or replace table ${node.relation_name} as select ${columns} from ${file}`);
}

async function model(connection, node, sql) {
  await connection.run(`create or replace ${node.config.materialized} ${node.relation_name} as (${sql}\n)`);
}

/** Stores the failing rows and judges their count by the test's own thresholds. */
async function test(connection, node) {
  await connection.run(`create or replace table ${node.relation_name} as (${node.compiled_code}\n)`);
  const { fail_calc, warn_if, error_if, severity } = node.config;
  const counted = await connection.runAndReadAll(
    `select ${fail_calc}, ${fail_calc} ${warn_if}, ${fail_calc} ${error_if} from ${node.relation_name}`,
  );
  const [failures, warns, errs] = counted.getRows()[0];
  const status = errs && severity.toLowerCase() === "error" ? "fail" : warns ? "warn" : "pass";
  const threshold = status === "fail" ? error_if : warn_if;
  const outcome = `Got ${failures} result${Number(failures) === 1 ? "" : "s"}, configured to ${status} if ${threshold}`;
  return { node, status, failures: Number(failures), message: status === "pass" ? null : outcome };
}

async function writeArtifacts(target, manifest, results, run) {
  const { dbt_version, ...metadata } = manifest.metadata;
  const runResults = {
    metadata: {
      dbt_schema_version: "https://schemas.getdbt.com/dbt/run-results/v6.json",
      dbt_version,
      ...run,
      env: {},
    },
    results: results.map(({ node, status, failures, message }) => ({
      status,
      timing: [],
      thread_id: "Thread-1",
      execution_time: 0,
      adapter_response: {},
      message,
      failures,
      unique_id: node.unique_id,
      compiled: true,
      compiled_code: node.compiled_code,
      relation_name: node.relation_name,
      batch_results: null,
    })),
    elapsed_time: 0,
    args: { which: "test" },
  };
  await mkdir(target, { recursive: true });
  const whole = { ...manifest, metadata: { ...metadata, dbt_version, ...run } };
  await writeFile(join(target, "manifest.json"), JSON.stringify(whole));
  // Last, since a reader takes it as the sign that the run is done.
  await writeFile(join(target, "run_results.json"), JSON.stringify(runResults));
}
