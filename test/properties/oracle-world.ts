/**
 * The world of the oracle's audits: three tests over two models and two macros, some groups, and all that a person may
 * change between two runs. Says also, without a look at the code under test, what decides each case's finding.
 * How an audit is told of it is in oracle-files.ts.
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

/** What a run of dbt builds: all of it changes when dbt runs, and only then. */
const dbtParts = ["invocation", "rows", "loaded", "probe", "code", "description"] as const;

/** Where the failing tests are read: dbt's results, a table of them, or a table in a project without a manifest. */
export const sources = ["results", "table", "coarse"] as const;
/** When dbt runs: before the audit, by a person, or as its `summary` command. */
export const summaries = ["artifacts", "always", "watermark", "max-age"] as const;
export const groupings = ["state", "county"] as const;

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
  /** The load that failing rows came with: a column of theirs. */
  readonly loaded: number;
  readonly ignoresLoads: boolean;
  readonly source: (typeof sources)[number];
  readonly summary: (typeof summaries)[number];
  readonly grouping: (typeof groupings)[number];
  readonly code: Readonly<Record<Code, number>>;
  /** What git says of the project: decides where there is no manifest. */
  readonly repository: { readonly head: number; readonly changes: number; readonly untracked: number };
  /** Data that a finding cites and that are no failing rows. */
  readonly probe: number;
  /** Version of the file in the source repository that findings of t1 cite. */
  readonly cited: number;
  readonly vars: number;
  /** Those of dbt_project.yml. */
  readonly projectVars: number;
  readonly categories: number;
  readonly model: number;
  /** Above 0: t2 is given to another model. */
  readonly variant: number;
  readonly template: number;
  readonly knowledge: { readonly all: number; readonly VA: number; readonly t1: number };
  readonly description: number;
  readonly exceptions: readonly Entry[];
  readonly strategy: "per-group" | "per-test" | "balanced" | "auto";
  readonly maxTestsPerTask: number;
  readonly concurrency: number;
  readonly slots: boolean;
  readonly day: number;
  /** How often a person has run dbt without the audit. */
  readonly byHand: number;
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
  loaded: 0,
  ignoresLoads: true,
  source: "results",
  summary: "artifacts",
  grouping: "state",
  repository: { head: 0, changes: 0, untracked: 0 },
  code: { a: 0, b: 0, unrelated: 0, t0: 0, t1: 0, t2: 0, macro: 0, inner: 0 },
  probe: 0,
  cited: 0,
  vars: 0,
  projectVars: 0,
  categories: 0,
  model: 0,
  variant: 0,
  template: 0,
  knowledge: { all: 0, VA: 0, t1: 0 },
  description: 0,
  exceptions: [],
  strategy: "per-group",
  maxTestsPerTask: 12,
  concurrency: 2,
  slots: false,
  day: 0,
  byHand: 0,
};

/** The world as an audit may see it: what dbt builds is that of its last run. */
export function asBuilt(world: World, built: World): World {
  return { ...world, ...Object.fromEntries(dbtParts.map((part) => [part, built[part]])) };
}

/** Whether dbt would build anew what it has built. */
export function isUpToDate(world: World, built: World): boolean {
  return dataVersion(world) === dataVersion(built);
}

/** An honest watermark: tells all that dbt would build. */
function dataVersion(world: World): string {
  return JSON.stringify(dbtParts.filter((part) => part !== "invocation").map((part) => world[part]));
}

/** All that decides what a sensible agent says of a case. */
export function deciding(world: World, test: TestName, group: string): string {
  const { code, vars, projectVars, categories, template, knowledge, probe, cited } = world;
  const rows = rowsOf(world, test).filter((row) => groupKey(row[world.grouping]) === group);
  return JSON.stringify({
    rows: rows.map((row) => JSON.stringify({ ...row, loaded_at: world.ignoresLoads ? 0 : row.loaded_at })).sort(),
    code: world.source === "coarse" ? world.repository : lineage[test].map((name) => `${name}${code[name]}`),
    told: [knowledge.all, group === "VA" ? knowledge.VA : 0, test === "t1" ? knowledge.t1 : 0],
    vars: [vars, projectVars],
    categories,
    model: modelOf(world, test),
    template,
    probe: citesProbe(test) ? probe : 0,
    cited: citesFile(test) ? cited : 0,
  });
}

export function modelOf({ model, variant }: World, test: TestName): string {
  return test === "t2" && variant > 0 ? "special" : `model-${model}`;
}

/** Which findings rest upon data besides the failing rows, and which upon a file of a source repository. */
export const citesProbe = (test: TestName): boolean => test !== "t2";
export const citesFile = (test: TestName): boolean => test === "t1";

/** Failing rows of a test. */
export function rowsOf(world: World, test: string): readonly FailingRow[] {
  return states.flatMap((state) => {
    const { count, version } = world.rows[caseName(test, state)] ?? { count: 0, version: 0 };
    return Array.from({ length: count }, (_, index) => ({
      state,
      // A county may be called as a state is.
      county: index % 2 === 0 ? "VA" : "north",
      detail: `${version}.${index}`,
      loaded_at: `load ${world.loaded}`,
    }));
  });
}

/** @param world what the warehouse holds */
export function dataOf(world: World, pending: World): MemoryData {
  return {
    failures: new Map(testNames.map((test) => [test, rowsOf(world, test)])),
    probes: new Map<string, number | string>([
      ["volume", world.probe],
      ["constant", 7],
      ["watermark", dataVersion(pending)],
    ]),
    summary: new Map(testNames.map((test) => [test, rowsOf(world, test).length])),
  };
}

/** What git prints for each of the commands by which a project without a manifest is looked at. */
export function gitOf({ repository }: World, args: readonly string[]): string | null {
  if (args[0] === "rev-parse") return `tree ${repository.head}\n`;
  if (args[0] === "diff") return repository.changes === 0 ? "" : `+${repository.changes}\n`;
  if (args[0] === "ls-files") return "new.sql\0";
  return null;
}

export function dateOf(day: number): Date {
  return new Date(Date.UTC(2026, 1, 3 + day, 12));
}
