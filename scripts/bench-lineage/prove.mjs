// The proof of the replay: one case built by real dbt from the same raw tables and the same edited files gives the same rows
// in every relation and the same answer of every test. Knows no walks.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { rowsOf, withDatabase } from "./database.mjs";
import { buildByDbt, dbt } from "./dbt.mjs";
import { loadSources } from "./projects.mjs";
import { runTest } from "./replay.mjs";
import { writeEdit } from "./repository.mjs";

const leftBehind = new Set(["target", "logs", "compiled", ".data", "data"]);

/** What of this case differs between dbt and the replay, which the site has built last; empty where nothing does. */
export async function differences(site, faults, built) {
  const { project } = site;
  const ours = { rows: await digests(site, site.connection), tests: await answers(site, built) };
  const place = mkdtempSync(join(tmpdir(), "bench-lineage-proof-"));
  try {
    const folder = join(place, "projects", project.name);
    mkdirSync(folder, { recursive: true });
    const filter = (source) => !leftBehind.has(source.slice(source.lastIndexOf(sep) + 1));
    cpSync(project.folder, folder, { recursive: true, filter });
    cpSync(join(import.meta.dirname, "packages"), join(place, "packages"), { recursive: true });
    for (const { edit } of faults) if (edit !== undefined) writeEdit(folder, edit);
    const database = join(place, `${project.database}.duckdb`);
    const target = join(place, "target");
    const data = faults.flatMap(({ dirt = [], data: own = [] }) => [...dirt, ...own]);
    const load = async (which, isFaulty = true) => {
      await loadSources(project, database, which);
      const all = isFaulty ? data : [];
      const seeds = seedTables(project);
      const statements = all.filter((sql) => !seeds.some((name) => sql.includes(` ${name} `)));
      const shown =
        which === "now"
          ? statements
          : statements.filter((sql) => [...project.before.keys()].some((name) => sql.includes(` ${name} `)));
      await withDatabase(database, async (connection) => {
        for (const sql of shown) await connection.run(sql);
      });
    };
    await buildByDbt(project, { folder, database, target, load });
    if (faults.some(({ stale }) => stale)) {
      await load("now", false);
      await dbt(folder, { database, target }, [["--quiet", "build", "--exclude-resource-type", "test"]]);
    }
    await dbt(folder, { database, target }, [["--quiet", "test"]]);
    const theirs = {
      rows: await withDatabase(database, (connection) => digests(site, connection)),
      tests: resultsOf(target),
    };
    return [...unequal("rows of", ours.rows, theirs.rows), ...unequal("test", ours.tests, theirs.tests)];
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** A fault in a seed's table has no counterpart before dbt loads its file. */
export function isProvable(site, faults) {
  const seeds = seedTables(site.project);
  return !faults.some(({ data = [] }) => data.some((sql) => seeds.some((name) => sql.includes(` ${name} `))));
}

function seedTables({ manifest }) {
  return Object.values(manifest.nodes).flatMap((node) =>
    node.resource_type === "seed" ? [`${node.schema}.${node.alias}`] : [],
  );
}

async function digests(site, connection) {
  const found = new Map();
  for (const node of site.nodes.values()) {
    if (node.config.materialized === "ephemeral") continue;
    const [{ rows, digest }] = await rowsOf(
      connection,
      `select count(*)::integer as rows, coalesce(sum(hash(cast(t as varchar))::hugeint), 0)::varchar as digest from ${node.relation_name} as t`,
    );
    found.set(node.unique_id, `${rows} rows, digest ${digest}`);
  }
  return found;
}

async function answers(site, { project }) {
  const found = new Map();
  for (const test of site.tests) {
    const compiled_code = project.resources.get(test.unique_id).compiledCode;
    const { status, failures } = await runTest(site.connection, { ...test, compiled_code });
    found.set(nameOf(test), `${status} ${failures}`);
  }
  return found;
}

function resultsOf(target) {
  const read = (name) => JSON.parse(readFileSync(join(target, name), "utf8"));
  const { nodes } = read("manifest.json");
  const results = read("run_results.json").results.filter(({ unique_id: id }) => nodes[id]?.resource_type === "test");
  return new Map(results.map((result) => [nameOf(nodes[result.unique_id]), `${result.status} ${result.failures}`]));
}

/** dbt names a test after its arguments, so one with an edited list has another name. */
function nameOf(test) {
  if (test.test_metadata?.name !== "accepted_values") return test.unique_id;
  return `accepted_values of ${test.attached_node}.${test.column_name}`;
}

function unequal(what, ours, theirs) {
  const names = new Set([...ours.keys(), ...theirs.keys()]);
  return [...names].flatMap((name) =>
    ours.get(name) === theirs.get(name) ? [] : [`${what} ${name}: ${ours.get(name)} here, ${theirs.get(name)} by dbt`],
  );
}
