/**
 * How the warehouse is opened: what the config says, and for the rest what is there already, in dbt's profiles.yml or a
 * vendor's file of connections. Opens nothing. What is shown of it, and what a fingerprint gets, holds no secret.
 */
import { homedir } from "node:os";
import { basename, dirname, relative } from "node:path";
import { type ConnectionOutcome, type NamedConnection, readConnection } from "../config/connections.js";
import { type DbtProfile, type ProfileOutcome, readDbtProfile } from "../config/dbt-profile.js";
import { check, type Problem } from "../config/problems.js";
import { isSecretField } from "../config/secret-fields.js";
import type { Config } from "../model/config.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Failure, Result } from "../model/result.js";
import type { WarehouseAdapter } from "../model/warehouse.js";
import { secretValues } from "../support/redact.js";

export interface Credentials {
  readonly adapter: WarehouseAdapter;
  /** Of the adapter; for nobody else. */
  readonly settings: unknown;
  /** The same without secrets. */
  readonly shown: Readonly<Record<string, unknown>>;
  /** `profile dot_bids, target demo, of profiles.yml`; for a person. */
  readonly source: string;
  readonly secrets: readonly string[];
  readonly warnings: readonly Diagnostic[];
  /** Absolute paths of files that were looked at, whether they exist or not. */
  readonly files: readonly string[];
  /** Variables of the environment that were looked at; null: not set. */
  readonly variables: ReadonlyMap<string, string | null>;
}

/** The config as the loader gives it. */
export interface Declared {
  readonly config: Config;
  readonly locate: (problems: readonly Problem[]) => readonly Diagnostic[];
}

/** Diagnostics, or where there is no place to point at, a failure. */
export interface RefusedCredentials {
  readonly diagnostics: readonly Diagnostic[];
  readonly failure: Failure | null;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

type Outcome = RefusedCredentials | Credentials;
type Warehouses = Readonly<Record<string, WarehouseAdapter>>;
type Origin = Pick<DbtProfile | NamedConnection, "at" | "secrets">;

export async function findCredentials(
  declared: Declared,
  request: Surroundings,
  warehouses: Warehouses,
): Promise<Outcome> {
  const found = await find(declared, request, warehouses);
  return "diagnostics" in found ? found : { ...found, secrets: [...found.secrets, ...ofDrivers(request.env)] };
}

async function find(declared: Declared, request: Surroundings, warehouses: Warehouses): Promise<Outcome> {
  const { config } = declared;
  const { use, settings: written, connection } = config.warehouse;
  const explicit = use === null ? undefined : warehouses[use];
  if (use !== null && explicit === undefined) throw new Error(`BUG: the config names warehouse ${use}`);
  if (explicit !== undefined && connection !== undefined) {
    const outcome = await readConnection({
      ...{ name: connection, env: request.env, cwd: request.cwd },
      ...{ homeDir: homedir(), platform: process.platform },
    });
    return fromConnection(explicit, outcome, declared, request);
  }
  // Nothing is missing: what other files say is of no concern.
  if (explicit?.settings.safeParse(written).success) return complete(explicit, written, {}, null, declared);
  return fromProfile(explicit, readProfile(config, request), declared, request, warehouses);
}

export function readProfile(config: Config, request: Surroundings): ProfileOutcome {
  const { dbt, summary } = config;
  return readDbtProfile({
    ...{ projectDir: dbt.projectDir, startDir: summary.cwd, profilesDir: dbt.profilesDir },
    ...{ profile: dbt.profile, dbtTarget: dbt.dbtTarget, vars: dbt.vars },
    ...{ env: request.env, ownEnv: summary.env, homeDir: homedir(), cwd: request.cwd },
  });
}

function fromProfile(
  explicit: WarehouseAdapter | undefined,
  outcome: ProfileOutcome,
  declared: Declared,
  request: Pick<Surroundings, "cwd">,
  warehouses: Warehouses,
): Outcome {
  const { files, variables } = outcome;
  if (outcome.kind === "wrong") return wrong(outcome.diagnostics);
  if (outcome.kind === "missing") return missing(explicit, declared, outcome);
  const { profile } = outcome;
  const { type } = profile.output;
  const adapter = typeof type === "string" && Object.hasOwn(warehouses, type) ? warehouses[type] : undefined;
  if (adapter?.fromProfile === undefined) {
    const allowed = Object.values(warehouses).flatMap((one) => (one.fromProfile === undefined ? [] : [one.id]));
    const isMissing = type === undefined || type === null;
    const message = isMissing
      ? "`type` is missing: it names dbt's adapter"
      : `dbt's adapter ${JSON.stringify(type)} is none that audit-run has a warehouse for`;
    const hint = "with `warehouse: { use: … }` the audit reads another one than dbt";
    return wrong([profile.at("type", { severity: "error", code: "profile-unsupported", message, allowed, hint })]);
  }
  if (explicit !== undefined && explicit !== adapter) {
    const why = `dbt's target ${JSON.stringify(profile.target)} is a ${adapter.id}, so its profile has nothing for ${explicit.id}`;
    return missing(explicit, declared, { why, hint: "write the fields here" });
  }
  const found = adapter.fromProfile(profile.output, declared.config.dbt.projectDir);
  const shown = relative(request.cwd, profile.file) || profile.file;
  const source = `profile ${profile.name}, target ${profile.target}, of ${shown}`;
  return merged(adapter, found, { ...profile, source, files, variables, warnings: [] }, declared);
}

function fromConnection(
  adapter: WarehouseAdapter,
  outcome: ConnectionOutcome,
  declared: Declared,
  request: Pick<Surroundings, "cwd">,
): Outcome {
  const { files, variables } = outcome;
  if (outcome.kind === "wrong") return wrong(outcome.diagnostics);
  if (outcome.kind === "missing") {
    const { why: message, hint } = outcome;
    const finding = { severity: "error", code: "connection-missing", message, hint } as const;
    return wrong(declared.locate([{ path: ["warehouse", "connection"], part: "value", finding }]));
  }
  const { connection } = outcome;
  const shown = relative(request.cwd, connection.file) || connection.file;
  const found = adapter.fromConnection?.(connection.fields, dirname(connection.file));
  if (found === undefined) throw new Error(`BUG: ${adapter.id} has no connections`);
  const source = `connection ${connection.name} of ${shown}`;
  return merged(adapter, found, { ...connection, source, files, variables }, declared);
}

type Found = Origin & Pick<Credentials, "source" | "files" | "variables" | "warnings">;

function merged(adapter: WarehouseAdapter, read: Result<unknown>, from: Found, declared: Declared): Outcome {
  if (!read.ok) {
    const { code, message, hint } = read.failure;
    return wrong([from.at(null, { severity: "error", code, message, ...(hint === undefined ? {} : { hint }) })]);
  }
  return complete(adapter, declared.config.warehouse.settings, read.value as Record<string, unknown>, from, declared);
}

/** What is written in the config counts before what was found. */
function complete(
  adapter: WarehouseAdapter,
  written: Readonly<Record<string, unknown>>,
  found: Readonly<Record<string, unknown>>,
  from: Found | null,
  declared: Declared,
): Outcome {
  const all = { ...found, ...written };
  // Of what was found elsewhere no secret must stand in a message.
  const told = Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, isSecretField(name) ? "…" : value]),
  );
  const parsed = check(adapter.settings, all, ["warehouse"], { value: { warehouse: told }, text: () => null });
  if ("problems" in parsed) return wrong(parsed.problems.flatMap((one) => placed(one, written, from, declared)));
  const named = Object.entries(all).flatMap(([name, value]) =>
    isSecretField(name) && typeof value === "string" ? [value] : [],
  );
  const known = [
    ...(adapter.secrets?.(parsed.value, declared.config.baseDir) ?? []),
    ...named,
    ...(from?.secrets ?? []),
  ];
  const secrets = [...new Set(known)].filter((secret) => secret !== "");
  return {
    adapter,
    settings: parsed.value,
    shown: withoutSecrets(parsed.value, new Set(secrets)) as Record<string, unknown>,
    source: from?.source ?? basename(declared.config.file),
    secrets,
    warnings: from?.warnings ?? [],
    files: from?.files ?? [],
    variables: from?.variables ?? new Map(),
  };
}

