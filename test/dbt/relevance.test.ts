// What of a project decides a test's result: every part that matters changes it, and nothing else does.
import { expect, it } from "vitest";
import { readProject } from "../../src/dbt/artifacts.js";
import { relevantParts } from "../../src/dbt/relevance.js";

type Manifest = Record<string, Record<string, Record<string, unknown>>>;

//   source.raw -> stg -> fct <- test
//                 other (not upstream)
function manifest(): Manifest {
  const node = (type: string, name: string, nodes: string[], macros: string[] = []) => ({
    resource_type: type,
    name,
    package_name: "demo",
    original_file_path: `/home/me/models/${name}.sql`,
    relation_name: `"demo"."main"."${name}"`,
    raw_code: `select ${name}`,
    created_at: 1,
    config: { materialized: "view", schema: "dev" },
    columns: { id: { name: "id", description: "the id" } },
    depends_on: { nodes, macros },
  });
  return {
    metadata: { project_name: "demo" as never, generated_at: "now" as never },
    nodes: {
      "model.demo.stg": node("model", "stg", ["source.demo.raw"], ["macro.demo.money"]),
      "model.demo.fct": node("model", "fct", ["model.demo.stg"]),
      "model.demo.other": node("model", "other", ["source.demo.raw"], ["macro.demo.unused"]),
      "test.demo.t": {
        ...node("test", "t", ["model.demo.fct"], ["macro.dbt.test_unique"]),
        test_metadata: { name: "unique", kwargs: { column_name: "id" } },
        config: { severity: "error", where: "x = 1", schema: "audit" },
      },
    },
    sources: { "source.demo.raw": { ...node("source", "raw", []), source_name: "s" } },
    macros: {
      "macro.demo.money": { macro_sql: "m", depends_on: { macros: ["macro.demo.deep"] } },
      "macro.demo.deep": { macro_sql: "d", depends_on: { macros: ["macro.demo.money"] } },
      "macro.demo.unused": { macro_sql: "u" },
      "macro.dbt.test_unique": { macro_sql: "t" },
    },
  };
}

function partsOf(change: (manifest: Manifest) => void = () => {}) {
  const changed = manifest();
  change(changed);
  const project = readProject(JSON.stringify(changed));
  if (!project.ok) throw new Error(project.failure.message);
  return relevantParts(project.value, "test.demo.t");
}

function changedBy(change: (manifest: Manifest) => void): string[] {
  const before = partsOf();
  const after = partsOf(change);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .sort();
}

function edit(manifest: Manifest, section: string, id: string, changes: object): void {
  Object.assign(manifest[section]?.[id] ?? {}, changes);
}

it("the test, all that is upstream of it, and the macros that these reach are parts, but for those of dbt itself", () => {
  expect(Object.keys(partsOf()).sort()).toEqual([
    "macro:macro.demo.deep",
    "macro:macro.demo.money",
    "resource:model.demo.fct",
    "resource:model.demo.stg",
    "resource:source.demo.raw",
    "resource:test.demo.t",
  ]);
});

it("an edit changes its own part alone", () => {
  expect(changedBy((m) => edit(m, "nodes", "model.demo.stg", { raw_code: "select 2" }))).toEqual([
    "resource:model.demo.stg",
  ]);
  expect(changedBy((m) => edit(m, "macros", "macro.demo.deep", { macro_sql: "d2" }))).toEqual([
    "macro:macro.demo.deep",
  ]);
  expect(changedBy((m) => edit(m, "nodes", "model.demo.fct", { config: { materialized: "table" } }))).toEqual([
    "resource:model.demo.fct",
  ]);
  expect(changedBy((m) => edit(m, "nodes", "model.demo.fct", { columns: { id: {}, state: {} } }))).toEqual([
    "resource:model.demo.fct",
  ]);
  const where = { severity: "error", where: "x = 2", schema: "audit" };
  expect(changedBy((m) => edit(m, "nodes", "test.demo.t", { config: where }))).toEqual(["resource:test.demo.t"]);
  const kwargs = { name: "unique", kwargs: { column_name: "other" } };
  expect(changedBy((m) => edit(m, "nodes", "test.demo.t", { test_metadata: kwargs }))).toEqual([
    "resource:test.demo.t",
  ]);
});

it("what is beside the lineage, where it lands, when and by whom changes nothing", () => {
  expect(changedBy((m) => edit(m, "nodes", "model.demo.other", { raw_code: "x" }))).toEqual([]);
  expect(changedBy((m) => edit(m, "macros", "macro.demo.unused", { macro_sql: "x" }))).toEqual([]);
  const elsewhere = {
    relation_name: '"prod"."x"."stg"',
    original_file_path: "/srv/ci/models/stg.sql",
    created_at: 2,
    compiled_code: "select 1 from prod",
    description: "better said",
    config: { materialized: "view", schema: "prod", database: "prod", alias: "s" },
    columns: { id: { name: "id", description: "the identifier" } },
  };
  expect(changedBy((m) => edit(m, "nodes", "model.demo.stg", elsewhere))).toEqual([]);
  expect(JSON.stringify(partsOf())).not.toMatch(/home|dev|audit|main/);
});

it("a dangling or cyclic reference ends, and its mending is noticed", () => {
  const cycle = (m: Manifest) =>
    edit(m, "nodes", "model.demo.stg", { depends_on: { nodes: ["model.demo.fct", "model.gone"] } });
  expect(partsOf(cycle)["resource:model.gone"]).toBe("missing");
});

it("a test that the project does not know has itself as its only part", () => {
  const project = readProject(JSON.stringify(manifest()));
  expect(project.ok && relevantParts(project.value, "test.x")).toEqual({ "resource:test.x": "missing" });
});
