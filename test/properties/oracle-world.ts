/**
 * The world of the oracle's audits: three tests over two models and two macros, some groups, and all that a person may
 * change between two runs. Says also, without a look at the code under test, what decides each case's finding.
 */
import type { FailingRow, MemoryData } from "../fakes/memory-warehouse.js";

export const testNames = ["t0", "t1", "t2"] as const;
/** SQL NULL and the empty text are groups, too. */
export const states = ["VA", "", null] as const;

export type TestName = (typeof testNames)[number];
/** Models a and b, an unrelated one, the tests' own SQL, a macro and one that it calls. */
export const codes = ["a", "b", "unrelated", "t0", "t1", "t2", "macro", "inner"] as const;
export type Code = (typeof codes)[number];

/** What a test reads: t0 model a; t1 model b, which reads a and calls `macro`, which calls `inner`; t2 model a. */
const lineage: Readonly<Record<TestName, readonly Code[]>> = {
  t0: ["t0", "a"],
  t1: ["t1", "b", "a", "macro", "inner"],
  t2: ["t2", "a"],
};

export interface Entry {
  readonly test: string;
  readonly group: string;
  /** Days after the first. */
  readonly expires: number | null;
}

export interface World {
  /** dbt's invocation: another one for each test run. */
  readonly invocation: number;
  /** `<test>@<state>` → failing rows, and which. */
  readonly rows: Readonly<Record<string, { readonly count: number; readonly version: number }>>;
  readonly code: Readonly<Record<Code, number>>;
  /** Data that a finding cites and that are no failing rows. */
  readonly probe: number;
  /** Version of the file in the source repository that findings of t1 cite. */
  readonly cited: number;
  readonly vars: number;
  readonly categories: number;
  readonly model: number;
  readonly template: number;
  readonly knowledge: { readonly all: number; readonly VA: number; readonly t1: number };
  readonly description: number;
  readonly exceptions: readonly Entry[];
  readonly strategy: "per-group" | "per-test" | "balanced" | "auto";
  readonly maxTestsPerTask: number;
  readonly concurrency: number;
  readonly slots: boolean;
  readonly day: number;
}

export function caseName(test: string, state: string | null): string {
  return `${test}@${groupKey(state)}`;
}

export function groupKey(state: string | null): string {
  return state === null ? "(null)" : state === "" ? "(empty)" : state;
}

export const firstWorld: World = {
  invocation: 0,
  rows: {
    "t0@VA": { count: 2, version: 0 },
    "t0@(empty)": { count: 1, version: 0 },
    "t2@(empty)": { count: 1, version: 0 },
    "t1@VA": { count: 1, version: 0 },
    "t1@(null)": { count: 3, version: 0 },
  },
  code: { a: 0, b: 0, unrelated: 0, t0: 0, t1: 0, t2: 0, macro: 0, inner: 0 },
  probe: 0,
  cited: 0,
  vars: 0,
  categories: 0,
  model: 0,
  template: 0,
  knowledge: { all: 0, VA: 0, t1: 0 },
  description: 0,
  exceptions: [],
  strategy: "per-group",
  maxTestsPerTask: 12,
  concurrency: 2,
  slots: false,
  day: 0,
};

/** All that decides what a sensible agent says of a case. */
export function deciding(world: World, test: TestName, group: string): string {
  const { code, vars, categories, model, template, knowledge, probe, cited } = world;
  return JSON.stringify({
    rows: world.rows[`${test}@${group}`],
    code: lineage[test].map((name) => `${name}${code[name]}`),
    told: [knowledge.all, group === "VA" ? knowledge.VA : 0, test === "t1" ? knowledge.t1 : 0],
    vars,
    categories,
    model,
    template,
    probe: citesProbe(test) ? probe : 0,
    cited: citesFile(test) ? cited : 0,
  });
}

/** Which findings rest upon data besides the failing rows, and which upon a file of a source repository. */
export const citesProbe = (test: TestName): boolean => test !== "t2";
export const citesFile = (test: TestName): boolean => test === "t1";

export function dataOf(world: World): MemoryData {
  const rowsOf = (test: TestName): FailingRow[] =>
    states.flatMap((state) => {
      const { count, version } = world.rows[caseName(test, state)] ?? { count: 0, version: 0 };
      return Array.from({ length: count }, (_, index) => ({ state, detail: `${version}.${index}` }));
    });
  return {
    failures: new Map(testNames.map((test) => [test, rowsOf(test)])),
    probes: new Map([
      ["volume", world.probe],
      ["constant", 7],
    ]),
  };
}

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
  const data = dataOf(world);
  const results = testNames.map((name) => {
    const failures = data.failures.get(name)?.length ?? 0;
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
      dbt: { path: "project", vars: { given: world.vars } },
      sources: [{ name: "sync", path: "sync" }],
    },
    warehouse: { use: "memory" },
    summary: { artifacts: "project/target" },
    groupBy: "state",
    strategy: world.strategy,
    maxTestsPerTask: world.maxTestsPerTask,
    slots: { count: 2, provider: "none" },
    agent: { use: "scripted" },
    prompt: "prompt.md",
    concurrency: { warehouse: world.concurrency },
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

export function dateOf(day: number): Date {
  return new Date(Date.UTC(2026, 1, 3 + day, 12));
}
