/** What the tests of `export` share: a config, and a call with less to say. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, defaultCategories } from "../../src/model/config.js";

type Deep<Value> = { readonly [Key in keyof Value]?: Partial<Value[Key]> | Value[Key] };

/** A config as the loader hands it on, grouped by `state`. */
export function exportConfig(
  changes: Deep<Pick<Config, "dbt" | "groupBy" | "tests" | "summary">> & Partial<Config> = {},
): Config {
  const base: Config = {
    file: "/nowhere/audit.config.yaml",
    baseDir: "/nowhere",
    name: "test",
    dir: "/nowhere/.audit",
    dbt: {
      path: "/nowhere",
      dir: ".",
      projectDir: "/nowhere",
      slot: true,
      command: "dbt",
      profilesDir: null,
      dbtTarget: null,
      vars: {},
      failuresSchema: null,
    },
    sources: [],
    warehouse: { use: "duckdb", settings: {} },
    summary: {
      run: null,
      artifacts: "/nowhere/target",
      targetPath: "/nowhere/.audit/target",
      cwd: "/nowhere",
      env: {},
      timeout: 60_000,
      watermark: null,
      maxAge: null,
      table: null,
    },
    groupBy: { columns: ["state"], label: "State", map: {} },
    tests: { include: ["*"], exclude: [], severity: ["error", "warn"] },
    strategy: "per-group",
    maxTestsPerTask: 12,
    slots: { count: 3, provider: "none", settings: {} },
    agent: { use: "lineage", settings: {} },
    categories: defaultCategories,
    prompt: null,
    exceptionsFile: "/nowhere/audit.exceptions.yaml",
    knowledge: { all: null, byGroup: {}, byTest: {} },
    digestIgnore: [],
    redactColumns: [],
    timeouts: { query: 60_000, task: 60_000 },
    concurrency: { warehouse: 4 },
    failOn: [],
  };
  return {
    ...base,
    ...changes,
    dbt: { ...base.dbt, ...changes.dbt },
    groupBy: { ...base.groupBy, ...changes.groupBy },
    tests: { ...base.tests, ...changes.tests },
    summary: { ...base.summary, ...changes.summary },
  };
}

export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "audit-run-export-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
