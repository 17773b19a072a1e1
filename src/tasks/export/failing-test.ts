/**
 * A dbt test that is said to fail, and how it is called in this audit. Knows no warehouse.
 */
import { foldedRelation, parseRelation } from "../../dbt/relation-name.js";
import type { TestRef } from "../../model/case.js";
import type { Config } from "../../model/config.js";
import type { Project, Relation, Resource, TestResult } from "../../model/project.js";
import { globs } from "../../support/glob.js";

export interface NamingContext {
  readonly config: Config;
  /** Decides how names without quotes are stored. */
  readonly adapter: string;
}

export interface FailingTest {
  readonly ref: TestRef;
  /** Null where the manifest does not know it. */
  readonly resource: Resource | null;
  /** Its own SQL as dbt compiled it: gives the rows that fail now. */
  readonly compiled: string | null;
  /** Where its failures may be stored; the first that exists counts. */
  readonly stored: readonly Relation[];
}

/** Names tests so that no two share a name: plainly, else with the package, else by unique_id. */
export function testNames(project: Project | null): (resource: Resource) => string {
  const count = new Map<string, number>();
  const add = (name: string) => count.set(name, (count.get(name) ?? 0) + 1);
  const qualified = (resource: Resource) => `${resource.packageName}.${resource.name}`;
  for (const resource of project?.resources.values() ?? []) {
    if (resource.test === null) continue;
    add(resource.name);
    add(qualified(resource));
  }
  return (resource) => [resource.name, qualified(resource)].find((name) => (count.get(name) ?? 0) <= 1) ?? resource.id;
}

/** How the project's tests are called here. */
export function knownNames(project: Project | null): Set<string> {
  const nameOf = testNames(project);
  const tests = [...(project?.resources.values() ?? [])].filter((resource) => resource.test !== null);
  return new Set(tests.map(nameOf));
}

/** A test of the manifest. */
export function knownTest(
  resource: Resource,
  name: string,
  result: TestResult | null,
  context: NamingContext,
): FailingTest {
  const { test } = resource;
  const compiled = result?.compiledCode ?? resource.compiledCode;
  return {
    ref: {
      id: resource.id,
      name,
      kind: test?.kind ?? "singular",
      severity: test?.severity ?? "error",
      attachedTo: test?.attachedTo ?? null,
      file: resource.file,
      description: resource.description,
    },
    resource,
    compiled: compiled === null || compiled.trim() === "" ? null : compiled,
    stored: storedIn(
      context,
      [resource.relation, result?.relation ?? null],
      [resource.name, resource.alias ?? resource.name],
    ),
  };
}

/** A test that no manifest speaks of: all that is known is its name, and perhaps a result. */
export function unknownTest(id: string, name: string, result: TestResult | null, context: NamingContext): FailingTest {
  return {
    ref: {
      id,
      name,
      kind: "unknown",
      severity: result?.status === "warn" ? "warn" : "error",
      attachedTo: null,
      file: null,
      description: "",
    },
    resource: null,
    compiled: result?.compiledCode ?? null,
    stored: storedIn(context, [result?.relation ?? null], [name]),
  };
}

function storedIn(
  { config, adapter }: NamingContext,
  told: readonly (Relation | null)[],
  names: readonly string[],
): readonly Relation[] {
  const known = told.filter((relation) => relation !== null);
  const place = config.dbt.failuresSchema === null ? null : parseRelation(config.dbt.failuresSchema, adapter);
  if (place === null) return known;
  // Read as a relation's name, SCHEMA or DATABASE.SCHEMA comes out one step to the right.
  const { schema: database, name: schema } = place;
  const named = [...new Set(names)].map((name) => ({
    ...foldedRelation({ database, schema, name }, adapter),
    database,
    schema,
  }));
  return [...known, ...named];
}

/** The `tests` section of the config: by name, plain or with the package. */
export function isIncluded(config: Config): (ref: TestRef) => boolean {
  const included = globs(config.tests.include);
  const excluded = globs(config.tests.exclude);
  return (ref) => included(ref.name) && !excluded(ref.name);
}
