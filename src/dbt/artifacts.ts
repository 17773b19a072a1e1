/**
 * Readers of manifest.json (v9–v12) and run_results.json (v4–v6), dbt Core and Fusion. Tolerant: every field may be
 * absent or odd. Knows no folder and no audit.
 */
import { digestOf } from "../model/digest.js";
import type {
  Macro,
  Project,
  Relation,
  Resource,
  ResourceType,
  RunResults,
  TestDefinition,
  TestResult,
} from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import { asObject, innerPath, type Json, numberAt, objectAt, textAt, textsAt } from "./json.js";
import { foldedRelation, parseRelation } from "./relation-name.js";

export function readProject(manifestText: string): Result<Project> {
  const parsed = parse(manifestText, "manifest.json", ["nodes", "sources"]);
  if (!parsed.ok) return parsed;
  const manifest = parsed.value;
  const metadata = objectAt(manifest, "metadata");
  const adapter = textAt(metadata, "adapter_type") ?? "";
  const nodes = entries(objectAt(manifest, "nodes"));
  const rootPackage =
    textAt(metadata, "project_name") ??
    textAt(nodes.find(([, node]) => textAt(node, "resource_type") === "model")?.[1] ?? {}, "package_name") ??
    "";
  const resources = new Map<string, Resource>();
  for (const [id, node] of [...nodes, ...entries(objectAt(manifest, "sources"))]) {
    resources.set(id, readResource(id, node, { adapter, rootPackage }));
  }
  for (const resource of resources.values()) attach(resource, resources);
  return ok({
    name: rootPackage,
    dbtVersion: textAt(metadata, "dbt_version") ?? "",
    adapter,
    invocationId: textAt(metadata, "invocation_id"),
    generatedAt: textAt(metadata, "generated_at"),
    resources,
    macros: new Map(entries(objectAt(manifest, "macros")).map(([id, macro]) => [id, readMacro(id, macro)])),
  });
}

export function readRunResults(text: string, adapter = ""): Result<RunResults> {
  const parsed = parse(text, "run_results.json", ["results"]);
  if (!parsed.ok) return parsed;
  const metadata = objectAt(parsed.value, "metadata");
  const list = parsed.value.results;
  const results: TestResult[] = [];
  for (const item of Array.isArray(list) ? list : []) {
    const entry = asObject(item);
    const id = textAt(entry, "unique_id");
    if (id === null) continue;
    const relationName = textAt(entry, "relation_name");
    results.push({
      id,
      status: readStatus(textAt(entry, "status")),
      failures: numberAt(entry, "failures"),
      message: textAt(entry, "message"),
      compiledCode: textAt(entry, "compiled_code"),
      relation: relationName === null ? null : parseRelation(relationName, adapter),
    });
  }
  return ok({
    invocationId: textAt(metadata, "invocation_id"),
    generatedAt: textAt(metadata, "generated_at"),
    results,
  });
}

function parse(text: string, file: string, expected: readonly string[]): Result<Json> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return failed("artifacts-unreadable", `${file} is no JSON: ${error instanceof Error ? error.message : error}`, {
      hint: "it may have been cut off while dbt wrote it; run dbt again",
    });
  }
  const object = asObject(value);
  if (!expected.some((key) => Object.hasOwn(object, key))) {
    return failed("artifacts-unreadable", `${file} is not one of dbt's: it has no '${expected[0]}'`, {
      hint: "name the folder that dbt writes to (its target folder)",
    });
  }
  return ok(object);
}

function entries(object: Json): readonly (readonly [string, Json])[] {
  return Object.entries(object)
    .filter(([, value]) => typeof value === "object" && value !== null && !Array.isArray(value))
    .map(([id, value]) => [id, asObject(value)] as const);
}

interface ManifestContext {
  readonly adapter: string;
  readonly rootPackage: string;
}

