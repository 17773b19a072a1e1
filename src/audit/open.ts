/**
 * Opens what a run or a plan needs: config, exceptions, template, agent; then folders, lock, traces, slots, events.
 * Every refusal has its exit code here; none of them is a bug.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { readExceptions } from "../config/exceptions.js";
import { diskFiles, readTextFile } from "../config/files.js";
import { loadConfig } from "../config/load.js";
import { completedFrom, loadProject, loadRunResults } from "../dbt/load.js";
import { type EventLog, openEventLog } from "../execution/events.js";
import { acquireLock } from "../execution/lock.js";
import { createSlotPool } from "../execution/slot-pool.js";
import { openTraceStore } from "../execution/traces.js";
import type { AgentAdapter, Investigator } from "../model/agent.js";
import type { AdapterSettings, Config } from "../model/config.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { sha256 } from "../model/digest.js";
import type { AcceptedException } from "../model/finding.js";
import type { ProgressView } from "../model/progress.js";
import type { Project } from "../model/project.js";
import type { Reporter } from "../model/report.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { SlotAdapter, SlotProvider } from "../model/slot.js";
import type { Warehouse, WarehouseAdapter } from "../model/warehouse.js";
import { createRedactor, type Redactor, redactStrings } from "../support/redact.js";
import { checkTemplate } from "../tasks/prompt.js";
import { builtInTemplate } from "../tasks/prompt-template.js";
import { type Artifacts, newProgress, type Session } from "../tasks/session.js";
import { exitCodes } from "./exit-codes.js";
import type { Selection } from "./inputs.js";
import { auditFolders, makeFolders, runId } from "./run-folder.js";

export interface Registries {
  readonly agents: Readonly<Record<string, AgentAdapter>>;
  readonly slots: Readonly<Record<string, SlotAdapter>>;
  readonly warehouses: Readonly<Record<string, WarehouseAdapter>>;
  readonly reporters: Readonly<Record<string, Reporter>>;
}

/** What the user asked for on the command line. */
export interface AuditRequest {
  /** Absolute path of audit.config.yaml. */
  readonly configFile: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly argv: readonly string[];
  readonly version: string;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** Node ids; empty: all. */
  readonly targets: readonly string[];
  readonly selection: Selection;
  /** Start nothing new after the first failed node. */
  readonly failFast: boolean;
  /** Take the last export and run only what failed or is missing. */
  readonly retry: boolean;
  /** Categories that make the exit code 1; they stand in for the config's. */
  readonly failOn: readonly string[] | null;
  readonly strategy: Config["strategy"] | null;
}

export interface Refusal {
  readonly exitCode: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly failure: Failure | null;
}

export interface LoadedAudit {
  readonly request: AuditRequest;
  readonly config: Config;
  readonly warnings: readonly Diagnostic[];
  readonly exceptions: readonly AcceptedException[];
  readonly template: { readonly text: string; readonly file: string; readonly digest: string };
  readonly agent: Investigator;
  /** Takes the values of the variables that the config refers to, and what looks like a secret, out of any text. */
  readonly redact: Redactor;
  /** The values alone. */
  readonly redactValues: Redactor;
}

export interface OpenedAudit extends LoadedAudit {
  readonly session: Session;
  readonly provider: SlotProvider;
  readonly reporters: readonly Reporter[];
  readonly events: EventLog;
  readonly view: ProgressView;
  /** Another handle than the session's, on the warehouse as it is now. */
  readonly openWarehouse: () => Promise<Result<Warehouse>>;
  /** Closes the warehouse, the traces and the lock; safe to call once at the end. */
  readonly close: () => Promise<void>;
}

