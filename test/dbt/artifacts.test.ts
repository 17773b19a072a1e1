// The readers of dbt's artifacts: what real dbt writes, what Fusion leaves out, and what nobody should write.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readProject, readRunResults } from "../../src/dbt/artifacts.js";
import type { Project, Resource } from "../../src/model/project.js";

/** Nodes as dbt 1.12 writes them, less what the reader does not look at. */
function manifest(nodes: Record<string, object>, more: object = {}): string {
  return JSON.stringify({
    metadata: { dbt_version: "1.12.6", adapter_type: "duckdb", project_name: "demo", invocation_id: "i-1" },
    nodes,
    ...more,
  });
}

const bids = {
  resource_type: "model",
  name: "bids",
  alias: "bids",
  package_name: "demo",
  database: "demo",
  schema: "main",
  relation_name: '"demo"."main"."bids"',
  original_file_path: "models/bids.sql",
  patch_path: "demo://models/schema.yml",
  raw_code: "select 1",
  compiled_code: "select 1",
  config: { materialized: "view", schema: null },
  depends_on: { nodes: ["seed.demo.raw_bids"], macros: ["macro.demo.m"] },
  columns: { bid_id: { name: "bid_id", description: "x" } },
};

const unique = {
  resource_type: "test",
  name: "unique_bids_bid_id",
  alias: "unique_bids_bid_id",
  package_name: "demo",
  relation_name: '"demo"."main_dbt_test__audit"."unique_bids_bid_id"',
  original_file_path: "models/schema.yml",
  column_name: "bid_id",
  attached_node: "model.demo.bids",
  test_metadata: { name: "unique", namespace: null, kwargs: { column_name: "bid_id" } },
  config: { severity: "warn", where: "state <> 'FL'", limit: 10, fail_calc: "count(*)", materialized: "test" },
  depends_on: { nodes: ["model.demo.bids"], macros: [] },
};

