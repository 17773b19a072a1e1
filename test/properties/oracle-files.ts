/**
 * The files that a world of the oracle's puts before an audit: config, exceptions, prompt, and dbt's own.
 */
import { dateOf, modelOf, rowsOf, type TestName, testNames, type World } from "./oracle-world.js";

/** manifest.json */
export function manifestOf({ code, description, invocation }: World): object {
  const node = (id: string, type: string, name: string, more: object) => ({
    unique_id: id,
    resource_type: type,
    name,
    package_name: "small",
    database: "memory",
    schema: type === "test" ? "failures" : "main",
    alias: name,
    relation_name: `"memory"."${type === "test" ? "failures" : "main"}"."${name}"`,
    description: `It is said: ${description}`,
    config: { materialized: type === "test" ? "test" : "table" },
    columns: {},
    ...more,
  });
  const model = (name: "a" | "b" | "unrelated", nodes: readonly string[], macros: readonly string[]) =>
    node(`model.small.${name}`, "model", name, {
      raw_code: `select ${code[name]}`,
      depends_on: { nodes, macros },
    });
  const test = (name: TestName, nodes: readonly string[]) =>
    node(`test.small.${name}`, "test", name, {
      raw_code: `select ${code[name]} from tested`,
      compiled_code: `select * from "memory"."failures"."${name}"`,
      depends_on: { nodes, macros: [] },
      config: { materialized: "test", store_failures: true, severity: "ERROR" },
    });
  const nodes = [
    model("a", [], []),
    model("b", ["model.small.a"], ["macro.small.macro"]),
    model("unrelated", ["model.small.a"], []),
    test("t0", ["model.small.a"]),
    test("t1", ["model.small.b"]),
    test("t2", ["model.small.a"]),
  ];
  const macro = (name: "macro" | "inner", macros: readonly string[]) => ({
    macro_sql: `{% macro ${name}() %}${code[name]}{% endmacro %}`,
    depends_on: { macros },
  });
  return {
    metadata: { ...metadata(invocation), project_name: "small", adapter_type: "duckdb" },
    nodes: Object.fromEntries(nodes.map((each) => [each.unique_id, each])),
    sources: {},
    macros: { "macro.small.macro": macro("macro", ["macro.small.inner"]), "macro.small.inner": macro("inner", []) },
  };
}

/** run_results.json */
export function runResultsOf(world: World): object {
  const results = testNames.map((name) => {
    const failures = rowsOf(world, name).length;
    return { unique_id: `test.small.${name}`, status: failures === 0 ? "pass" : "fail", failures };
  });
  return { metadata: metadata(world.invocation), results };
}

function metadata(invocation: number): object {
  return { invocation_id: `invocation-${invocation}`, generated_at: "2026-02-03T00:00:00Z" };
}

/** audit.config.yaml; JSON is YAML. */
export function configOf(world: World): object {
  const { knowledge } = world;
  const known = (subject: string, version: number) => (version === 0 ? {} : { [subject]: `Known: ${version}.` });
  return {
    version: 1,
    name: "small",
    repos: {
      dbt: { path: "project", vars: { given: world.vars }, failuresSchema: "memory.failures" },
      sources: [{ name: "sync", path: "sync" }],
    },
    warehouse: { use: "memory" },
    summary: summaryOf(world),
    groupBy: { columns: world.grouping, label: "Place" },
    digest: { ignore: world.ignoresLoads ? ["loaded_*"] : [] },
    strategy: world.strategy,
    maxTestsPerTask: world.maxTestsPerTask,
    slots: { count: 2, provider: "none" },
    agent: { use: "scripted", ...agentSettingsOf(world) },
    prompt: "prompt.md",
    concurrency: { warehouse: world.concurrency },
    // What findings cite is read in the schema of the probes.
    sql: { schemas: ["memory.probes"] },
    categories: [
      { id: "known_exception", meaning: "Documented", action: "None", role: "exception" },
      { id: "needs_fix", meaning: `Bug, ${world.categories}`, action: "Fix", role: "transformation" },
      { id: "needs_investigation", meaning: "Unclear", action: "Escalate", role: "unclear" },
      { id: "source_data_issue", meaning: "Bad data", action: "Report", role: "source" },
    ],
    knowledge: {
      ...known("all", knowledge.all),
      byGroup: known("VA", knowledge.VA),
      byTest: known("t1", knowledge.t1),
    },
  };
}

function summaryOf({ source, summary }: World): object {
  return {
    artifacts: "project/target",
    ...(source === "results" ? {} : { table: "memory.marts.summary" }),
    ...(summary === "artifacts" ? {} : { run: ["dbt", "build"] }),
    ...(summary === "watermark" ? { watermark: 'select n from "memory"."probes"."watermark"' } : {}),
    ...(summary === "max-age" ? { maxAge: "36h" } : {}),
  };
}

/** dbt_project.yml */
export function projectFileOf({ projectVars }: World): string {
  return `name: small\nvars:\n  said: ${projectVars}\n`;
}

export function agentSettingsOf(world: World): { model: string; modelOfT2: string; slots: boolean } {
  return { model: modelOf(world, "t0"), modelOfT2: modelOf(world, "t2"), slots: world.slots };
}

export function promptOf({ template }: World): string {
  return `Version ${template} of the questions.\n\n{{task.cases}}\n\n{{task.knowledge}}\n`;
}

/** audit.exceptions.yaml */
export function exceptionsOf({ exceptions }: World): object {
  return {
    version: 1,
    exceptions: exceptions.map(({ test, group, expires }) => ({
      test,
      group,
      reason: "It is known.",
      owner: "team",
      expires: expires === null ? "never" : dateOf(expires).toISOString().slice(0, 10),
    })),
  };
}
