// Builds the demo's warehouse from its CSV files and tests it: raw tables, dbt's models, stored failures, the summary.
// Uses a dbt with the duckdb adapter where there is one; with Node alone it replays the SQL that dbt compiled.
// Ends as dbt does: 0 all tests passed, 1 some failed (the demo's normal end), 2 it could not run.
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findDbt, runDbt } from "./build/dbt.mjs";
import { loadRaw } from "./build/raw.mjs";
import { replay } from "./build/replay.mjs";

const usage = `usage: node build.mjs [options]

  --data DIR       folder with portal/ and feed/     (DOT_BIDS_DATA;     default: data)
  --database FILE  the DuckDB file to write          (DOT_BIDS_DATABASE; default: .data/dot_bids.duckdb)
  --target DIR     where run_results.json and manifest.json go (DBT_TARGET_PATH; default: target)
  --dbt PROGRAM    the dbt to use  (DBT; default: the one on the PATH, if it has the duckdb adapter)
  --replay         use no dbt, even if there is one
`;

const project = dirname(fileURLToPath(import.meta.url));

function settings() {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      database: { type: "string" },
      target: { type: "string" },
      dbt: { type: "string" },
      replay: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { env } = process;
  return {
    ...values,
    dbt: values.dbt ?? (env.DBT || undefined),
    data: resolve(values.data ?? (env.DOT_BIDS_DATA || join(project, "data"))),
    database: resolve(values.database ?? (env.DOT_BIDS_DATABASE || join(project, ".data/dot_bids.duckdb"))),
    target: resolve(project, values.target ?? (env.DBT_TARGET_PATH || "target")),
  };
}

async function main() {
  const { data, database, target, dbt, replay: replayOnly, help } = settings();
  if (help) {
    console.log(usage);
    return 0;
  }
  // DuckDB names a database after its file, and compiled SQL names the database.
  if (basename(database) !== "dot_bids.duckdb") throw new Error(`the file must be named dot_bids.duckdb: ${database}`);
  const usable = replayOnly ? null : (dbt ?? (await findDbt()));
  console.error(usable ? `dot-bids: building with ${usable}` : "dot-bids: no dbt with duckdb found, replaying its SQL");
  await mkdir(dirname(database), { recursive: true });
  // Built beside the old file and moved over it when done: a reader never sees half of it.
  const workshop = await mkdtemp(join(dirname(database), ".build-"));
  const building = join(workshop, "dot_bids.duckdb");
  try {
    await loadRaw(building, data);
    const failing = usable
      ? await runDbt(usable, { project, database: building, target })
      : await replay({ project, database: building, target });
    await rename(building, database);
    console.error(`dot-bids: ${failing} tests failed, as the demo means them to; failures stored in ${database}`);
    return failing === 0 ? 0 : 1;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`dot-bids: ${error.message}`);
  process.exitCode = 2;
}