function read(text: string): Project {
  const result = readProject(text);
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

function only(nodes: Record<string, object>, more: object = {}): Resource {
  const [resource] = read(manifest(nodes, more)).resources.values();
  if (resource === undefined) throw new Error("nothing was read");
  return resource;
}

describe("readProject", () => {
  it("reads a model and a test", () => {
    const project = read(manifest({ "model.demo.bids": bids, "test.demo.unique": unique }));
    expect(project).toMatchObject({ name: "demo", adapter: "duckdb", dbtVersion: "1.12.6", invocationId: "i-1" });
    expect(project.resources.get("model.demo.bids")).toMatchObject({
      type: "model",
      relation: { database: "demo", schema: "main", name: "bids" },
      file: "models/bids.sql",
      patchFile: "models/schema.yml",
      dependsOn: ["seed.demo.raw_bids"],
      macros: ["macro.demo.m"],
      columns: ["bid_id"],
      test: null,
    });
    expect(project.resources.get("test.demo.unique")?.test).toMatchObject({
      kind: "unique",
      attachedTo: "model.demo.bids",
      column: "bid_id",
      severity: "warn",
      where: "state <> 'FL'",
      limit: 10,
      storesFailures: true,
    });
  });

  it("falls back to database, schema and alias where relation_name is null, as in Fusion", () => {
    expect(only({ a: { ...bids, relation_name: null, alias: "b2" } }).relation).toEqual({
      database: "demo",
      schema: "main",
      name: "b2",
    });
  });

  it("gives no relation to an ephemeral model and to a test that stores nothing", () => {
    expect(only({ a: { ...bids, relation_name: null, config: { materialized: "ephemeral" } } }).relation).toBeNull();
    expect(only({ a: { ...unique, relation_name: null, schema: "s", database: "d" } }).relation).toBeNull();
    const stores = { ...unique, relation_name: null, schema: "s", config: { store_failures: true } };
    expect(only({ a: stores }).relation?.schema).toBe("s");
  });

  it("reads quoted names with dots and quotes in them, and folds unquoted ones as the warehouse does", () => {
    expect(only({ a: { ...bids, relation_name: '"d.b"."s""x"."n"' } }).relation).toEqual({
      database: "d.b",
      schema: 's"x',
      name: "n",
    });
    const snowflake = { metadata: { adapter_type: "snowflake", project_name: "demo" } };
    expect(only({ a: { ...bids, relation_name: 'ev3.dbt_x."keep"' } }, snowflake).relation).toEqual({
      database: "EV3",
      schema: "DBT_X",
      name: "keep",
    });
  });

  it("finds what an older test is attached to by its model argument", () => {
    const older = {
      ...unique,
      attached_node: undefined,
      test_metadata: { name: "relationships", kwargs: { model: "{{ get_where_subquery(ref('bids')) }}" } },
      depends_on: { nodes: ["model.demo.vendors", "model.demo.bids"] },
    };
    const project = read(
      manifest({ "model.demo.bids": bids, "model.demo.vendors": { ...bids, name: "vendors" }, "test.x": older }),
    );
    expect(project.resources.get("test.x")?.test?.attachedTo).toBe("model.demo.bids");
  });

  it("places files of packages below dbt_packages, and drops paths that lead out", () => {
    expect(only({ a: { ...bids, package_name: "utils" } }).file).toBe("dbt_packages/utils/models/bids.sql");
    for (const path of ["../../etc/passwd", "/etc/passwd", "C:\\x", "a/../../b"]) {
      expect(only({ a: { ...bids, original_file_path: path } }).file).toBeNull();
    }
    expect(only({ a: { ...bids, original_file_path: "models\\bids.sql" } }).file).toBe("models/bids.sql");
  });

  it("digests a config without what only says where it lands", () => {
    const digest = (config: object) => only({ a: { ...bids, config } }).configDigest;
    expect(digest({ materialized: "view", schema: "dev", alias: "x" })).toBe(
      digest({ materialized: "view", schema: "ci" }),
    );
    expect(digest({ materialized: "view" })).not.toBe(digest({ materialized: "table" }));
  });

  it("says what is wrong with text that is no manifest", () => {
    for (const text of ["", "{", "[]", "null", '{"results": []}']) {
      const result = readProject(text);
      expect(result.ok ? "ok" : result.failure.code).toBe("artifacts-unreadable");
    }
  });
});

describe("readRunResults", () => {
  it("reads statuses, counts and relations, and leaves out entries without an id", () => {
    const text = JSON.stringify({
      metadata: { invocation_id: "i-1", generated_at: "2026-01-01T00:00:00Z" },
      results: [
        { unique_id: "a", status: "fail", failures: 3, message: "Got 3", relation_name: '"d"."s"."a"' },
        { unique_id: "b", status: "Runtime Error", failures: null },
        { unique_id: "c", status: "no such status" },
        { status: "fail" },
        7,
      ],
    });
    const result = readRunResults(text);
    expect(result.ok && result.value.results.map(({ id, status, failures }) => [id, status, failures])).toEqual([
      ["a", "fail", 3],
      ["b", "error", null],
      ["c", "other", null],
    ]);
    expect(result.ok && result.value.results[0]?.relation).toEqual({ database: "d", schema: "s", name: "a" });
  });
});

it("never throws, whatever the JSON", () => {
  const key = fc.constantFrom(
    ..."nodes sources macros metadata results config depends_on columns test_metadata kwargs unique_id relation_name __proto__ constructor x".split(
      " ",
    ),
  );
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: "medium" },
      fc.constantFrom(null, true, 0, 1e308, "", "model", '"a"."b', "a.b.c.d", "../x"),
      fc.array(tie("json"), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie("json")), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs)),
    ),
  }));
  fc.assert(
    fc.property(json, json, json, (nodes, sources, macros) => {
      const text = JSON.stringify({ nodes, sources, macros, results: [nodes, sources], metadata: macros });
      expect(readProject(text).ok).toBe(true);
      expect(readRunResults(text).ok).toBe(true);
      const deep = JSON.stringify({ nodes: { a: { config: nodes, depends_on: sources, test_metadata: macros } } });
      expect(readProject(deep).ok).toBe(true);
    }),
    { numRuns: 200 },
  );
});
