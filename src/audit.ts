/**
 * The whole program on one screen: open → plan, or open → run → report.
 * The only importer of the registries; knows no vendor and prints nothing.
 */
import { agents } from "./adapters/agents/index.js";
import { runners } from "./adapters/runners/index.js";
import { slots } from "./adapters/slots/index.js";
import { warehouses } from "./adapters/warehouses/index.js";
import { type Acceptation, acceptFailure } from "./audit/accept.js";
import { type Ask, agreeOnBudget } from "./audit/agree.js";
import type { Patience } from "./audit/ask.js";
import { missingInLast } from "./audit/asked.js";
import { type Completed, type Completion, completeTask } from "./audit/complete.js";
import { type Coordination, openCoordination } from "./audit/coordination.js";
import { type Diagnosis, examine } from "./audit/doctor.js";
import { exitCodes } from "./audit/exit-codes.js";
import { type AuditRequest, type LoadedAudit, loadAudit, loadSettings, type Refusal, refusal } from "./audit/load.js";
import { type OpenedAudit, openAudit } from "./audit/open.js";
import { type PlannedAudit, planAudit } from "./audit/plan.js";
import { promptsOf, type ShownTask } from "./audit/prompt.js";
import { type Answer, queryWarehouse } from "./audit/query.js";
import { tellingRefusals } from "./audit/refused-claims.js";
import { type AuditEnd, runAudit } from "./audit/run.js";
import { type TracedTest, traceTest } from "./audit/trace-test.js";
import { type Cleaned, cleanAudit, type Verified, verifyAudit } from "./audit/upkeep.js";
import type { Config } from "./model/config.js";
import type { Diagnostic } from "./model/diagnostic.js";
import type { ProgressView } from "./model/progress.js";
import type { Result } from "./model/result.js";
import { reporters } from "./reporters/index.js";
import { diskRefusal } from "./support/disk-refusal.js";

export const registries = { agents, slots, warehouses, reporters, runners };

/** Loads the config and what belongs to it; opens and writes nothing. */
export function load(request: AuditRequest): Promise<Refusal | LoadedAudit> {
  return loadAudit(request, registries);
}

/** The config alone: for who looks at the audit folder, or leaves something in it for a run. */
export function settings(request: AuditRequest): ReturnType<typeof loadSettings> {
  return loadSettings(request, registries);
}

/** Writes an accepted failure into audit.exceptions.yaml, and tells the run that goes on. */
export function accept(
  request: AuditRequest,
  subject: string,
  acceptation: Acceptation,
  patience: Patience,
): ReturnType<typeof acceptFailure> {
  return orRefused(exitCodes.preflight, () => acceptFailure(request, registries, subject, acceptation, patience));
}

/** Loads the config and says what a run would do; writes nothing. */
export function plan(request: AuditRequest): Promise<Refusal | { readonly planned: PlannedAudit }> {
  return orRefused(exitCodes.preflight, async () => {
    const loaded = await loadAudit(request, registries);
    if ("exitCode" in loaded) return loaded;
    const planned = await planAudit(loaded);
    return "exitCode" in planned ? planned : { planned };
  });
}

/** What an agent would be sent for a task of the last export; writes nothing. */
export function prompt(request: AuditRequest, task: string): Promise<Refusal | { readonly shown: ShownTask }> {
  return orRefused(exitCodes.preflight, async () => {
    const loaded = await loadAudit(request, registries);
    if ("exitCode" in loaded) return loaded;
    const shown = await promptsOf(loaded, registries, task).finally(() => loaded.agent.close());
    return "exitCode" in shown ? shown : { shown };
  });
}

/** Runs one SELECT through the gate of agents' queries; writes nothing. */
export function query(request: AuditRequest, sql: string, maxRows: number): Promise<Refusal | Answer> {
  return orRefused(exitCodes.preflight, () => queryWarehouse(request, registries, sql, maxRows));
}

/** Follows one failing test upstream, as the lineage agent does; writes nothing. */
export function trace(request: AuditRequest, test: string, groups: readonly string[]): Promise<Refusal | TracedTest> {
  return orRefused(exitCodes.preflight, () => traceTest(request, registries, test, groups));
}

/** Loads the config, runs the graph, writes the report. */
export async function run(
  request: AuditRequest,
  view: ProgressView,
  warn: (warnings: readonly Diagnostic[]) => Promise<void>,
  ask: Ask,
): Promise<Refusal | AuditEnd> {
  const given = await loadAudit(request, registries);
  if ("exitCode" in given) return given;
  await warn(given.warnings);
  const loaded = await agreeOnBudget(given, ask);
  if ("exitCode" in loaded) {
    await given.agent.close();
    return loaded;
  }
  const opened = await orRefused<OpenedAudit>(exitCodes.preflight, () => openAudit(loaded, registries, view));
  if ("exitCode" in opened) return opened;
  // A retry takes the last export, so what that does not have is a mistake; otherwise the next one may have it.
  const missing = request.retry ? await missingInLast(opened, opened.session.traces) : null;
  if (missing !== null) {
    await opened.close();
    return refusal(exitCodes.usage, missing);
  }
  return orRefused(exitCodes.incomplete, () => runAudit(opened));
}

/** Looks at all that a run needs; changes nothing. */
export function doctor(request: AuditRequest): Promise<Diagnosis> {
  return examine(request, registries);
}

/** Looks whether all that runs have finished is as it was written; changes nothing. */
export function verify(
  request: AuditRequest,
): Promise<Refusal | { readonly exitCode: number; readonly verified: Verified }> {
  return orRefused(exitCodes.preflight, () => verifyAudit(request, registries));
}

/** What agents that this program did not start may do with the tasks of the last export. */
export function coordinate(
  request: AuditRequest,
  warn: (message: string) => void,
): Promise<Refusal | { readonly coordination: Coordination; readonly config: Config }> {
  return orRefused(exitCodes.preflight, async () => {
    const loaded = loadSettings(request, registries);
    if ("exitCode" in loaded) return loaded;
    const { config } = loaded;
    return { coordination: tellingRefusals(await openCoordination(config, request.now, warn)), config };
  });
}

/** Hands in what such an agent has found; resolves when it is admitted and durable, or refused. */
export function complete(
  request: AuditRequest,
  completion: Completion,
  warn: (message: string) => void,
  waiting: () => void,
): Promise<Refusal | Result<Completed>> {
  return orRefused(exitCodes.preflight, async () => {
    const loaded = await loadAudit(request, registries);
    if ("exitCode" in loaded) return loaded;
    const coordination = await openCoordination(loaded.config, request.now, warn);
    return completeTask(completion, coordination, loaded, waiting).finally(() => loaded.agent.close());
  });
}

/** Removes old runs from the audit folder, or all of the audit. */
export function clean(request: AuditRequest, all: boolean): Promise<Refusal | { readonly cleaned: Cleaned }> {
  return orRefused(exitCodes.preflight, () => cleanAudit(request, registries, all));
}

/** What the disk refuses outside of nodes, which know it themselves: before the first, and after the last. */
async function orRefused<End>(exitCode: number, work: () => Promise<End | Refusal>): Promise<End | Refusal> {
  try {
    return await work();
  } catch (error) {
    const failure = diskRefusal(error);
    if (failure === null) throw error;
    return refusal(exitCode, failure);
  }
}
