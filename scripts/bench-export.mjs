// Statements that an audit sends to its warehouse for 10, 100 and 1,000 failing tests in 50 states, by kind; and how long the
// export of the largest takes on DuckDB, with the most memory that it had. A table to read, not a test.
// Usage: npm run bench:export [-- --json]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { peakMemory } from "./bench-engine/audit.mjs";
import { table } from "./bench-engine/measure.mjs";

const { values } = parseArgs({ options: { json: { type: "boolean" } } });
const sizes = [10, 100, 1_000];
const targets = { seconds: 60, megabytes: 500 };

const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "audit-run-bench-export-"));
mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
// Packages are found from here.
const bundled = mkdtempSync(join(root, "node_modules/.cache/bench-export-"));
try {
  const { writeAudit, statementsOf, statementKinds } = await bundle();
  const statements = {};
  for (const size of sizes) {
    const place = join(folder, String(size));
    await writeAudit(place, size);
    statements[size] = await statementsOf(place);
  }
  const largest = join(folder, String(sizes.at(-1)));
  const exports = [null, "128MB"].map((memoryLimit) => ({ memoryLimit, ...timedExport(largest, memoryLimit) }));
  if (values.json) console.log(JSON.stringify({ statements, exports }, null, 2));
  else report(statements, statementKinds, exports);
} finally {
  for (const each of [folder, bundled]) rmSync(each, { recursive: true, force: true });
}

/** From nothing; `limit` is what DuckDB may take for itself. */
function timedExport(place, limit) {
  rmSync(join(place, ".audit"), { recursive: true, force: true });
  const file = join(place, "audit.config.yaml");
  const config = JSON.parse(readFileSync(file, "utf8"));
  const { memoryLimit: _, ...warehouse } = config.warehouse;
  config.warehouse = limit === null ? warehouse : { ...warehouse, memoryLimit: limit };
  writeFileSync(file, JSON.stringify(config));
  const start = performance.now();
  const megabytes = Number(readFileSync(peakMemory(place, 10 * 60_000, "run", "export"), "utf8")) / 1024;
  return { seconds: (performance.now() - start) / 1000, megabytes };
}

function report(statements, kinds, exports) {
  const about = {
    catalog: "catalog: which tables there are, with their columns",
    "count again": "every test run again: how many rows fail now",
    columns: "columns of tests without a table, and of samples",
    groups: "counts and digests, split by state",
    samples: "samples for the evidence packs of one state",
    evidence: "two cited queries for each test, run again",
    other: "one at a time",
  };
  const rows = kinds.map((kind) => [about[kind], ...sizes.map((size) => String(statements[size][kind]))]);
  const sums = sizes.map((size) => String(Object.values(statements[size]).reduce((sum, count) => sum + count, 0)));
  console.log("Statements for so many failing tests in 50 states\n");
  console.log(table(["", ...sizes.map((size) => size.toLocaleString("en"))], [...rows, ["all", ...sums]]));
  const cases = (50 * sizes.at(-1)).toLocaleString("en");
  const processors = `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}`;
  console.log(`\nExport of ${sizes.at(-1).toLocaleString("en")} tests (${cases} cases) on DuckDB; ${processors}\n`);
  const figures = exports.map(({ memoryLimit, seconds, megabytes }) => [
    memoryLimit === null ? "as it is" : `warehouse.memoryLimit: ${memoryLimit}`,
    `${seconds.toFixed(1)} s`,
    `${megabytes.toFixed(0)} MB`,
  ]);
  const target = ["target: less than", `${targets.seconds} s`, `${targets.megabytes} MB`];
  console.log(table(["", "time", "most memory"], [...figures, target]));
}

async function bundle() {
  const made = await rolldown({
    input: join(root, "scripts/bench-export/inside.ts"),
    cwd: root,
    platform: "node",
    logLevel: "warn",
    external: (id) => !id.startsWith(".") && !id.startsWith("/"),
    transform: { define: { __AUDIT_RUN_VERSION__: JSON.stringify("bench") } },
  });
  await made.write({ dir: bundled, format: "esm", entryFileNames: "inside.mjs" });
  await made.close();
  return import(pathToFileURL(join(bundled, "inside.mjs")).href);
}
