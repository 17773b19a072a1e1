// Builds the demo with a real dbt. Knows nothing of the replay.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const quiet = { DO_NOT_TRACK: "1", DBT_SEND_ANONYMOUS_USAGE_STATS: "false", DBT_USE_COLORS: "false" };

/**
 * The dbt on the PATH if it names the duckdb adapter, else null. It is given 30 seconds: `dbt --version` also asks the
 * package index for the latest version, which takes long where there is no network.
 */
export async function findDbt() {
  const env = { ...process.env, ...quiet };
  // Not spawn's own `timeout`: where there is no dbt, Node 20 would wait for that timer before it exits.
  const signal = AbortSignal.timeout(30_000);
  const { output } = await run("dbt", ["--version"], { env, signal }).catch(() => ({ output: "" }));
  return /\bduckdb\b/.test(output) ? "dbt" : null;
}

/**
 * Builds the models, runs the tests (artifacts in `target`), then the summary of the failures they stored.
 * `dbt build` would do the first two at once, but skips what stands behind a failing test.
 * @returns {Promise<number>} how many tests failed
 */
export async function runDbt(program, { project, database, target }) {
  const env = { ...process.env, ...quiet, DOT_BIDS_DATABASE: database, DBT_PROFILES_DIR: project };
  const dbt = async (targetPath, ...args) => {
    const ownEnv = { ...env, DBT_TARGET_PATH: targetPath, DBT_LOG_PATH: join(targetPath, "logs") };
    const { code, output } = await run(program, args, { env: ownEnv, cwd: project });
    // 1 is also how dbt ends when tests fail.
    if (code !== 0 && !(code === 1 && args[0] === "test")) {
      throw new Error(`dbt ${args[0]} ended with ${code}\n${output}`);
    }
    return output;
  };
  await dbt(target, "build", "--exclude-resource-type", "test");
  const output = await dbt(target, "test");
  const summary = ["-s", "marts_test_failures_summary", "--vars", '{"build_test_summary": true}'];
  await dbt(join(target, "summary"), "build", ...summary);
  const { results } = JSON.parse(await readFile(join(target, "run_results.json"), "utf8"));
  if (results.some(({ status }) => status === "error")) throw new Error(`dbt could not run every test\n${output}`);
  return results.filter(({ status }) => status === "fail").length;
}

function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", reject).on("close", (code) => resolve({ code, output }));
  });
}
