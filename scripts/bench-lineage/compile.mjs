// Renews what dbt compiled of the benchmark's own projects: `node scripts/bench-lineage/compile.mjs [--check]`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileProject } from "./dbt.mjs";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const name of ["store", "subscriptions", "events"]) {
  const folder = mkdtempSync(join(tmpdir(), "bench-lineage-compile-"));
  try {
    const own = join(import.meta.dirname, "projects", name);
    const { tables } = await import(`./projects/${name}/project.mjs`);
    const { dice } = await import("./random.mjs");
    const raw = tables(dice(`rows of ${name}`));
    const before = new Map(Object.keys(raw).flatMap((table) => (raw[table].before ? [[table, table]] : [])));
    const text = await compileProject({ name, folder: own, database: name, tables: raw, before }, folder);
    const file = join(own, "compiled/manifest.json");
    const isFresh = existsSync(file) && readFileSync(file, "utf8") === text;
    if (!isFresh && values.check) throw new Error(`${name} is stale: node scripts/bench-lineage/compile.mjs`);
    mkdirSync(join(own, "compiled"), { recursive: true });
    if (!isFresh) writeFileSync(file, text);
    console.log(`${name}: ${isFresh ? "fresh" : "written"}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
