/**
 * `audit-run trace`: the walk of the lineage agent for one test of the last export, as it would go now. Takes no lock, writes
 * nothing, and hands nothing in. Knows no drawing.
 */
import { readTraceStore } from "../execution/traces.js";
import type { Case, Export } from "../model/case.js";
import { sha256 } from "../model/digest.js";
import type { Project } from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Warehouse } from "../model/warehouse.js";
import { createRedactor, redactStrings, rememberSecrets, secretValues } from "../support/redact.js";
import { closest } from "../support/suggest.js";
import { findCredentials } from "./credentials.js";
import { exitCodes } from "./exit-codes.js";
import { type AuditRequest, loadSettings, type Refusal, type Registries, refusal } from "./load.js";
import { loadArtifacts } from "./open.js";
import { auditFolders } from "./run-folder.js";
import { withWarehouse } from "./scratch.js";

export interface TracedStep {
  /** unique_id of the resource that was asked. */
  readonly resource: string;
  readonly name: string;
  readonly column: string;
  /** Failing rows, or keys, that were looked for; found there; failing there already. */
  readonly seen: number;
  readonly found: number;
  readonly failing: number;
  /** Of `queries`. */
  readonly query_id: string;
  readonly says: string;
}

export interface TracedGroup {
  readonly group: string;
  readonly standing: "proved" | "supported" | "undecided";
  readonly situation: string;
  /** unique_id of what is blamed, or of how far the rows could be followed. */
  readonly node: string | null;
  readonly column: string | null;
  readonly confidence: "high" | "medium" | "low";
  readonly reason: string;
  readonly steps: readonly TracedStep[];
  readonly inside: {
    readonly cte: string | null;
    readonly kind: string | null;
    readonly sql: string | null;
    readonly file: string | null;
    readonly lines: { readonly first: number; readonly last: number } | null;
  } | null;
  readonly proof: { readonly says: string; readonly query_id: string } | null;
}

export interface TracedTest {
  readonly test: string;
  readonly groups: readonly TracedGroup[];
  /** query_id → SQL of everything that is cited. */
  readonly queries: Readonly<Record<string, string>>;
  /** Queries of the walk through the project. */
  readonly asked: number;
}

/** @param groups keys of groups; empty: all of the test's. */
export async function traceTest(
  request: AuditRequest,
  registries: Registries,
  test: string,
  groups: readonly string[],
): Promise<Refusal | TracedTest> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) return loaded;
  const { config } = loaded;
  const credentials = await findCredentials(loaded, request, registries.warehouses);
  if ("diagnostics" in credentials) return { exitCode: exitCodes.usage, ...credentials };
  const secrets = [...loaded.variables.values(), ...credentials.secrets, ...secretValues(request.env)];
  rememberSecrets(secrets);
  const redact = createRedactor(secrets);
  const cases = await casesOf(auditFolders(config.dir, "none").traces, test, groups);
  if (!cases.ok) return refusal(exitCodes.usage, redactStrings(cases.failure, redact));
  const artifacts = await loadArtifacts(config);
  if (!artifacts.ok) return refusal(exitCodes.preflight, redactStrings(artifacts.failure, redact));
  const { project } = artifacts.value;
  if (project === null) {
    const message = "there is no manifest.json, and without it nothing can be followed";
    return refusal(exitCodes.preflight, {
      code: "artifacts-missing",
      message,
      hint: "set summary.artifacts to its folder",
    });
  }
  const traced = await withWarehouse({ config, credentials, request }, (warehouse) =>
    walk(warehouse, project, cases.value, request.signal),
  );
  return traced.ok
    ? redactStrings(traced.value, redact)
    : refusal(exitCodes.preflight, redactStrings(traced.failure, redact));
}

async function casesOf(folder: string, test: string, groups: readonly string[]): Promise<Result<readonly Case[]>> {
  const traces = await readTraceStore(folder);
  if (!traces.ok) return traces;
  const trace = traces.value.find("export")[0];
  const exported = trace === undefined ? null : ((await traces.value.read(trace)) as Export | null);
  if (exported === null)
    return failed("usage", "there is no export yet, and so no failing test", { hint: "run `audit-run` first" });
  const own = exported.cases.filter((item) => item.test.name === test || item.test.id === test);
  if (own.length === 0) {
    const like = closest(
      test,
      exported.cases.map((item) => item.test.name),
    );
    return failed("usage", `no failing test of the last export is called '${test}'`, {
      hint: like === undefined ? "`audit-run tasks list` has the names" : `did you mean ${like}?`,
    });
  }
  const chosen = groups.length === 0 ? own : own.filter((item) => groups.includes(item.group.key));
  if (chosen.length > 0) return ok(chosen);
  const keys = own.map((item) => item.group.key).join(", ");
  return failed("usage", `${test} does not fail in ${groups.join(", ")}`, { hint: `it fails in ${keys}` });
}

async function walk(
  warehouse: Warehouse,
  project: Project,
  cases: readonly Case[],
  signal: AbortSignal,
): Promise<Result<TracedTest>> {
  const [{ sharedWalk }, { verdictOf }, { standingOf }] = await Promise.all([
    import("../lineage/shared-walk.js"),
    import("../lineage/tell.js"),
    import("../lineage/verdict.js"),
  ]);
  const [first] = cases;
  if (first === undefined) throw new Error("BUG: a test without cases is traced");
  const { dialect, query } = warehouse;
  const describe: Warehouse["describe"] = (relations) => warehouse.describe(relations);
  const walked = await sharedWalk(
    { project, item: first, dialect, query, describe, signal, maxQueries: 1000 },
    new Map(),
  );
  if (!walked.ok) return walked;
  const queries: Record<string, string> = {};
  const cite = (sql: string): string => {
    const id = `q-${sha256(sql).slice(0, 8)}`;
    queries[id] = sql;
    return id;
  };
  const nameOf = (id: string) => project.resources.get(id)?.name ?? id;
  const groups = cases.map((item): TracedGroup => {
    const verdict = verdictOf(item, walked.value);
    const { situation, node, column, confidence, reason, inside, proof } = verdict;
    return {
      group: item.group.key,
      standing: standingOf(verdict),
      ...{ situation, node, column, confidence, reason },
      steps: verdict.path.map((hop) => ({
        resource: hop.resource,
        name: nameOf(hop.resource),
        ...{ column: hop.column, seen: hop.seen, found: hop.found, failing: hop.failing },
        query_id: cite(hop.sql),
        says: hop.title,
      })),
      inside:
        inside === null
          ? null
          : {
              cte: inside.cte,
              kind: inside.expression?.kind ?? null,
              sql: inside.expression?.sql ?? null,
              file: node === null ? null : (project.resources.get(node)?.file ?? null),
              lines: inside.lines,
            },
      proof: proof === null ? null : { says: proof.says, query_id: cite(proof.sql) },
    };
  });
  return ok({ test: first.test.name, groups, queries, asked: walked.value.queries });
}
