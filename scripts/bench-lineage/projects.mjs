// The benchmark's projects: what dbt compiled of each, its raw tables, and a database in which all of it is built.
// Three are in projects/, the fourth is the demo. Knows no faults.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { csv } from "../../examples/dot-bids/build/duckdb.mjs";
import { loadRaw } from "../../examples/dot-bids/build/raw.mjs";
import { loadTables, withDatabase } from "./database.mjs";
import { dice } from "./random.mjs";
import { buildNode, inOrder } from "./replay.mjs";

const here = import.meta.dirname;
const demo = resolve(here, "../../examples/dot-bids");

/** The order decides nothing but how tables are printed. */
export const projectNames = ["store", "dot-bids", "subscriptions", "events"];

export async function openProject(name) {
  const isDemo = name === "dot-bids";
  const folder = isDemo ? demo : join(here, "projects", name);
  const manifest = JSON.parse(readFileSync(join(folder, "compiled/manifest.json"), "utf8"));
  const own = isDemo ? demoParts : await import(`./projects/${name}/project.mjs`);
  const tables = own.tables(dice(`rows of ${name}`));
  const models = [...inOrder(manifest).values()]
    .filter((node) => ["model", "snapshot"].includes(node.resource_type))
    .map((node) => ({
      id: node.unique_id,
      file: node.original_file_path,
      lines: readFileSync(join(folder, node.original_file_path), "utf8").trimEnd().split("\n"),
    }));
  return {
    name,
    folder,
    manifest,
    models,
    tables,
    settings: own.settings,
    /** DuckDB names a database after its file, and compiled SQL names the database. */
    database: isDemo ? "dot_bids" : name,
    /** Where a fault must be planted as well: snapshots have seen these before. Name → name of the earlier table. */
    before: new Map(Object.keys(tables).flatMap((table) => (tables[table].before ? [[table, earlier(table)]] : []))),
  };
}

const demoParts = {
  settings: {
    heldOut: false,
    groupColumns: ["state"],
    sourceRepos: [{ name: "dot-sync", loads: ["dot_portal"] }],
    dirt: [],
  },
  tables: () => ({}),
};

const earlier = (table) => `bench_before.${table.replace(".", "__")}`;

/** Files that are no longer what dbt compiled. */
export function staleFiles({ folder, manifest }) {
  const code = [...Object.values(manifest.nodes), ...Object.values(manifest.macros)]
    .filter((node) => node.original_file_path.endsWith(".sql") && existsSync(join(folder, node.original_file_path)))
    .filter((node) => ![`dbt`, `dbt_duckdb`].includes(node.package_name))
    .map((node) => [node.original_file_path, (node.raw_code ?? node.macro_sql).trim()]);
  return [
    ...new Set(code.flatMap(([file, text]) => (readFileSync(join(folder, file), "utf8").includes(text) ? [] : [file]))),
  ].sort();
}

/** Raw tables as they are now; `before` also as they were when the snapshots first ran. */
export async function loadSources(project, file, which) {
  if (project.name === "dot-bids") return loadRaw(file, join(demo, "data"));
  const now = Object.entries(project.tables);
  const tables = now.map(([name, table]) => [
    name,
    which === "before" && table.before ? { ...table, rows: table.before } : table,
  ]);
  await withDatabase(file, async (connection) => {
    await loadTables(connection, Object.fromEntries(tables));
  });
}

/** Builds everything in a new file, as dbt would. */
export async function buildBase(project, file) {
  await loadSources(project, file, "now");
  await withDatabase(file, async (connection) => {
    const before = [...project.before].map(([name, other]) => [
      other,
      { ...project.tables[name], rows: project.tables[name].before },
    ]);
    await loadTables(connection, Object.fromEntries(before));
    const nodes = inOrder(project.manifest);
    for (const schema of new Set([...nodes.values()].map((node) => node.schema))) {
      await connection.run(`create schema if not exists "${schema}"`);
    }
    for (const node of nodes.values()) {
      if (node.resource_type === "seed") await seed(connection, project, node);
      if (node.resource_type === "snapshot") await buildNode(connection, node, firstSnapshot(project, node));
      await buildNode(connection, node);
    }
  });
}

async function seed(connection, project, node) {
  const file = csv(join(project.folder, node.original_file_path));
  const header = await connection.runAndReadAll(`describe select * from ${file}`);
  const columns = header.getRows().map(([name]) => `cast("${name}" as ${node.config.column_types[name]}) as "${name}"`);
  await connection.run(`create or replace table ${node.relation_name} as select ${columns} from ${file}`);
}

/** The snapshot's SQL over the tables as they were. */
export function firstSnapshot(project, node, sql = node.compiled_code) {
  let first = sql;
  for (const [name, other] of project.before) {
    const quoted = (text) =>
      text
        .split(".")
        .map((part) => `"${part}"`)
        .join(".");
    first = first.replaceAll(`"${project.database}".${quoted(name)}`, `"${project.database}".${quoted(other)}`);
  }
  return first;
}
