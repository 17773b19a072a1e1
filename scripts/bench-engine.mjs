// The engine beside the tools that people know, in the same minutes on the same machine: no-op, one changed, cold, and
// what happens inside of the process. Medians of at least five (fewer are marked) and ratios; a table to read, not a test.
// Usage: npm run bench:engine [-- --quick] [-- --json] [-- --minutes 25]
//   --quick: 100 nodes, and ninja and make alone
//   --minutes: nothing new is measured after so many; what matters less comes last and is left out then
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { cli, configure, makeAudit, peakMemory, run } from "./bench-engine/audit.mjs";
import { median, sampled, table, timed } from "./bench-engine/measure.mjs";
import { makeInputs, peers } from "./bench-engine/peers.mjs";
import { targets } from "./bench-engine/targets.mjs";

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, json: { type: "boolean" }, minutes: { type: "string" } },
});
const [small, large] = values.quick ? [100, 100] : [1_000, 10_000];
const sizes = values.quick ? [100] : [100, small, large];
/** The slowest tools at the largest size take most of the time, so they come last. */
const order = values.quick ? [100] : [small, 100, large];
/** Milliseconds for one figure of one tool at one size. */
const budget = values.quick ? 5_000 : 15_000;
/** For one process. */
const limit = values.quick ? 30_000 : 90_000;
/** From here on nothing new is measured: the whole is bounded, on a busy machine, too. */
const deadline = performance.now() + Number(values.minutes ?? (values.quick ? 4 : 25)) * 60_000;

const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "audit-run-bench-engine-"));
mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
// Packages are found from here.
const bundled = mkdtempSync(join(root, "node_modules/.cache/bench-engine-"));
const figures = {};
try {
  const inside = await bundle();
  note("inside", await insideFigures(inside));
  note("start", startFigures());
  const found = peers
    .filter(({ slow }) => !(values.quick && slow))
    .map((peer) => ({ peer, program: peer.find(join(folder, "tools")) }));
  for (const size of order) {
    note(`ours ${size}`, await ours(size, inside));
    for (const { peer, program } of found)
      note(`${peer.name} ${size}`, program === null ? null : theirs(peer, program, size));
  }
} finally {
  for (const each of [folder, bundled]) rmSync(each, { recursive: true, force: true });
}
if (values.json)
  console.log(JSON.stringify({ node: process.version, places: availableParallelism(), figures }, null, 2));
else report();

