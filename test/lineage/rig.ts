/**
 * A dbt project in a few lines of SQL, built in a DuckDB of its own memory: `{{ name }}` stands for a relation,
 * as dbt would compile it. Faults are injected into its raw tables or its models by the tests.
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { expect } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import type { Verdict, Walk } from "../../src/lineage/verdict.js";
import { walkTest } from "../../src/lineage/walk.js";
import type { Describe } from "../../src/lineage/workspace.js";
import type { Project, Resource, ResourceType, TestDefinition } from "../../src/model/project.js";
import { relationKey } from "../../src/model/relation.js";
import { failed, ok } from "../../src/model/result.js";
import type { Cell, Column, Query, QueryResult } from "../../src/model/warehouse.js";
import { duckdb } from "../../src/sql/duckdb.js";

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
}

let connecting: Promise<DuckDBConnection> | null = null;

/** One database for a file's tests, which run one after another; planning is kept short, since it costs the most. */
function shared(): Promise<DuckDBConnection> {
  connecting ??= DuckDBInstance.create(":memory:", { threads: "1" }).then(async (instance) => {
    const connection = await instance.connect();
    await connection.run("pragma disable_optimizer");
    return connection;
  });
  return connecting;
}

/** Replaces the project of the rig before. */
export async function build(spec: Spec): Promise<Rig> {
  const connection = await shared();
  await connection.run("drop schema if exists rig cascade");
  await connection.run("create schema rig");
  const run = async (sql: string): Promise<QueryResult> => {
    const reader = await connection.runAndReadAll(sql);
    const types = reader.columnTypes().map((type) => String(type));
    const columns = reader.columnNames().map((name, index) => ({ name, type: types[index] ?? "" }));
    const rows = reader.getRows().map((row) => row.map((cell): Cell => (cell === null ? null : String(cell))));
    return { columns, rows, truncated: false };
  };
  const resources = resourcesOf(spec);
  for (const resource of resources.values()) {
    if (resource.test !== null || resource.relation === null) continue;
    const given = spec.models[resource.name];
    const built = typeof given === "object" && given.built !== undefined ? given.built : resource.rawCode;
    const kind = resource.materialized === "view" ? "view" : "table";
    await run(`create ${kind} ${duckdb.relation(resource.relation)} as ${compiled(spec, built)}`);
  }
  const asked: string[] = [];
  return {
    project: {
      name: "rig",
      dbtVersion: "1.12.0",
      adapter: "duckdb",
      invocationId: null,
      generatedAt: null,
      resources,
      macros: new Map(),
    },
    asked,
    query: async (sql) => {
      asked.push(sql);
      return run(sql).then(ok, (error: unknown) => failed("query-failed", String(error)));
    },
    describe: async (relations) => {
      const keys = relations.map(relationKey);
      const map = new Map<string, readonly Column[]>();
      for (const resource of resources.values()) {
        if (resource.relation === null || !keys.includes(relationKey(resource.relation))) continue;
        const table = await run(`select * from ${duckdb.relation(resource.relation)} limit 0`);
        map.set(relationKey(resource.relation), table.columns);
      }
      return ok(map);
    },
  };
}

/** Builds the project and walks its first test; `check` runs each hop's query again and compares it with its claim. */
export async function walk(spec: Spec, check?: "check"): Promise<Walk> {
  const rig = await build(spec);
  const result = await walkTest({
    project: rig.project,
    test: "test.rig.t0",
    failingRows: { groupColumn: spec.group === undefined ? "state" : spec.group, sql: "select 1 where false" },
    dialect: duckdb,
    lineage: await loadColumnLineage("duckdb"),
    query: rig.query,
    describe: rig.describe,
    maxQueries: spec.maxQueries ?? 40,
  });
  if (check !== undefined) await checkHops(rig, result);
  return result;
}

async function checkHops(rig: Rig, result: Walk): Promise<void> {
  for (const [group, verdict] of result.verdicts) {
    for (const hop of verdict.path) {
      const where = group === null ? "w.group_key is null" : `w.group_key = ${duckdb.literal(group)}`;
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
  return `${verdict.situation} ${verdict.nodeKind ?? "-"} ${name}.${verdict.column ?? "-"} (${verdict.confidence})`;
}

function resourcesOf(spec: Spec): Map<string, Resource> {
  const resources = new Map<string, Resource>();
  const add = (resource: Resource) => resources.set(resource.id, resource);
  for (const [name, sql] of Object.entries(spec.sources ?? {})) add(raw("source", name, sql));
  for (const [name, sql] of Object.entries(spec.seeds ?? {})) add(raw("seed", name, sql));
  for (const [name, given] of Object.entries(spec.models)) {
    const model = typeof given === "string" ? { sql: given } : given;
    add({
      ...raw("model", name, model.sql),
      type: model.as === "snapshot" ? "snapshot" : "model",
      relation: model.as === "ephemeral" ? null : relationOf(name),
      file: `models/${name}.sql`,
      language: model.python === true ? "python" : "sql",
      compiledCode: compiled(spec, model.sql),
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
      dependsOn: [on, ...(to === undefined ? [] : [idOf(spec, to)])],
      test: definition(test, on),
    });
  }
  return resources;
}

function definition(test: TestSpec, attachedTo: string): TestDefinition {
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

function raw(type: ResourceType, name: string, sql: string): Resource {
  return {
    id: `${type}.rig.${name}`,
    type,
    name,
    packageName: "rig",
    sourceName: type === "source" ? "raw" : null,
    relation: relationOf(name),
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

const relationOf = (name: string) => ({ database: "memory", schema: "rig", name });

function mentioned(sql: string): readonly string[] {
  return [...sql.matchAll(/\{\{ (.+?) \}\}/g)].map((match) => match[1] ?? "");
}

function idOf(spec: Spec, name: string): string {
  if (spec.sources?.[name] !== undefined) return `source.rig.${name}`;
  if (spec.seeds?.[name] !== undefined) return `seed.rig.${name}`;
  return `model.rig.${name}`;
}

/** As dbt does it: relations quoted in full, ephemeral models put in front as CTEs. */
function compiled(spec: Spec, sql: string): string {
  const ctes = new Map<string, string>();
  const collect = (text: string): void => {
    for (const name of mentioned(text)) {
      const model = spec.models[name];
      if (typeof model !== "object" || model.as !== "ephemeral" || ctes.has(name)) continue;
      collect(model.sql);
      ctes.set(name, `__dbt__cte__${name} as (\n${named(spec, model.sql)}\n)`);
    }
  };
  collect(sql);
  const body = named(spec, sql);
  if (ctes.size === 0) return body;
  const front = [...ctes.values()].join(", ");
  return /^\s*with\s/i.test(body) ? body.replace(/^\s*with\s/i, `with ${front}, `) : `with ${front} ${body}`;
}

function named(spec: Spec, sql: string): string {
  return sql.replaceAll(/\{\{ (.+?) \}\}/g, (_, name: string) => {
    const model = spec.models[name];
    if (typeof model === "object" && model.as === "ephemeral") return `__dbt__cte__${name}`;
    return duckdb.relation(relationOf(name));
  });
}
