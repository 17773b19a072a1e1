// What changed since all was well, as an audit could know it: the project as an earlier manifest had it, how many rows each
// relation had, and a git repository with the change as its last commit. Made only when a walk asks for it.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { rowsOf } from "./database.mjs";

export async function presentChanges(site, { id, faults }, harmless) {
  site.counts ??= await countsOf(site);
  return {
    earlier: site.known,
    counts: site.counts,
    repository: async () => repositoryOf(site, id, faults, harmless),
  };
}

async function countsOf({ connection }) {
  const counts = new Map();
  const tables = await rowsOf(
    connection,
    "select schema_name, table_name from duckdb_tables() where database_name = 'base'",
  );
  for (const { schema_name: schema, table_name: table } of tables) {
    const [{ rows }] = await rowsOf(connection, `select count(*)::integer as rows from base."${schema}"."${table}"`);
    counts.set(`${schema}.${table}`, rows);
  }
  return counts;
}

const leftBehind = new Set(["target", "logs", "compiled", ".data", "data"]);

async function repositoryOf(site, id, faults, harmless) {
  const { project } = site;
  const folder = mkdtempSync(join(tmpdir(), "bench-lineage-repository-"));
  const filter = (source) => !leftBehind.has(source.slice(source.lastIndexOf(sep) + 1));
  cpSync(project.folder, folder, { recursive: true, filter });
  const who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"];
  const git = (...args) => execFileSync("git", ["-C", folder, ...who, ...args], { stdio: "ignore" });
  const commit = (message) => {
    git("add", "-A");
    git("commit", "-q", "-m", message);
  };
  git("init", "-q");
  commit("All is well");
  if (harmless !== null) {
    writeEdit(folder, harmless);
    commit("Review of a model");
  }
  const edits = faults.flatMap(({ edit }) => (edit === undefined ? [] : [edit]));
  for (const edit of edits) writeEdit(folder, edit);
  const seeds = faults.flatMap(({ node }) => (node.startsWith("seed.") ? [site.nodes.get(node)] : []));
  for (const seed of seeds) await writeSeed(site.connection, folder, seed);
  if (edits.length + seeds.length > 0) commit(`Changes of the week (${id})`);
  return folder;
}

/** A seed's rows are in a file of the project. */
async function writeSeed(connection, folder, seed) {
  const names = (await connection.runAndReadAll(`from ${seed.relation_name} limit 0`)).columnNames();
  const reader = await connection.runAndReadAll(`select columns(*)::varchar from ${seed.relation_name}`);
  const cell = (value) => (/[",\n]/.test(value ?? "") ? `"${value.replaceAll('"', '""')}"` : (value ?? ""));
  const lines = [names, ...reader.getRows()].map((row) => row.map(cell).join(","));
  writeFileSync(join(folder, seed.original_file_path), `${lines.join("\n")}\n`);
}

/** Also used for the proof that dbt builds the same. */
export function writeEdit(folder, { file, from, to, lines }) {
  const path = join(folder, file);
  const old = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, [...old.slice(0, from), ...lines, ...old.slice(to + 1)].join("\n"));
}