/** The config alone: who only looks after the audit folder needs no agent, no template and no exceptions. */
export function loadSettings(
  request: AuditRequest,
  registries: Registries,
): Refusal | Extract<ReturnType<typeof loadConfig>, { readonly config: Config }> {
  const text = readTextFile(request.configFile);
  if (text.kind !== "text") {
    const why = text.kind === "absent" ? "does not exist" : `cannot be read: ${text.reason}`;
    return refusal(exitCodes.usage, {
      code: "usage",
      message: `${request.configFile} ${why}`,
      hint: "Write one (the README shows the smallest), or name it with --config FILE.",
    });
  }
  const { configFile: file, env, cwd } = request;
  const adapters = adapterSettings(registries);
  const loaded = loadConfig({ file, text: text.text, adapters, env, homeDir: homedir(), cwd, files: diskFiles });
  return "diagnostics" in loaded
    ? { exitCode: exitCodes.usage, diagnostics: loaded.diagnostics, failure: null }
    : loaded;
}

export async function loadAudit(request: AuditRequest, registries: Registries): Promise<Refusal | LoadedAudit> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) return loaded;
  const { env, cwd } = request;
  const config: Config = {
    ...loaded.config,
    ...(request.strategy === null ? {} : { strategy: request.strategy }),
    ...(request.failOn === null ? {} : { failOn: request.failOn }),
  };
  const unknown = config.failOn.find((id) => !config.categories.some((category) => category.id === id));
  if (unknown !== undefined) {
    const known = config.categories.map(({ id }) => id).join(", ");
    return refusal(exitCodes.usage, {
      code: "usage",
      message: `--fail-on: there is no category "${unknown}"`,
      hint: `There are: ${known}.`,
    });
  }

  const reading = readTextFile(config.exceptionsFile);
  const exceptions = readExceptions({ file: config.exceptionsFile, cwd, reading });
  // Not one entry could be read: every accepted failure would be paid for again.
  if (exceptions.entries.length === 0 && exceptions.diagnostics.some(({ severity }) => severity === "error")) {
    return { exitCode: exitCodes.usage, diagnostics: exceptions.diagnostics, failure: null };
  }
  const template = readTemplate(config);
  if (!template.ok) return refusal(exitCodes.usage, template.failure);

  const adapter = registries.agents[config.agent.use];
  if (adapter === undefined)
    throw new Error(`BUG: the config names agent ${config.agent.use}, which is not registered`);
  const values = [...loaded.variables.values()];
  const redact = createRedactor(values);
  const agent = await adapter.create(config.agent.settings, { baseDir: config.baseDir, env, redact });
  if (!agent.ok) return refusal(exitCodes.preflight, redactStrings(agent.failure, redact));
  return {
    request,
    config,
    warnings: [...loaded.warnings, ...exceptions.diagnostics],
    exceptions: exceptions.entries,
    template: template.value,
    agent: agent.value,
    redact,
    redactValues: createRedactor(values, { shapes: false }),
  };
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
  const lock = await acquireLock(folders.lockFile, request.now);
  if (!lock.ok) return refusal(exitCodes.preflight, lock.failure);

  const store = await openTraceStore(folders.traces);
  if (!store.ok) {
    await lock.value();
    return refusal(exitCodes.preflight, store.failure);
  }
  const traces = store.value;
  if (request.retry && traces.find("export").length === 0) {
    await traces.close();
    await lock.value();
    const message = "there is nothing to retry: no run has come as far as its export";
    return refusal(exitCodes.usage, { code: "usage", message, hint: "Run `audit-run` first." });
  }
  const provider = await createProvider(config, registries);
  if (!provider.ok) {
    await traces.close();
    await lock.value();
    return refusal(exitCodes.preflight, redactStrings(provider.failure, loaded.redact));
  }
  const events = openEventLog(join(folders.run, "events.jsonl"), request.now, loaded.redact, [
    (event) => view.event(event),
  ]);
  const openNow = () => openWarehouse(config, registries, folders.scratch, request.signal);
  const warehouse = openOnce(openNow);
  const session: Session = {
    config,
    run: { id: run, folder: folders.run, startedAt },
    now: request.now,
    signal: request.signal,
    emit: events.emit,
    redact: loaded.redact,
    redactValues: loaded.redactValues,
    traces,
    agent: loaded.agent,
    slots: createSlotPool({ provider: provider.value, count: config.slots.count, folder: folders.slots }),
    warehouse: warehouse.get,
    artifacts: openOnce(() => loadArtifacts(config)).get,
    template: loaded.template,
    exceptions: loaded.exceptions,
    progress: newProgress(),
  };
  const close = async (): Promise<void> => {
    await loaded.agent.close();
    const opened = await warehouse.opened();
    if (opened?.ok) await opened.value.close();
    await events.close();
    await traces.close();
    await lock.value();
  };
  const reporters = Object.values(registries.reporters);
  return { ...loaded, session, provider: provider.value, reporters, events, view, openWarehouse: openNow, close };
}

