/**
 * Loads what a command needs before it opens anything: config, exceptions, template, agent. Writes nothing.
 * Every refusal has its exit code here; none of them is a bug.
 */
import { homedir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { readExceptions } from "../config/exceptions.js";
import { diskFiles, readTextFile } from "../config/files.js";
import { loadConfig } from "../config/load.js";
import { adapterSettings } from "../config/schema.js";
import type { AgentAdapter, Investigator } from "../model/agent.js";
import type { Config } from "../model/config.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { sha256 } from "../model/digest.js";
import type { AcceptedException } from "../model/finding.js";
import type { Reporter } from "../model/report.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { RunnerAdapter } from "../model/runner.js";
import type { SlotAdapter } from "../model/slot.js";
import type { WarehouseAdapter } from "../model/warehouse.js";
import { createRedactor, type Redactor, redactStrings, rememberSecrets } from "../support/redact.js";
import { checkTemplate } from "../tasks/prompt.js";
import { builtInTemplate } from "../tasks/prompt-template.js";
import { type Credentials, findCredentials } from "./credentials.js";
import { exitCodes } from "./exit-codes.js";
import type { Selection } from "./inputs.js";

export interface Registries {
  readonly agents: Readonly<Record<string, AgentAdapter>>;
  readonly slots: Readonly<Record<string, SlotAdapter>>;
  readonly warehouses: Readonly<Record<string, WarehouseAdapter>>;
  readonly reporters: Readonly<Record<string, Reporter>>;
  readonly runners: Readonly<Record<string, RunnerAdapter>>;
}

/** What the user asked for on the command line. */
export interface AuditRequest {
  /** Absolute path of audit.config.yaml. */
  readonly configFile: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly argv: readonly string[];
  /** How this program is started, without arguments: what shows an agent at work is this program as well. */
  readonly program: readonly string[];
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
  /** How the warehouse is opened. */
  readonly credentials: Credentials;
  /** Environment variables that the config or a profile refers to, with their values (null: not set); not for showing. */
  readonly variables: ReadonlyMap<string, string | null>;
  /**
   * Takes the values of the variables that the config refers to, the warehouse's secrets, the agent's login, and what looks
   * like a secret, out of any text.
   */
  readonly redact: Redactor;
  /** The values alone. */
  readonly redactValues: Redactor;
}

/** The config alone: who only looks after the audit folder needs no agent, no template and no exceptions. */
export function loadSettings(
  request: AuditRequest,
  registries: Registries,
): Refusal | Extract<ReturnType<typeof loadConfig>, { readonly config: Config }> {
  const text = readTextFile(request.configFile);
  if (text.kind !== "text") {
    const why = text.kind === "absent" ? "does not exist" : `cannot be read: ${text.reason}`;
    const near = text.kind === "absent" ? configAbove(request) : null;
    return refusal(exitCodes.usage, {
      code: "usage",
      message: `${request.configFile} ${why}`,
      hint: near === null ? "Write one (the README shows the smallest), or name it with --config FILE." : near,
    });
  }
  const { configFile: file, env, cwd } = request;
  const adapters = adapterSettings(registries);
  const loaded = loadConfig({ file, text: text.text, adapters, env, homeDir: homedir(), cwd, files: diskFiles });
  return "diagnostics" in loaded
    ? { exitCode: exitCodes.usage, diagnostics: loaded.diagnostics, failure: null }
    : loaded;
}

/** Whoever stands in a folder of the audit's project sees what to write. */
function configAbove({ configFile, cwd }: AuditRequest): string | null {
  for (let folder = dirname(configFile); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(dirname(folder), basename(configFile));
    if (readTextFile(file).kind === "text") return `There is one above: --config ${relative(cwd, file)}`;
  }
  return null;
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
  const credentials = await findCredentials({ ...loaded, config }, request, registries.warehouses);
  if ("diagnostics" in credentials) return { exitCode: exitCodes.usage, ...credentials };
  const values = [...loaded.secrets, ...credentials.secrets];
  rememberSecrets(values);
  const context = { baseDir: config.baseDir, env, redact: createRedactor(values) };
  const agent = await adapter.create(config.agent.settings, context);
  if (!agent.ok) return refusal(exitCodes.preflight, redactStrings(agent.failure, context.redact));
  // Its login comes from the environment by itself, and an agent may write it into a finding.
  const secrets = [...values, ...(agent.value.secrets ?? [])];
  rememberSecrets(secrets);
  return {
    request,
    // From here on the config holds nothing secret of the warehouse's.
    config: { ...config, warehouse: { use: credentials.adapter.id, settings: credentials.shown } },
    warnings: [...loaded.warnings, ...credentials.warnings, ...exceptions.diagnostics],
    exceptions: exceptions.entries,
    template: template.value,
    agent: agent.value,
    credentials,
    variables: new Map<string, string | null>([...credentials.variables, ...loaded.variables]),
    redact: createRedactor(secrets),
    redactValues: createRedactor(secrets, { shapes: "tokens" }),
  };
}

const builtIn = { kind: "text", text: builtInTemplate } as const;

export function readTemplate(config: Config): Result<LoadedAudit["template"]> {
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

export function refusal(exitCode: number, failure: Failure): Refusal {
  return { exitCode, diagnostics: [], failure };
}
