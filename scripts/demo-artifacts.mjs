// Refreshes examples/dot-bids/compiled from a real dbt: `node scripts/demo-artifacts.mjs [--check] [--dbt PROGRAM]`.
// What names this machine or this minute is left out, so that the same project always gives the same files.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { slim } from "./slim-manifest.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const project = join(root, "examples/dot-bids");
const compiled = join(project, "compiled");

const { values } = parseArgs({ options: { check: { type: "boolean", default: false }, dbt: { type: "string" } } });
const dbt = values.dbt ?? join(root, ".test-tools/venv/bin/dbt");
const folder = mkdtempSync(join(tmpdir(), "dot-bids-"));
try {
  if (!existsSync(dbt)) throw new Error(`no dbt at ${dbt}; run: node scripts/setup-test-parts.mjs`);
  const fresh = compile();
  const stale = Object.keys(fresh).filter((name) => read(join(compiled, name)) !== fresh[name]);
  if (values.check) {
    if (stale.length > 0) throw new Error(`stale in examples/dot-bids/compiled: ${stale.join(", ")}`);
  } else {
    mkdirSync(compiled, { recursive: true });
    for (const name of stale) writeFileSync(join(compiled, name), fresh[name]);
    console.log(stale.length === 0 ? "already fresh" : `wrote ${stale.join(", ")}`);
  }
} catch (error) {
  console.error(`demo-artifacts: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The files of compiled/, by name. */
function compile() {
  const database = join(folder, "dot_bids.duckdb");
  const target = join(folder, "target");
  // The summary is compiled against the failures that a test run stored: so everything is built once.
  run("node", [join(project, "build.mjs"), "--dbt", dbt, "--database", database, "--target", target], [1]);
  const whole = join(folder, "whole");
  run(dbt, ["compile", "--quiet"], [0], {
    DBT_TARGET_PATH: whole,
    DBT_LOG_PATH: join(whole, "logs"),
    DBT_PROFILES_DIR: project,
    DOT_BIDS_DATABASE: database,
    DO_NOT_TRACK: "1",
  });
  const manifest = JSON.parse(readFileSync(join(whole, "manifest.json"), "utf8"));
  const summary = readFileSync(
    join(target, "summary/compiled/dot_bids/models/marts/marts_test_failures_summary.sql"),
    "utf8",
  );
  return {
    "manifest.json": `${JSON.stringify(slim(manifest), null, 1)}\n`,
    "marts_test_failures_summary.sql": `${summary.trim()}\n`,
  };
}

function run(program, args, allowed, env = {}) {
  const child = spawnSync(program, args, { cwd: project, env: { ...process.env, ...env }, encoding: "utf8" });
  if (!allowed.includes(child.status)) {
    throw new Error(`${program} ${args[0]} ended with ${child.status}\n${child.stdout}${child.stderr}`);
  }
}

function read(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
