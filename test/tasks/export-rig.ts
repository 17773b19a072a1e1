/** What the tests of `export` share: a config, and a call with less to say. */
import { readProject } from "../../src/dbt/artifacts.js";
import type { Export } from "../../src/model/case.js";
import { type Config, defaultCategories } from "../../src/model/config.js";
import type { Project, RunResults, TestResult } from "../../src/model/project.js";
import type { Result } from "../../src/model/result.js";
import type { Warehouse } from "../../src/model/warehouse.js";
import { groupPredicate } from "../../src/sql/index.js";
import { type ExportInput, exportCases } from "../../src/tasks/export.js";

export interface ConfigChanges extends Partial<Omit<Config, "dbt" | "groupBy" | "tests" | "summary">> {
  readonly dbt?: Partial<Config["dbt"]>;
  readonly groupBy?: Partial<Config["groupBy"]>;
  readonly tests?: Partial<Config["tests"]>;
  readonly summary?: Partial<Config["summary"]>;
}

/** A config as the loader hands it on, grouped by `state`. */
export function exportConfig(changes: ConfigChanges = {}): Config {
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
      profile: null,
      dbtTarget: null,
      vars: {},
      failuresSchema: null,
      state: null,
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
    budget: null,
    lineage: { maxQueries: null },
    strategy: "per-group",
    maxTestsPerTask: 12,
    slots: { count: 3, provider: "none", settings: {} },
    agent: { use: "lineage", runner: "process", settings: {} },
    categories: defaultCategories,
    prompt: null,
    evidence: true,
    exceptionsFile: "/nowhere/audit.exceptions.yaml",
    knowledge: { all: null, byGroup: {}, byTest: {} },
    digestIgnore: [],
    redactColumns: [],
    sql: { schemas: [], functions: [] },
    timeouts: { query: 60_000, task: 60_000, claim: 60_000, refused: 60_000 },
    concurrency: { warehouse: 4, agent: null },
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

export interface TestNode {
  readonly id: string;
  readonly name?: string;
  readonly package?: string;
  /** Generic kind; absent for a singular test. */
  readonly kind?: string;
  readonly column?: string;
  readonly on?: string;
  readonly stored?: string | null;
  readonly compiled?: string | null;
  readonly config?: object;
}

/** A manifest with models (name → relation in schema main) and tests, as dbt writes it. */
export function projectOf(models: readonly string[], tests: readonly TestNode[]): Project {
  const nodes: Record<string, object> = {};
  for (const name of models) {
    nodes[`model.demo.${name}`] = {
      resource_type: "model",
      name,
      package_name: "demo",
      relation_name: `"demo"."main"."${name}"`,
      original_file_path: `models/${name}.sql`,
      config: { materialized: "table" },
    };
  }
  for (const test of tests) {
    const { stored = test.name ?? test.id } = test;
    nodes[`test.${test.package ?? "demo"}.${test.id}`] = {
      resource_type: "test",
      name: test.name ?? test.id,
      package_name: test.package ?? "demo",
      relation_name: stored === null ? null : `"demo"."audit"."${stored}"`,
      compiled_code: test.compiled ?? null,
      attached_node: test.on === undefined ? null : `model.demo.${test.on}`,
      test_metadata: test.kind === undefined ? null : { name: test.kind, kwargs: { column_name: test.column } },
      config: { severity: "error", ...test.config },
    };
  }
  const read = readProject(JSON.stringify({ metadata: { project_name: "demo", adapter_type: "duckdb" }, nodes }));
  if (!read.ok) throw new Error(read.failure.message);
  return read.value;
}

/** Every test of the project with one status, changed for some. */
export function resultsOf(project: Project, statuses: Readonly<Record<string, TestResult["status"]>> = {}): RunResults {
  const tests = [...project.resources.values()].filter((resource) => resource.test !== null);
  return {
    invocationId: "i-1",
    generatedAt: "2026-02-03T00:00:00Z",
    results: tests.map(({ id, name }) => ({
      id,
      status: statuses[name] ?? "fail",
      failures: 1,
      message: statuses[name] === "error" ? "Database Error: boom" : null,
      compiledCode: null,
      relation: null,
    })),
  };
}

export async function exported(
  warehouse: Warehouse,
  project: Project | null,
  more: Partial<ExportInput> = {},
): Promise<Export> {
  const result = await tryExport(warehouse, project, more);
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value;
}

export function tryExport(
  warehouse: Warehouse,
  project: Project | null,
  more: Partial<ExportInput> = {},
): Promise<Result<Export>> {
  return exportCases({
    config: exportConfig(),
    project,
    runResults: project === null ? null : resultsOf(project),
    warehouse,
    previous: null,
    progress: () => {},
    signal: new AbortController().signal,
    ...more,
  });
}

/** `not_null_x@VA 3/3`: test, group, failures, rows. */
export function summaryOf(result: Export): string[] {
  return result.cases.map((each) => `${each.id} ${each.failures}/${each.rows}`);
}

/** Fails where a case's own SQL gives other rows than the case says. */
export async function checkRows(warehouse: Warehouse, result: Export): Promise<void> {
  for (const each of result.cases) {
    const { sql, groupColumn } = each.failingRows;
    const predicate = groupPredicate(warehouse.dialect, groupColumn, each.group);
    const answer = await warehouse.query(`select count(*) from (${sql}) as failing where ${predicate}`);
    if (!answer.ok) throw new Error(`${each.id}: ${answer.failure.message}\n${sql}`);
    if (answer.value.rows[0]?.[0] !== String(each.rows))
      throw new Error(`${each.id}: ${answer.value.rows[0]?.[0]} rows`);
  }
}
