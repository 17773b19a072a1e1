// A synthetic audit: one test that fails once in each of N states, so N investigations of one case each, by a command
// that prints its finding. Its failing rows are a DuckDB file, its artifacts what a test run would have left.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { timed } from "./measure.mjs";

export const cli = resolve(import.meta.dirname, "../../dist/cli.js");

/** Task ids are the states' names. The category of role `unclear` needs no evidence. */
const agent = `printf '{"findings":[{"test":"late","group":"%s","classification":"needs_investigation","confidence":"low","root_cause":"The row came late.","recommendation":"Ask the sender.","evidence":[]}]}' "$AUDIT_TASK"\n`;

export async function makeAudit(folder, states) {
  mkdirSync(join(folder, "project/target"), { recursive: true });
  await writeDatabase(join(folder, "bench.duckdb"), states);
  writeArtifacts(join(folder, "project/target"), states);
  writeFileSync(join(folder, "agent.sh"), agent);
  configure(folder, 0);
}

/** The state's knowledge is a part of one case: another `edition` makes one investigation run again. */
export function configure(folder, edition) {
  const config = {
    version: 1,
    name: "bench",
    repos: { dbt: { path: "project" } },
    warehouse: { use: "duckdb", path: "bench.duckdb" },
    summary: { artifacts: "project/target" },
    groupBy: "state",
    strategy: "per-group",
    concurrency: { warehouse: availableParallelism() },
    agent: { use: "command", command: ["sh", "./agent.sh"], slot: false },
    evidence: false,
    knowledge: { byGroup: { S00001: `Edition ${edition}.` } },
  };
  writeFileSync(join(folder, "audit.config.yaml"), `${JSON.stringify(config, null, 1)}\n`);
}

/** @param limit milliseconds after which it is ended */
export const run = (folder, limit, ...args) => timed([process.execPath, cli, ...args], { cwd: folder, limit });

/**
 * The file that tells the most kibibytes that one run had. Linux tells it of the program alone; what getrusage tells
 * counts the process that it was forked from, too.
 */
export function peakMemory(folder, limit, ...args) {
  const file = join(folder, "peak.txt");
  const hook = join(folder, "peak.cjs");
  writeFileSync(
    hook,
    `const { readFileSync, writeFileSync } = require("node:fs");
const status = () => { try { return readFileSync("/proc/self/status", "utf8"); } catch { return ""; } };
process.on("exit", () => {
  const most = /^VmHWM:\\s+(\\d+)/m.exec(status())?.[1] ?? process.resourceUsage().maxRSS;
  writeFileSync(${JSON.stringify(file)}, String(most));
});
`,
  );
  timed([process.execPath, "--require", hook, cli, ...args], { cwd: folder, limit });
  return file;
}

async function writeDatabase(file, states) {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run("create schema failures");
  await connection.run(
    `create table failures.late as select 'S' || lpad(i::varchar, 5, '0') as state, i as id from range(1, ${states + 1}) as r(i)`,
  );
  connection.closeSync();
  instance.closeSync();
}

function writeArtifacts(target, states) {
  const id = "test.bench.late";
  const metadata = { invocation_id: "bench", generated_at: "2026-02-03T00:00:00Z" };
  const test = {
    unique_id: id,
    resource_type: "test",
    name: "late",
    package_name: "bench",
    database: "bench",
    schema: "failures",
    alias: "late",
    relation_name: '"bench"."failures"."late"',
    raw_code: "select * from late",
    compiled_code: 'select * from "bench"."failures"."late"',
    depends_on: { nodes: [], macros: [] },
    config: { materialized: "test", store_failures: true, severity: "ERROR" },
  };
  const manifest = {
    metadata: { ...metadata, project_name: "bench", adapter_type: "duckdb" },
    nodes: { [id]: test },
    sources: {},
    macros: {},
  };
  const results = [{ unique_id: id, status: "fail", failures: states }];
  writeFileSync(join(target, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(target, "run_results.json"), JSON.stringify({ metadata, results }));
}
