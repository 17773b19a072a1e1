import { join, relative } from "node:path";
import { completedFrom, loadProject, loadRunResults } from "../dbt/load.js";
import { type EventLog, openEventLog } from "../execution/events.js";
import { takeFolder } from "../execution/hold.js";
import { createSlotPool } from "../execution/slot-pool.js";
import { openTraceStore } from "../execution/traces.js";
import type { Config } from "../model/config.js";
import type { ProgressView } from "../model/progress.js";
import type { EarlierProject, Project } from "../model/project.js";
import type { Reporter } from "../model/report.js";
import { type Failure, ok, type Result } from "../model/result.js";
import type { SlotProvider } from "../model/slot.js";
import type { Warehouse, WarehouseContext } from "../model/warehouse.js";
import { redactStrings } from "../support/redact.js";
import { createAgentTools } from "../tasks/agent-tools.js";
import { type Artifacts, newProgress, type Session } from "../tasks/session.js";
import { ownerOf } from "../tasks/task-list.js";
import { exitCodes } from "./exit-codes.js";
import { openLedger } from "./ledger.js";
import { type AuditRequest, type LoadedAudit, type Refusal, type Registries, refusal } from "./load.js";
import { type AuditFolders, auditFolders, makeFolders, runId } from "./run-folder.js";
export interface OpenedAudit extends LoadedAudit {
  readonly session: Session;
  readonly provider: SlotProvider;
  readonly reporters: readonly Reporter[];
  readonly events: EventLog;
  readonly view: ProgressView;
  /** Another handle than the session's, on the warehouse as it is now. */
  readonly openWarehouse: () => Promise<Result<Warehouse>>;
  /** What a run that was killed had left running, one message each. */
  readonly leftovers: readonly string[];
  /** Stops the run in order, as one Ctrl-C does. */
  readonly stop: () => void;
  /** Closes the warehouse and the traces, does `last` when everything is as it stays, and gives the lock back. Once, at the end. */
  readonly close: (last?: () => Promise<void>) => Promise<void>;
}

/** Takes the audit folder for this process. */
export async function openAudit(
  loaded: LoadedAudit,
  registries: Registries,
  view: ProgressView,
): Promise<Refusal | OpenedAudit> {
  const { request, config } = loaded;
  const startedAt = request.now();
  const run = runId(startedAt);
  const folders = auditFolders(config.dir, run);
  try {
    await makeFolders(folders);
  } catch (error) {
    const message = `the audit folder ${config.dir} cannot be written: ${(error as Error).message}`;
    return refusal(exitCodes.preflight, { code: "disk", message, hint: "Move it with `dir` in the config." });
  }
  const hold = await takeFolder(folders.root, request.now, run);
  if (!hold.ok) return refusal(exitCodes.preflight, hold.failure);

  const leftovers = [...hold.value.warnings, ...(await endViews(folders.root, registries, request.env))];

  const store = await openTraceStore(folders.traces);
  if (!store.ok) {
    await hold.value.giveBack();
    return refusal(exitCodes.preflight, store.failure);
  }
  const traces = store.value;
  if (request.retry && traces.find("export").length === 0) {
    await traces.close();
    await hold.value.giveBack();
    const message = "there is nothing to retry: no run has come as far as its export";
    return refusal(exitCodes.usage, { code: "usage", message, hint: "Run `audit-run` first." });
  }
  const provider = await createProvider(loaded, registries);
  if (!provider.ok) {
    await traces.close();
    await hold.value.giveBack();
    return refusal(exitCodes.preflight, redactStrings(provider.failure, loaded.redact));
  }
  const events = openEventLog(join(folders.run, "events.jsonl"), request.now, loaded.redact, [
    (event) => view.event(event),
  ]);
  const stopping = new AbortController();
  const signal = AbortSignal.any([request.signal, stopping.signal]);
  const openNow = () => openWarehouse(loaded, { scratchDir: folders.scratch, env: request.env, signal });
  const warehouse = openOnce(openNow);
  const session: Session = {
    config,
    run: { id: run, folder: folders.run, startedAt },
    now: request.now,
    signal,
    emit: events.emit,
    redact: loaded.redact,
    redactValues: loaded.redactValues,
    traces,
    agent: loaded.agent,
    tools: createAgentTools(config.lineage.maxQueries),
    views: createViews(loaded, registries, folders, run),
    slots: createSlotPool({ provider: provider.value, count: config.slots.count, folder: folders.slots }),
    ledger: openLedger(config.budget),
    warehouse: warehouse.get,
    artifacts: openOnce(() => loadArtifacts(config)).get,
    template: loaded.template,
    exceptions: loaded.exceptions,
    progress: newProgress(),
  };
  const close = async (last?: () => Promise<void>): Promise<void> => {
    await loaded.agent.close();
    await session.tools.close();
    // Where `cleanup` did not run. What cannot be ended now is recorded, and the next run's.
    await session.views.close();
    const opened = await warehouse.opened();
    if (opened?.ok) await opened.value.close();
    await events.close();
    await traces.close();
    await last?.();
    await hold.value.giveBack();
  };
  const reporters = Object.values(registries.reporters);
  return {
    ...loaded,
    session,
    provider: provider.value,
    reporters,
    events,
    view,
    openWarehouse: openNow,
    leftovers,
    stop: () => stopping.abort("stop"),
    close,
  };
}