export async function loadArtifacts(config: Config): Promise<Result<Artifacts>> {
  const { artifacts, table } = config.summary;
  const project = await loadProject(artifacts);
  const runResults = await loadRunResults(artifacts, project.ok ? project.value.adapter : "");
  // With a summary table the artifacts are a cross-check; without one they are the truth.
  const mayLack = (failure: Failure): boolean => table !== null && failure.code === "artifacts-missing";
  if (!project.ok && !mayLack(project.failure)) return project;
  if (!runResults.ok && !mayLack(runResults.failure)) return runResults;
  return ok({
    project: project.ok ? await completed(project.value, config) : null,
    runResults: runResults.ok ? runResults.value : null,
  });
}

/** What the tests' own run compiled, where the summary ran with a target path of its own. */
async function completed(project: Project, config: Config): Promise<Project> {
  const own = join(config.dbt.projectDir, "target");
  if (own === config.summary.artifacts) return project;
  const earlier = await loadProject(own);
  return earlier.ok ? completedFrom(project, earlier.value) : project;
}

export async function openWarehouse(
  config: Config,
  registries: Registries,
  scratchDir: string,
  signal: AbortSignal,
): Promise<Result<Warehouse>> {
  const adapter = registries.warehouses[config.warehouse.use];
  if (adapter === undefined) throw new Error(`BUG: the config names warehouse ${config.warehouse.use}`);
  return adapter.open(config.warehouse.settings, { scratchDir, baseDir: config.baseDir, signal });
}

export function adapterSettings({ agents, slots, warehouses }: Registries): AdapterSettings {
  const settings = <Schema>(adapters: Readonly<Record<string, { readonly settings: Schema }>>) =>
    Object.fromEntries(Object.entries(adapters).map(([id, adapter]) => [id, adapter.settings]));
  return { agents: settings(agents), slots: settings(slots), warehouses: settings(warehouses) };
}

async function createProvider(config: Config, registries: Registries): Promise<Result<SlotProvider>> {
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
  const warehouse = registries.warehouses[config.warehouse.use];
  const excludes = warehouse?.localFiles?.(config.warehouse.settings, config.baseDir) ?? [];
  return adapter.create(config.slots.settings, { auditDir: config.dir, repos, excludes });
}

const builtIn = { kind: "text", text: builtInTemplate } as const;

function readTemplate(config: Config): Result<LoadedAudit["template"]> {
  const file = config.prompt ?? "(built-in template)";
  const reading = config.prompt === null ? builtIn : readTextFile(config.prompt);
  if (reading.kind !== "text") {
    const why = reading.kind === "absent" ? "does not exist" : `cannot be read: ${reading.reason}`;
    return failed("disk", `the prompt template ${file} ${why}`);
  }
  const template = { text: reading.text, file };
  const checked = checkTemplate(template);
  return checked.ok ? ok({ ...template, digest: sha256(template.text) }) : checked;
}

/** A door that did not open is tried again by the next who asks; one that did is shared by all. */
function openOnce<Value>(open: () => Promise<Result<Value>>): {
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

export function refusal(exitCode: number, failure: Failure): Refusal {
  return { exitCode, diagnostics: [], failure };
}