function readResource(id: string, node: Json, context: ManifestContext): Resource {
  const type = readType(textAt(node, "resource_type"), id);
  const config = objectAt(node, "config");
  const name = textAt(node, "name") ?? id;
  const alias = textAt(node, "alias");
  const packageName = textAt(node, "package_name") ?? context.rootPackage;
  const materialized = textAt(config, "materialized") ?? type;
  const dependsOn = objectAt(node, "depends_on");
  const patch = textAt(node, "patch_path")?.replace(/^[^:/]*:\/\//, "") ?? null;
  return {
    id,
    type,
    name,
    ...(alias !== null && alias !== name ? { alias } : {}),
    packageName,
    sourceName: type === "source" ? textAt(node, "source_name") : null,
    relation: readRelation(node, type, materialized, config, context.adapter),
    file: inProject(textAt(node, "original_file_path"), packageName, context),
    patchFile: inProject(patch, packageName, context),
    language: textAt(node, "language") === "python" ? "python" : "sql",
    rawCode: textAt(node, "raw_code") ?? textAt(node, "raw_sql") ?? "",
    compiledCode: textAt(node, "compiled_code") ?? textAt(node, "compiled_sql"),
    materialized,
    dependsOn: textsAt(dependsOn, "nodes"),
    macros: textsAt(dependsOn, "macros"),
    columns: Object.keys(objectAt(node, "columns")),
    configDigest: configDigest(config),
    tags: textsAt(node, "tags"),
    description: textAt(node, "description") ?? "",
    test: type === "test" ? readTest(node, config) : null,
  };
}

function readType(type: string | null, id: string): ResourceType {
  switch (type ?? id.split(".")[0]) {
    case "model":
      return "model";
    case "seed":
      return "seed";
    case "source":
      return "source";
    case "snapshot":
      return "snapshot";
    case "test":
      return "test";
    default:
      return "other";
  }
}

/** Files of an installed package stand below dbt_packages/. */
function inProject(path: string | null, packageName: string, { rootPackage }: ManifestContext): string | null {
  const inner = innerPath(path);
  if (inner === null || packageName === rootPackage) return inner;
  return innerPath(`dbt_packages/${packageName}/${inner}`);
}

function readRelation(
  node: Json,
  type: ResourceType,
  materialized: string,
  config: Json,
  adapter: string,
): Relation | null {
  if (materialized === "ephemeral" || type === "other") return null;
  const written = textAt(node, "relation_name");
  const parsed = written === null ? null : parseRelation(written, adapter);
  if (parsed !== null) return parsed;
  if (type === "test" && !asksToStore(config)) return null;
  const name = textAt(node, "identifier") ?? textAt(node, "alias") ?? textAt(node, "name");
  if (name === null) return null;
  return foldedRelation({ database: textAt(node, "database"), schema: textAt(node, "schema"), name }, adapter);
}

function asksToStore(config: Json): boolean {
  const as = textAt(config, "store_failures_as");
  return as === null ? config.store_failures === true : as !== "ephemeral";
}

function readTest(node: Json, config: Json): TestDefinition {
  const metadata = objectAt(node, "test_metadata");
  const kwargs = objectAt(metadata, "kwargs");
  return {
    kind: textAt(metadata, "name") ?? "singular",
    namespace: textAt(metadata, "namespace"),
    attachedTo: textAt(node, "attached_node"),
    column: textAt(kwargs, "column_name") ?? textAt(node, "column_name"),
    kwargs,
    severity: textAt(config, "severity")?.toLowerCase() === "warn" ? "warn" : "error",
    where: textAt(config, "where"),
    limit: numberAt(config, "limit"),
    failCalc: textAt(config, "fail_calc") ?? "count(*)",
    storesFailures: textAt(node, "relation_name") !== null || asksToStore(config),
  };
}

/** Older manifests lack attached_node: the test's own `model` argument names it. */
function attach(resource: Resource, resources: Map<string, Resource>): void {
  const { test } = resource;
  if (test === null || test.kind === "singular" || test.attachedTo !== null) return;
  const parents = resource.dependsOn.flatMap((id) => resources.get(id) ?? []);
  const model = typeof test.kwargs.model === "string" ? test.kwargs.model : "";
  const words = [...model.matchAll(/['"]([^'"]+)['"]/g)].map((match) => match[1]);
  const named = parents.filter(
    (parent) => words.includes(parent.name) && (parent.sourceName === null || words.includes(parent.sourceName)),
  );
  const only = named.length === 1 ? named[0] : parents.length === 1 ? parents[0] : undefined;
  if (only === undefined) return;
  resources.set(resource.id, { ...resource, test: { ...test, attachedTo: only.id } });
}

/** What only says where a result lands, or how it looks in the docs, is no change of meaning. */
function configDigest(config: Json): string {
  const { schema: _schema, database: _database, alias: _alias, docs: _docs, ...meaning } = config;
  return digestOf(meaning);
}

function readMacro(id: string, macro: Json): Macro {
  return {
    id,
    file: textAt(macro, "original_file_path")?.replaceAll("\\", "/") ?? null,
    sql: textAt(macro, "macro_sql") ?? "",
    dependsOn: textsAt(objectAt(macro, "depends_on"), "macros"),
  };
}

function readStatus(status: string | null): TestResult["status"] {
  switch (status?.toLowerCase()) {
    case "pass":
      return "pass";
    case "fail":
      return "fail";
    case "warn":
      return "warn";
    case "error":
    case "runtime error":
      return "error";
    case "skipped":
      return "skipped";
    case "success":
      return "success";
    default:
      return "other";
  }
}
