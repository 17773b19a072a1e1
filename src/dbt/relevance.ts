/**
 * What of a dbt project decides a test's result: the test, everything upstream of it, and the macros they call.
 * The parts of a case's fingerprint. Pure; says nothing of rows, and holds no path, schema or time.
 */
import { digestOf, sha256 } from "../model/digest.js";
import type { Parts } from "../model/graph.js";
import type { Project, Resource } from "../model/project.js";

/** Per project: digests, and the parts of everything that tests read directly; many tests share those. */
interface Cache {
  readonly digests: Map<string, string>;
  readonly upstream: Map<string, Parts>;
}

const caches = new WeakMap<Project, Cache>();

/**
 * `resource:<unique_id>` and `macro:<unique_id>` with a digest each; dbt's own macros left out. A seed's rows are no part: the rows of a case
 * are digested by themselves, so that an edited row reopens its own case only.
 */
export function relevantParts(project: Project, testId: string): Parts {
  const cache = caches.get(project) ?? { digests: new Map(), upstream: new Map() };
  caches.set(project, cache);
  const parts: Record<string, string> = {};
  for (const id of project.resources.get(testId)?.dependsOn ?? []) {
    const known = cache.upstream.get(id) ?? collect(project, cache, id);
    cache.upstream.set(id, known);
    Object.assign(parts, known);
  }
  addResource(project, cache, testId, parts);
  addMacros(project, cache, project.resources.get(testId)?.macros ?? [], parts);
  return parts;
}

function collect(project: Project, cache: Cache, start: string): Parts {
  const parts: Record<string, string> = {};
  const seen = new Set<string>([start]);
  const macros = new Set<string>();
  // A set grows while it is walked; a cycle in a broken manifest ends by itself.
  for (const id of seen) {
    const resource = project.resources.get(id);
    for (const parent of resource?.dependsOn ?? []) seen.add(parent);
    for (const macro of resource?.macros ?? []) macros.add(macro);
    addResource(project, cache, id, parts);
  }
  addMacros(project, cache, macros, parts);
  return parts;
}

function addMacros(project: Project, cache: Cache, start: Iterable<string>, parts: Record<string, string>): void {
  const seen = new Set(start);
  for (const id of seen) {
    const macro = project.macros.get(id);
    for (const called of macro?.dependsOn ?? []) seen.add(called);
    if (isBuiltIn(id, project)) continue;
    parts[`macro:${id}`] = memo(cache, `macro:${id}`, () => (macro === undefined ? "missing" : sha256(macro.sql)));
  }
}

/** Macros that come with dbt are provenance: an upgrade of dbt must not reopen what was paid for; its rows would tell. */
function isBuiltIn(macroId: string, { adapter }: Project): boolean {
  return macroId.startsWith("macro.dbt.") || macroId.startsWith(`macro.dbt_${adapter}.`);
}

function addResource(project: Project, cache: Cache, id: string, parts: Record<string, string>): void {
  const resource = project.resources.get(id);
  const key = `resource:${id}`;
  parts[key] = memo(cache, key, () => (resource === undefined ? "missing" : resourceDigest(resource)));
}

function memo(cache: Cache, key: string, make: () => string): string {
  const known = cache.digests.get(key) ?? make();
  cache.digests.set(key, known);
  return known;
}

function resourceDigest(resource: Resource): string {
  const { test } = resource;
  return digestOf({
    rawCode: resource.rawCode,
    language: resource.language,
    materialized: resource.materialized,
    config: resource.configDigest,
    columns: [...resource.columns].sort(),
    test:
      test === null
        ? null
        : {
            kind: test.kind,
            namespace: test.namespace,
            attachedTo: test.attachedTo,
            column: test.column,
            kwargs: test.kwargs,
            severity: test.severity,
            where: test.where,
            limit: test.limit,
            failCalc: test.failCalc,
          },
  });
}