/** At the field where it stands; what stands nowhere is told of the place that should have it. */
function placed(
  one: Problem,
  written: Readonly<Record<string, unknown>>,
  from: Found | null,
  { locate }: Declared,
): readonly Diagnostic[] {
  const field = typeof one.path[1] === "string" ? one.path[1] : null;
  if (from === null || (field !== null && Object.hasOwn(written, field))) return locate([one]);
  const message = one.finding.message.replace(/^warehouse\./, "").replace(/ in warehouse$/, " for the warehouse");
  return [from.at(field, { ...one.finding, message })];
}

function missing(
  explicit: WarehouseAdapter | undefined,
  { config, locate }: Declared,
  { why, hint }: { readonly why: string; readonly hint: string },
): RefusedCredentials {
  if (explicit === undefined) {
    const message = `the config has no \`warehouse\`, and ${why}`;
    return { diagnostics: [], failure: { code: "profile-missing", message, hint } };
  }
  const written = { value: { warehouse: config.warehouse.settings }, text: () => null };
  const checked = check(explicit.settings, config.warehouse.settings, ["warehouse"], written);
  const problems = "problems" in checked ? checked.problems : [];
  return wrong(
    locate(problems).map((one) => (one.code === "missing-key" ? { ...one, hint: `${why}. ${sentence(hint)}` } : one)),
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function wrong(diagnostics: readonly Diagnostic[]): RefusedCredentials {
  return { diagnostics, failure: null };
}

/** What vendors' drivers take from the environment by themselves, such as PGPASSWORD. A path of a key's file is no secret. */
function ofDrivers(env: Surroundings["env"]): readonly string[] {
  const theirs = Object.entries(env).filter(([name]) => /^(PG|SNOWFLAKE_|DBT_ENV_SECRET|MOTHERDUCK_)/i.test(name));
  return secretValues(Object.fromEntries(theirs.filter(([name]) => !/_(path|file|dir)$/i.test(name))));
}

function withoutSecrets(value: unknown, secrets: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, secrets));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => typeof item !== "string" || !secrets.has(item));
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutSecrets(item, secrets)]));
}