/** Progress goes where no table is. */
function note(name, figure) {
  figures[name] = figure;
  process.stderr.write(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${name}\n`);
}

async function ours(size, inside) {
  const place = join(folder, `audit-${size}`);
  const again = () => run(place, limit);
  // A cold audit of 10,000 would take most of the bench's time: its findings are put where agents would have left them.
  const isLarge = size > small;
  await makeAudit(place, size);
  const cold = isLarge ? null : attempt(() => ({ median: run(place, 4 * limit), samples: 1 }));
  if (isLarge) await inside.prefabricate(place);
  // All else depends on it, so it may take longer where the machine has other work.
  const settling = attempt(() => ({ median: run(place, 4 * limit), samples: 1 }));
  if (settling.over || settling.late)
    return { cold, noop: settling, changed: settling, explain: settling, memory: null };
  // What was changed within two seconds before a run may have changed in it: that run decides case by case.
  for (let run = 0; run < 5 && !existsSync(join(place, ".audit/whole-trace.json")); run += 1) again();
  let edition = 0;
  const figures = {
    cold,
    noop: attempt(() => sampled(again, { budget })),
    explain: attempt(() => sampled(() => run(place, limit, "explain", "late@S00001"), { budget })),
    memory: Number(readFileSync(peakMemory(place, limit), "utf8")) / 1024,
    changed: attempt(() =>
      sampled(
        () => {
          configure(place, ++edition);
          return again();
        },
        { budget },
      ),
    ),
  };
  rmSync(place, { recursive: true, force: true });
  return figures;
}

function theirs(peer, program, size) {
  const place = join(folder, `${peer.name}-${size}`);
  makeInputs(place, size);
  peer.make(place, size, program);
  const { command, env } = peer.command(program, place);
  const again = () => timed(command, { cwd: place, env, limit });
  const cold = attempt(() => ({ median: timed(command, { cwd: place, env, limit: 3 * limit }), samples: 1 }));
  if (cold.over || cold.late) return { cold, noop: cold, changed: cold };
  let edition = 0;
  const changed = () => {
    writeFileSync(join(place, "in/1"), `edition ${++edition}\n`);
    return again();
  };
  const noop = attempt(() => sampled(again, { budget }));
  // No target is about it, and it takes as long as all others together.
  const wanted = !(peer.slowest && size === large);
  const one = wanted ? attempt(() => sampled(changed, { budget })) : { left: true, samples: 0 };
  rmSync(place, { recursive: true, force: true });
  return { cold, noop, changed: one };
}

/** What takes longer than a process may is a figure, too. */
function attempt(measure) {
  if (performance.now() > deadline) return { late: true, samples: 0 };
  try {
    return measure();
  } catch (error) {
    if (error.over === undefined) throw error;
    return { over: error.over, samples: 0 };
  }
}

async function insideFigures({ expansionTime, viewTime, recordedMakespan }) {
  const repeated = (measure, times = 7) => median(Array.from({ length: times }, measure));
  const slots = [3, 4, 8, 16];
  const recorded = durations(200);
  await viewTime(1_000, 24);
  const view = async (nodes, rows) => {
    const times = [];
    for (let round = 0; round < 5; round += 1) times.push(await viewTime(nodes, rows));
    return median(times);
  };
  return {
    expansion: Object.fromEntries([100, 1_000, 10_000].map((nodes) => [nodes, repeated(() => expansionTime(nodes))])),
    view: { none: await view(1_000, null), "24 rows": await view(1_000, 24), "60 rows": await view(1_000, 60) },
    makespan: Math.max(...slots.map((count) => ratio(recordedMakespan(recorded, count)))),
    equal: Math.max(...slots.map((count) => ratio(recordedMakespan(Array(1_000).fill(1_000), count)))),
  };
}

function ratio({ time, bound }) {
  return time / bound;
}

/** As agents take them: log-normal, a median of three minutes, a few of half an hour. The same ones each time. */
function durations(count) {
  let state = 42;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: count }, () => Math.round(180_000 * Math.exp(0.9 * normal())));
}

function startFigures() {
  const times = { bare: [], version: [] };
  for (let round = 0; round < 15; round += 1) {
    times.bare.push(timed([process.execPath, "-e", "0"], { cwd: tmpdir() }));
    times.version.push(timed([process.execPath, cli, "--version"], { cwd: tmpdir() }));
  }
  return { bare: median(times.bare), version: median(times.version) };
}

/** The program's own modules as one that can be imported: Node 20 runs no TypeScript. */
async function bundle() {
  const made = await rolldown({
    input: join(root, "scripts/bench-engine/inside.ts"),
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

function report() {
  const names = ["ours", ...peers.map(({ name }) => name)].filter((name) => `${name} ${small}` in figures);
  const each = (row) => names.map((name) => row(name));
  const cell = (kind, size) => (name) => text(figures[`${name} ${size}`]?.[kind], (value) => `${value.toFixed(0)} ms`);
  const perNode = (name) => text(figures[`${name} ${small}`]?.cold, (value) => `${(value / small).toFixed(2)} ms`);
  console.log(
    `Node ${process.version}, ${availableParallelism()} processors; medians of 5 (×n: of n only), 1 root → N leaves → 1 collect\n`,
  );
  const rows = sizes.flatMap((size) => [
    [`no-op, N = ${size}`, ...each(cell("noop", size))],
    [`one changed, N = ${size}`, ...each(cell("changed", size))],
  ]);
  console.log(table(["", ...names], [...rows, [`cold, a node, N = ${small}`, ...each(perNode)]]));
  console.log(`\n${table(["", "is", "target", ""], targets(figures, { small, large }))}`);
  const growth = names.flatMap((name) => {
    const [from, to] = [figures[`${name} 100`]?.noop?.median, figures[`${name} ${large}`]?.noop?.median];
    return from === undefined || to === undefined ? [] : [[name, `× ${(to / from).toFixed(1)}`]];
  });
  if (!values.quick) console.log(`\nno-op from 100 to ${large} nodes\n${table(["", "grows"], growth)}`);
}

function text(figure, written) {
  if (figure === null || figure === undefined) return "absent";
  if (figure.late) return "no time left";
  if (figure.left) return "not measured";
  if (figure.over !== undefined) return `> ${(figure.over / 1000).toFixed(0)} s`;
  return `${written(figure.median)}${figure.samples < 5 ? ` ×${figure.samples}` : ""}`;
}
