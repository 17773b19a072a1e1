/**
 * A dbt project in a few lines of SQL, built in DuckDB or in Postgres: `{{ name }}` stands for a relation,
 * as dbt would compile it. Faults are injected into its raw tables or its models by the tests.
 */
import { afterAll, beforeAll, expect } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import type { Verdict, Walk } from "../../src/lineage/verdict.js";
import { walkTest } from "../../src/lineage/walk.js";
import type { Describe } from "../../src/lineage/workspace.js";
import type { Project, Resource, ResourceType, TestDefinition } from "../../src/model/project.js";
import type { Dialect, Query } from "../../src/model/warehouse.js";
import { loadGate } from "../../src/sql/gate.js";
import { type Engine, engines } from "./engines.js";

export interface ModelSpec {
  readonly sql: string;
  readonly as?: "table" | "view" | "ephemeral" | "incremental" | "snapshot";
  readonly python?: boolean;
  /** What the warehouse holds instead, where it was built by other SQL. */
  readonly built?: string;
}

export interface TestSpec {
  readonly on: string;
  readonly kind: string;
  readonly column?: string;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly where?: string;
  /** Of a singular test; `on` is what it reads. */
  readonly sql?: string;
}

export interface Spec {
  /** Name → SELECT that gives its rows. */
  readonly sources?: Readonly<Record<string, string>>;
  readonly seeds?: Readonly<Record<string, string>>;
  readonly models: Readonly<Record<string, string | ModelSpec>>;
  /** The first is the one that fails; the others are declarations. */
  readonly tests: readonly TestSpec[];
  readonly group?: string | null;
  readonly maxQueries?: number;
}

export interface Rig {
  readonly project: Project;
  readonly query: Query;
  readonly describe: Describe;
  readonly asked: string[];
  readonly dialect: Dialect;
}

let chosen: keyof typeof engines = "duckdb";

/** The tests of this `describe` are built and walked there; all others in DuckDB. */
export function useEngine(name: keyof typeof engines): void {
  beforeAll(() => {
    chosen = name;
  });
  afterAll(() => {
    chosen = "duckdb";
  });
}

/** Replaces the project of the rig before. */
export async function build(given: Spec): Promise<Rig> {
  const engine = await engines[chosen]();
  const spec = adapted(given, engine);
  const resources = resourcesOf(spec, engine);
  const statements: string[] = [];
  for (const resource of resources.values()) {
    if (resource.test !== null || resource.relation === null) continue;
    const model = spec.models[resource.name];
    const built = typeof model === "object" && model.built !== undefined ? model.built : resource.rawCode;
    const kind = resource.materialized === "view" ? "view" : "table";
    statements.push(`create ${kind} ${engine.dialect.relation(resource.relation)} as ${compiled(spec, built, engine)}`);
  }
  await engine.rebuild(statements);
  const asked: string[] = [];
  return {
    project: {
      name: "rig",
      dbtVersion: "1.12.0",
      adapter: engine.dialect.name,
      invocationId: null,
      generatedAt: null,
      resources,
      macros: new Map(),
    },
    dialect: engine.dialect,
    asked,
    query: (sql, options) => {
      asked.push(sql);
      return engine.query(sql, options);
    },
    describe: engine.describe,
  };
}

function adapted(spec: Spec, { adapt }: Engine): Spec {
  const each = (given: Readonly<Record<string, string>> | undefined) =>
    Object.fromEntries(Object.entries(given ?? {}).map(([name, sql]) => [name, adapt(sql)]));
  const models = Object.entries(spec.models).map(([name, model]): [string, string | ModelSpec] => {
    if (typeof model === "string") return [name, adapt(model)];
    const { built } = model;
    return [name, { ...model, sql: adapt(model.sql), ...(built === undefined ? {} : { built: adapt(built) }) }];
  });
  const tests = spec.tests.map((test) => ({ ...test, ...(test.sql === undefined ? {} : { sql: adapt(test.sql) }) }));
  return { ...spec, tests, sources: each(spec.sources), seeds: each(spec.seeds), models: Object.fromEntries(models) };
}

/**
 * Builds the project and walks its first test; `check` runs each hop's query again, through the gate as a cited one, and
 * compares it with its claim.
 */
export async function walk(spec: Spec, check?: "check"): Promise<Walk> {
  const rig = await build(spec);
  const result = await walkTest({
    project: rig.project,
    test: "test.rig.t0",
    failingRows: {
      groupColumn: spec.group === null ? null : (await engines[chosen]()).stored(spec.group ?? "state"),
      sql: "select 1 where false",
    },
    dialect: rig.dialect,
    lineage: await loadColumnLineage(rig.dialect.name),
    query: rig.query,
    describe: rig.describe,
    maxQueries: spec.maxQueries ?? 40,
  });
  if (check !== undefined) await checkHops(rig, result);
  return result;
}

async function checkHops(rig: Rig, result: Walk): Promise<void> {
  const { database, schema } = relationOf("", await engines[chosen]());
  const schemas = [{ database, schema }];
  const dialect = rig.dialect.name;
  const gate = await loadGate({ dialect, schemas, searchPath: [], functions: [], projectSql: () => [] });
  for (const [group, verdict] of result.verdicts) {
    for (const hop of verdict.path) {
      expect(gate.admit(hop.sql, 1_000)).toMatchObject({ ok: true });
      const where = group === null ? "w.group_key is null" : `w.group_key = ${rig.dialect.literal(group)}`;
      const again = await rig.query(`select w.${hop.shows.column} from (\n${hop.sql}\n) as w where ${where}`);
      expect(again).toMatchObject({ ok: true, value: { rows: [[String(hop.shows.value)]] } });
    }
  }
}

