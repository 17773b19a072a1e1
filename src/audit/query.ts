/**
 * `audit-run query`: one SELECT of a person's, through the gate that agents' queries pass, masked as theirs are. Works while a
 * run is on, and needs neither an export nor an agent; takes no lock.
 */
import { join } from "node:path";
import { loadProject } from "../dbt/load.js";
import { readTraceStore } from "../execution/traces.js";
import type { Case, Export } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { Project } from "../model/project.js";
import { ok, type Result } from "../model/result.js";
import type { QueryResult } from "../model/warehouse.js";
import { createRedactor, redactStrings, rememberSecrets, secretValues } from "../support/redact.js";
import { shownResult } from "../tasks/admission.js";
import { gatedQueries } from "../tasks/gated.js";
import { findCredentials } from "./credentials.js";
import { exitCodes } from "./exit-codes.js";
import { type AuditRequest, loadSettings, type Refusal, type Registries, refusal } from "./load.js";
import { auditFolders } from "./run-folder.js";
import { withWarehouse } from "./scratch.js";

export interface Answer {
  readonly result: QueryResult;
  /** Milliseconds that the warehouse took. */
  readonly took: number;
}

/** Of all cells' text. */
const mostBytes = 64 * 1024 * 1024;

export async function queryWarehouse(
  request: AuditRequest,
  registries: Registries,
  sql: string,
  maxRows: number,
): Promise<Refusal | Answer> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) return loaded;
  const { config } = loaded;
  const credentials = await findCredentials(loaded, request, registries.warehouses);
  if ("diagnostics" in credentials) return { exitCode: exitCodes.usage, ...credentials };
  const secrets = [...loaded.variables.values(), ...credentials.secrets, ...secretValues(request.env)];
  rememberSecrets(secrets);
  const redact = createRedactor(secrets);
  const shown = { config, redactValues: redact };
  const cases = await exportedCases(config);
  const project = await manifest(config);
  const answer = await withWarehouse({ config, credentials, request }, async (warehouse): Promise<Result<Answer>> => {
    const { query } = gatedQueries(warehouse, { config, signal: request.signal, project, cases });
    const start = request.now().getTime();
    const result = await query(sql, { maxRows, maxBytes: mostBytes });
    if (!result.ok) return result;
    return ok({ result: shownResult(result.value, shown), took: request.now().getTime() - start });
  });
  if (answer.ok) return answer.value;
  return refusal(exitCodeOf(answer.failure.code, request.signal), redactStrings(answer.failure, redact));
}

/** The test run's, else the one that dbt has left in the project; null where there is none. */
async function manifest({ summary, dbt }: Config): Promise<Project | null> {
  for (const folder of [summary.artifacts, join(dbt.projectDir, "target")]) {
    const project = await loadProject(folder);
    if (project.ok) return project.value;
  }
  return null;
}

/** Where there is no manifest, they say where failures are stored. */
async function exportedCases(config: Config): Promise<readonly Case[]> {
  const traces = await readTraceStore(auditFolders(config.dir, "none").traces);
  const trace = traces.ok ? traces.value.find("export")[0] : undefined;
  if (!traces.ok || trace === undefined) return [];
  return ((await traces.value.read(trace)) as Export | null)?.cases ?? [];
}

function exitCodeOf(code: string, signal: AbortSignal): number {
  if (signal.aborted) return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  // What is asked is wrong, or it is not answered in time; all else is the warehouse.
  if (["query-refused", "query-failed", "relation-missing"].includes(code)) return exitCodes.usage;
  return code === "query-timeout" ? exitCodes.incomplete : exitCodes.preflight;
}
