// Prints how long whole processes take, beside the bare `node -e 0` of the same minute: medians, and the ratio to it.
// A table to read, not a test to pass. Usage: npm run bench [-- --runs 9] [--json]
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const cli = join(root, "dist", "cli.js");
/** What the demo leaves behind; the copy starts clean. */
const leftBehind = new Set([".audit", "target", "logs", "node_modules"]);

const { values } = parseArgs({ options: { runs: { type: "string", default: "9" }, json: { type: "boolean" } } });
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 7) fail(`--runs ${values.runs}: give a whole number of at least 7`);
if (!existsSync(cli)) fail("dist/cli.js is missing: npm run build");

const folder = copyOfDemo();
try {
  const cases = [
    { name: "node -e 0", args: ["-e", "0"] },
    { name: "audit-run --version", args: [cli, "--version"] },
    { name: "audit-run --help", args: [cli, "--help"] },
    { name: "audit-run plan", args: [cli, "plan"] },
    { name: "audit-run (nothing changed)", args: [cli] },
  ];
  const first = run([cli]); // The audit that `plan` and the second run find finished.
  const times = new Map(cases.map(({ name }) => [name, []]));
  for (const { args } of cases) run(args);
  for (let round = 0; round < runs; round += 1) {
    // Interleaved: whatever else the machine does meets every case alike.
    for (const { name, args } of cases) times.get(name).push(run(args));
  }
  report(
    [...times].map(([name, samples]) => ({ name, ...summary(samples) })),
    first,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The demo beside a link to the packages that its scripts use. */
function copyOfDemo() {
  const copy = mkdtempSync(join(tmpdir(), "audit-run-bench-"));
  for (const name of ["package.json", "audit.config.yaml", "audit.exceptions.yaml", "examples"]) {
    const filter = (source) => !leftBehind.has(source.slice(source.lastIndexOf(sep) + 1));
    cpSync(join(root, name), join(copy, name), { recursive: true, filter });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
  return copy;
}

/** Milliseconds from start to end of one process that must succeed. */
function run(args) {
  const start = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, CI: "true", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const milliseconds = performance.now() - start;
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    fail(`node ${args.join(" ")} ended with ${error?.message ?? signal ?? status}\n${stdout}${stderr}`);
  }
  return milliseconds;
}

function summary(samples) {
  const sorted = samples.toSorted((left, right) => left - right);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { median: at(0.5), fastest: sorted[0], slowest: sorted.at(-1) };
}

function report(rows, first) {
  const bare = rows[0].median;
  const rounded = (value, digits) => Number(value.toFixed(digits));
  const table = rows.map(({ name, median, fastest, slowest }) => ({
    process: name,
    "median ms": rounded(median, 0),
    "× node -e 0": rounded(median / bare, 2),
    "fastest ms": rounded(fastest, 0),
    "slowest ms": rounded(slowest, 0),
  }));
  if (values.json) {
    console.log(JSON.stringify({ node: process.version, runs, firstAuditMs: rounded(first, 0), rows: table }, null, 2));
    return;
  }
  console.log(`Node ${process.version}, ${runs} runs each after a warm-up; first demo audit ${rounded(first, 0)} ms\n`);
  const names = Object.keys(table[0]);
  const lines = [names, ...table.map((row) => names.map((name) => String(row[name])))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines) {
    const cells = line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
    console.log(cells.join("  "));
  }
}

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