/** `VA: made-here model stg_bids.state (high)` for each group, sorted. */
export function told(result: Walk): readonly string[] {
  return [...result.verdicts]
    .map(([group, verdict]) => `${group ?? "(all)"}: ${line(verdict)}`)
    .sort((left, right) => (left < right ? -1 : 1));
}

function line(verdict: Verdict): string {
  const name = verdict.node?.split(".").at(-1) ?? "-";
  // As the specs spell them, whatever the engine makes of what nobody quoted.
  const isFolded = chosen === "snowflake" && verdict.column === verdict.column?.toUpperCase();
  const column = isFolded ? verdict.column?.toLowerCase() : verdict.column;
  return `${verdict.situation} ${verdict.nodeKind ?? "-"} ${name}.${column ?? "-"} (${verdict.confidence})`;
}

function resourcesOf(spec: Spec, engine: Engine): Map<string, Resource> {
  const resources = new Map<string, Resource>();
  const add = (resource: Resource) => resources.set(resource.id, resource);
  const raw = (type: ResourceType, name: string, sql: string) => rawResource(type, name, sql, engine);
  for (const [name, sql] of Object.entries(spec.sources ?? {})) add(raw("source", name, sql));
  for (const [name, sql] of Object.entries(spec.seeds ?? {})) add(raw("seed", name, sql));
  for (const [name, given] of Object.entries(spec.models)) {
    const model = typeof given === "string" ? { sql: given } : given;
    add({
      ...raw("model", name, model.sql),
      type: model.as === "snapshot" ? "snapshot" : "model",
      relation: model.as === "ephemeral" ? null : relationOf(name, engine),
      file: `models/${name}.sql`,
      language: model.python === true ? "python" : "sql",
      compiledCode: compiled(spec, model.sql, engine),
      materialized: model.as ?? "view",
      dependsOn: mentioned(model.sql).map((other) => idOf(spec, other)),
    });
  }
  for (const [index, test] of spec.tests.entries()) {
    const on = idOf(spec, test.on);
    const to = /ref\('(.*)'\)/.exec(String(test.kwargs?.to ?? ""))?.[1];
    add({
      ...raw("test", `t${index}`, ""),
      id: `test.rig.t${index}`,
      relation: null,
      compiledCode: test.sql === undefined ? null : compiled(spec, test.sql, engine),
      dependsOn:
        test.sql === undefined
          ? [on, ...(to === undefined ? [] : [idOf(spec, to)])]
          : mentioned(test.sql).map((other) => idOf(spec, other)),
      test: definition(test, test.sql === undefined ? on : null),
    });
  }
  return resources;
}

function definition(test: TestSpec, attachedTo: string | null): TestDefinition {
  const utility = ["unique_combination_of_columns", "accepted_range", "expression_is_true"].includes(test.kind);
  return {
    kind: test.kind,
    namespace: utility ? "dbt_utils" : null,
    attachedTo,
    column: test.column ?? null,
    kwargs: test.kwargs ?? {},
    severity: "error",
    where: test.where ?? null,
    limit: null,
    failCalc: "count(*)",
    storesFailures: false,
  };
}

function rawResource(type: ResourceType, name: string, sql: string, engine: Engine): Resource {
  return {
    id: `${type}.rig.${name}`,
    type,
    name,
    packageName: "rig",
    sourceName: type === "source" ? "raw" : null,
    relation: relationOf(name, engine),
    file: type === "seed" ? `seeds/${name}.csv` : null,
    patchFile: null,
    language: "sql",
    rawCode: sql,
    compiledCode: null,
    materialized: type,
    dependsOn: [],
    macros: [],
    columns: [],
    configDigest: "",
    tags: [],
    description: "",
    test: null,
  };
}

const relationOf = (name: string, { database }: Engine) => ({ database, schema: "rig", name });

function mentioned(sql: string): readonly string[] {
  return [...sql.matchAll(/\{\{ (.+?) \}\}/g)].map((match) => match[1] ?? "");
}

function idOf(spec: Spec, name: string): string {
  if (spec.sources?.[name] !== undefined) return `source.rig.${name}`;
  if (spec.seeds?.[name] !== undefined) return `seed.rig.${name}`;
  return `model.rig.${name}`;
}

/** As dbt does it: relations quoted in full, ephemeral models put in front as CTEs. */
function compiled(spec: Spec, sql: string, engine: Engine): string {
  const ctes = new Map<string, string>();
  const collect = (text: string): void => {
    for (const name of mentioned(text)) {
      const model = spec.models[name];
      if (typeof model !== "object" || model.as !== "ephemeral" || ctes.has(name)) continue;
      collect(model.sql);
      ctes.set(name, `__dbt__cte__${name} as (\n${named(spec, model.sql, engine)}\n)`);
    }
  };
  collect(sql);
  const body = named(spec, sql, engine);
  if (ctes.size === 0) return body;
  const front = [...ctes.values()].join(", ");
  return /^\s*with\s/i.test(body) ? body.replace(/^\s*with\s/i, `with ${front}, `) : `with ${front} ${body}`;
}

function named(spec: Spec, sql: string, engine: Engine): string {
  return sql.replaceAll(/\{\{ (.+?) \}\}/g, (_, name: string) => {
    const model = spec.models[name];
    if (typeof model === "object" && model.as === "ephemeral") return `__dbt__cte__${name}`;
    return engine.dialect.relation(relationOf(name, engine));
  });
}