/** Ends the views that a run that was killed has left, of whichever runner; one message each. The caller holds the folder. */
export async function endViews(
  dir: string,
  { runners }: Registries,
  env: AuditRequest["env"],
): Promise<readonly string[]> {
  const messages: string[] = [];
  for (const { endLeftovers } of Object.values(runners)) {
    const ended = await endLeftovers(dir, env);
    if (!ended.ok) messages.push(`${ended.failure.message}${ended.failure.hint ? `. ${ended.failure.hint}` : ""}`);
    else if (ended.value !== null)
      messages.push(`A run that was killed had left running, and it is ended now: ${ended.value}`);
  }
  return messages;
}

function createViews(
  { config, request }: LoadedAudit,
  { runners }: Registries,
  folders: AuditFolders,
  run: string,
): Session["views"] {
  const adapter = runners[config.agent.runner];
  if (adapter === undefined) throw new Error(`BUG: the config names runner ${config.agent.runner}`);
  const runner = adapter.create({ auditDir: folders.root, runDir: folders.run, env: request.env });
  // By the audit folder, not by the config: that may need variables which a view is not given.
  const viewer = (task: string) => [
    ...request.program,
    ...["logs", task, "--follow", "--dir", folders.root, "--run", run],
  ];
  return {
    check: () => runner.check(),
    open: (task) => runner.open({ name: ownerOf(task), command: viewer(task) }),
    close: () => runner.close(),
  };
}

export async function loadArtifacts(config: Config): Promise<Result<Artifacts>> {
  const { artifacts, table } = config.summary;
  const project = await loadProject(artifacts);
  const runResults = await loadRunResults(artifacts, project.ok ? project.value.adapter : "");
  // With a summary table the artifacts are a cross-check; without one they are the truth.
  const mayLack = (failure: Failure): boolean => table !== null && failure.code === "artifacts-missing";
  if (!project.ok && !mayLack(project.failure)) return project;
  if (!runResults.ok && !mayLack(runResults.failure)) return runResults;
  const earlier = await loadEarlier(config);
  if (!earlier.ok) return earlier;
  return ok({
    project: project.ok ? { ...(await completed(project.value, config)), earlier: earlier.value } : null,
    runResults: runResults.ok ? runResults.value : null,
  });
}

async function loadEarlier({ dbt: { state }, baseDir }: Config): Promise<Result<EarlierProject | null>> {
  if (state === null) return ok(null);
  const project = await loadProject(state);
  if (!project.ok) {
    const { failure } = project;
    return { ok: false, failure: { ...failure, hint: "keep a manifest.json there, or leave out repos.dbt.state" } };
  }
  return ok({ project: project.value, says: `the manifest in ${relative(baseDir, state) || "."}` });
}

/** What the tests' own run compiled, where the summary ran with a target path of its own. */
async function completed(project: Project, config: Config): Promise<Project> {
  const own = join(config.dbt.projectDir, "target");
  if (own === config.summary.artifacts) return project;
  const earlier = await loadProject(own);
  return earlier.ok ? completedFrom(project, earlier.value) : project;
}

/** By the credentials of the config or of dbt's profile. */
export async function openWarehouse(
  { config, credentials }: Pick<LoadedAudit, "config" | "credentials">,
  { scratchDir, env, signal }: Pick<WarehouseContext, "scratchDir" | "env" | "signal">,
): Promise<Result<Warehouse>> {
  return credentials.adapter.open(credentials.settings, {
    scratchDir,
    env,
    signal,
    baseDir: config.baseDir,
    maxConnections: config.concurrency.warehouse,
    audit: config.name,
  });
}

export async function createProvider(
  { config, credentials }: Pick<LoadedAudit, "config" | "credentials">,
  registries: Registries,
): Promise<Result<SlotProvider>> {
  const adapter = registries.slots[config.slots.provider];
  if (adapter === undefined) throw new Error(`BUG: the config names slot provider ${config.slots.provider}`);
  const { dbt, summary } = config;
  const provision = [
    { from: join(dbt.projectDir, "dbt_packages"), to: join(dbt.dir, "dbt_packages") },
    // Where the summary has a target path of its own, the compiled SQL is there.
    { from: summary.artifacts, to: join(dbt.dir, "target") },
  ];
  const repos = [
    ...(dbt.slot ? [{ name: "dbt", path: dbt.path, provision }] : []),
    ...config.sources.filter(({ slot }) => slot).map(({ name, path }) => ({ name, path, provision: [] })),
  ];
  const excludes = credentials.adapter.localFiles?.(credentials.settings, config.baseDir) ?? [];
  return adapter.create(config.slots.settings, { auditDir: config.dir, repos, excludes });
}

/** A door that did not open is tried again by the next who asks; one that did is shared by all. */
export function openOnce<Value>(open: () => Promise<Result<Value>>): {
  readonly get: () => Promise<Result<Value>>;
  readonly opened: () => Promise<Result<Value> | null>;
} {
  let opening: Promise<Result<Value>> | null = null;
  return {
    get: () => {
      opening ??= open().then((result) => {
        if (!result.ok) opening = null;
        return result;
      });
      return opening;
    },
    opened: async () => (opening === null ? null : await opening),
  };
}
