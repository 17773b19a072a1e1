// How often the lineage agent is right: faults with known truth are planted in four dbt projects, and the agent is asked about
// every test that fails because of them. Seeded, so that the same code gives the same figures. A table to read, not a test.
// Usage: npm run bench:lineage [-- --quick] [-- --json] [-- --only KIND] [-- --case PROJECT/KIND/N] … (see docs/lineage.md)
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundleInside } from "./bench-lineage/bundle.mjs";
import { compileProject } from "./bench-lineage/dbt.mjs";
import { kinds } from "./bench-lineage/kinds.mjs";
import { buildBase, openProject, projectNames, staleFiles } from "./bench-lineage/projects.mjs";
import { dice } from "./bench-lineage/random.mjs";
import { caseText, report } from "./bench-lineage/report.mjs";
import { score } from "./bench-lineage/score.mjs";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    project: { type: "string", multiple: true, default: [] },
    half: { type: "string" },
    case: { type: "string" },
    seed: { type: "string", default: "1" },
    quota: { type: "string" },
    details: { type: "string" },
    "no-changes": { type: "boolean", default: false },
    "no-proof": { type: "boolean", default: false },
  },
});

const started = performance.now();
const [onlyProject, onlyKind, onlyIndex] = values.case?.split("/") ?? [];
/** Cases a kind and project. */
const quota = Number(values.quota ?? (values.quick ? 1 : 10));
/** Of the units, in how many one case is proved equal to real dbt. */
const proofs = values.quick || values["no-proof"] || values.case !== undefined ? 0 : 14;
const folder = mkdtempSync(join(tmpdir(), "audit-run-bench-lineage-"));
const bundled = resolve(import.meta.dirname, "../node_modules/.cache");
mkdirSync(bundled, { recursive: true });
const inside = mkdtempSync(join(bundled, "bench-lineage-"));
try {
  await main();
} catch (error) {
  console.error(`bench:lineage: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const each of [folder, inside]) rmSync(each, { recursive: true, force: true });
}

async function main() {
  const chosen = [];
  for (const name of projectNames) {
    const project = await openProject(name);
    const stale = staleFiles(project);
    if (stale.length > 0)
      throw new Error(
        `${name} was edited since dbt compiled it: ${stale.join(", ")}; run: node scripts/bench-lineage/compile.mjs`,
      );
    if (isChosen(project)) chosen.push(project);
  }
  for (const project of chosen) {
    mkdirSync(join(folder, project.name));
    await buildBase(project, fileOf(project));
  }
  const bundle = await bundleInside(inside);
  // dbt compiles what the cases replay while these are at work.
  const compiling = (proofs === 0 ? Promise.resolve([]) : recompiled(chosen)).catch((error) => [error.message]);
  const { cases, proved, left } = await work(unitsOf(chosen), pathToFileURL(bundle).href);
  const stale = left > 0 ? [] : await compiling;
  const wanted = onlyIndex === undefined ? cases : cases.filter(({ id }) => id === values.case);
  if (values.case !== undefined) {
    if (wanted.length === 0) throw new Error(`there is no case ${values.case} with the seed ${values.seed}`);
    for (const item of wanted) console.log(caseText(item));
    return;
  }
  const figures = score(wanted, new Map(chosen.map((project) => [project.name, graphOf(project)])));
  const proof = proofs === 0 ? null : { ...proved, compiledAlike: left > 0 ? null : stale.length === 0, stale };
  const seconds = (performance.now() - started) / 1000;
  const result = { ...figures, unitsLeft: left, proof, seed: values.seed, seconds, node: process.version };
  if (values.details !== undefined) writeFileSync(values.details, JSON.stringify(wanted, null, 1));
  console.log(values.json ? JSON.stringify(result, null, 2) : report(result));
  if (proof !== null && (proof.different.length > 0 || stale.length > 0)) {
    throw new Error(`the replay is not what dbt does: ${[...proof.different, ...stale].join("; ")}`);
  }
}

function isChosen({ name, settings }) {
  if (onlyProject !== undefined) return name === onlyProject;
  if (values.half !== undefined && settings.heldOut !== (values.half === "heldOut")) return false;
  return values.project.length === 0 || values.project.includes(name);
}

function fileOf({ name, database }) {
  return join(folder, name, `${database}.duckdb`);
}

/** One unit a project and kind; some of them prove a case. */
function unitsOf(projects) {
  const wanted = onlyKind === undefined ? values.only : [onlyKind];
  const unknown = wanted.filter((kind) => !kinds.includes(kind));
  if (unknown.length > 0) throw new Error(`there is no kind ${unknown.join(", ")}; there are: ${kinds.join(", ")}`);
  const units = projects.flatMap((project) =>
    kinds
      .filter((kind) => wanted.length === 0 || wanted.includes(kind))
      .map((kind) => ({
        project: project.name,
        file: fileOf(project),
        kind,
        seed: values.seed,
        quota: onlyIndex === undefined ? quota : Number(onlyIndex) + 1,
        only: onlyIndex === undefined ? null : Number(onlyIndex),
        changes: !values["no-changes"],
        prove: false,
      })),
  );
  const sample = dice(`proofs of ${values.seed}`).shuffle(units.filter(({ kind }) => kind !== "flake"));
  for (const unit of sample.slice(0, proofs)) unit.prove = true;
  return units;
}

/**
 * Units are handed out one by one. Of few, a worker stays with its project, since to open one takes a second; of many, chance
 * decides, so that what is there when somebody presses Ctrl-C is of all projects and kinds: it is scored as it is.
 */
function work(units, bundle) {
  const open = values.quick ? [...units] : dice(`order of ${values.seed}`).shuffle(units);
  const cases = [];
  const proved = { sample: 0, equal: 0, different: [] };
  const count = Math.max(1, Math.min(4, availableParallelism(), units.length));
  const program = join(import.meta.dirname, "bench-lineage/worker.mjs");
  const workers = Array.from({ length: count }, () => fork(program, [bundle], { env: { ...process.env, TZ: "UTC" } }));
  let isOver = false;
  const stop = () => {
    isOver = true;
    for (const worker of workers) worker.kill();
  };
  return new Promise((done, fail) => {
    let idle = 0;
    const over = (left) => done({ cases: sorted(cases), proved, left });
    process.once("SIGINT", () => over(open.length + count - idle));
    for (const [index, worker] of workers.entries()) {
      let project = projectNames[index % projectNames.length];
      worker.on("error", fail);
      worker.on(
        "exit",
        (code, signal) => isOver || signal === "SIGINT" || fail(new Error(`a worker ended with ${code ?? signal}`)),
      );
      worker.on("message", ({ item, proof, error }) => {
        if (error !== undefined) return fail(new Error(error));
        if (item !== undefined) return cases.push(item);
        if (proof !== undefined) {
          proved.sample += 1;
          if (proof.differences.length === 0) proved.equal += 1;
          else proved.different.push(`${proof.id}: ${proof.differences.slice(0, 5).join(", ")}`);
          return undefined;
        }
        const next = (values.quick && open.find((unit) => unit.project === project)) || open[0];
        if (next === undefined) {
          idle += 1;
          return idle === workers.length ? over(0) : undefined;
        }
        project = next.project;
        open.splice(open.indexOf(next), 1);
        if (process.stderr.isTTY) process.stderr.write(`${next.project} ${next.kind}\n`);
        return worker.send(next);
      });
    }
  }).finally(stop);
}

/** The order in which workers answer is of no matter. */
function sorted(cases) {
  return cases.sort((left, right) => left.id.localeCompare(right.id, "en", { numeric: true }));
}

/** Projects of which dbt does not make what the cases replay. */
async function recompiled(projects) {
  const stale = [];
  for (const project of projects.filter(({ name }) => name !== "dot-bids")) {
    const text = await compileProject(project, mkdtempSync(join(folder, "compile-")));
    if (text !== `${JSON.stringify(project.manifest, null, 1)}\n`) stale.push(`dbt compiles ${project.name} otherwise`);
  }
  return stale;
}

function graphOf({ manifest, settings }) {
  const all = Object.values(manifest.nodes);
  const reads = (node) => [node.unique_id, node.depends_on.nodes ?? []];
  return {
    parents: new Map(all.filter((node) => node.resource_type !== "test").map(reads)),
    tests: new Map(all.filter((node) => node.resource_type === "test").map(reads)),
    roleOf: (id) => {
      const source = manifest.sources[id];
      if (source === undefined) return "transformation";
      return settings.sourceRepos.some(({ loads }) => loads.includes(source.source_name)) ? "unclear" : "source";
    },
  };
}
