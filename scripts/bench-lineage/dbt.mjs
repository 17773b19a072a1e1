// Real dbt: compiles the benchmark's projects, and builds a faulty copy of one for the proof that the replay equals it.
// Knows no faults.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { slim } from "../slim-manifest.mjs";
import { loadSources } from "./projects.mjs";

const root = resolve(import.meta.dirname, "../..");
const python = join(root, ".test-tools/venv/bin/python");

/** One process for all of them: to start dbt takes longer than what it does here. */
const program = `
import json, sys
from dbt.cli.main import dbtRunner
for args in json.loads(sys.argv[1]):
    done = dbtRunner().invoke(args)
    if done.exception is not None:
        print(done.exception)
        sys.exit(2)
`;

/** @param invocations dbt's arguments, one list an invocation. Tests that fail are no failure of dbt. */
export async function dbt(folder, { database, target }, invocations) {
  if (!existsSync(python)) throw new Error("there is no dbt; run: node scripts/setup-test-parts.mjs");
  const env = {
    ...process.env,
    BENCH_DATABASE: database,
    DOT_BIDS_DATABASE: database,
    DBT_PROJECT_DIR: folder,
    DBT_PROFILES_DIR: folder,
    DBT_TARGET_PATH: target,
    DBT_LOG_PATH: join(target, "logs"),
    DBT_USE_COLORS: "false",
    DO_NOT_TRACK: "1",
    TZ: "UTC",
  };
  const child = spawn(python, ["-c", program, JSON.stringify(invocations)], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const code = await new Promise((done, reject) => child.on("error", reject).on("close", done));
  if (code !== 0) throw new Error(`dbt ended with ${code}\n${output.slice(-4_000)}`);
}

/** What dbt left of a build from scratch, and how it compiles when it runs again: the manifest of the last invocation. */
export async function compileProject(project, folder) {
  const database = join(folder, `${project.database}.duckdb`);
  const target = join(folder, "target");
  rmSync(database, { force: true });
  await buildByDbt(project, {
    folder: project.folder,
    database,
    target,
    load: (which) => loadSources(project, database, which),
  });
  const full = JSON.parse(readFileSync(join(target, "manifest.json"), "utf8"));
  await dbt(project.folder, { database, target }, [["--quiet", "compile"]]);
  const manifest = slim(JSON.parse(readFileSync(join(target, "manifest.json"), "utf8")));
  for (const [id, node] of Object.entries(manifest.nodes)) {
    const code = full.nodes[id]?.compiled_code;
    if (node.config.materialized === "incremental") node.full_code = code;
  }
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** From raw tables to models: snapshots see the tables as they were first. */
export async function buildByDbt(project, { folder, database, target, load, args = ["--full-refresh"] }) {
  const where = { database, target };
  if (project.before.size > 0) {
    await load("before");
    await dbt(folder, where, [
      ["--quiet", "seed"],
      ["--quiet", "snapshot"],
    ]);
  }
  await load("now");
  await dbt(folder, where, [["--quiet", "build", ...args, "--exclude-resource-type", "test"]]);
}
