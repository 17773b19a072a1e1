/**
 * `audit-run doctor`: looks at all that a run needs, at once, and says of each thing how it stands and what to do about it.
 * A check is a line in `checks`. Changes nothing. Outward goes only what the config names: the warehouse, and the agent's
 * program where it is asked whether somebody is logged in.
 */
import { createRedactor, redactStrings, rememberSecrets, secretValues } from "../support/redact.js";
import { findCredentials } from "./credentials.js";
import { type Check, diagnosed, type Room, type Told } from "./doctor/check.js";
import { profileCheck, warehouseCheck } from "./doctor/data.js";
import { configCheck, diskCheck, gitCheck, slotsCheck } from "./doctor/files.js";
import { agentCheck, dbtCheck, runnerCheck, summaryCheck } from "./doctor/programs.js";
import { exitCodes } from "./exit-codes.js";
import { type AuditRequest, loadSettings, type Registries } from "./load.js";

const checks: readonly Check[] = [
  configCheck,
  gitCheck,
  dbtCheck,
  summaryCheck,
  profileCheck,
  warehouseCheck,
  agentCheck,
  slotsCheck,
  runnerCheck,
  diskCheck,
];

export interface Diagnosis {
  readonly exitCode: number;
  readonly lines: readonly DiagnosisLine[];
  /** Some check did not end: what it has begun may still go on. */
  readonly late: boolean;
}

export interface DiagnosisLine extends Told {
  readonly check: string;
}

export async function examine(
  request: AuditRequest,
  registries: Registries,
  examined: readonly Check[] = checks,
): Promise<Diagnosis> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) {
    const { diagnostics, failure } = loaded;
    const lines = [
      ...diagnostics.map(diagnosed),
      ...(failure === null
        ? []
        : [{ level: "problem" as const, message: failure.message, hint: failure.hint ?? null }]),
    ];
    return { exitCode: loaded.exitCode, lines: lines.map((line) => ({ check: "config", ...line })), late: false };
  }
  const { env } = request;
  const credentials = await findCredentials(loaded, request, registries.warehouses);
  const values = [...loaded.secrets, ...("diagnostics" in credentials ? [] : credentials.secrets)];
  const { agent: chosen } = loaded.config;
  const adapter = registries.agents[chosen.use];
  if (adapter === undefined) throw new Error(`BUG: the config names agent ${chosen.use}, which is not registered`);
  const { baseDir } = loaded.config;
  const agent = await adapter.create(chosen.settings, { baseDir, env, redact: createRedactor(values) });
  const secrets = [...values, ...((agent.ok ? agent.value.secrets : null) ?? []), ...secretValues(env)];
  rememberSecrets(secrets);

  const room: Room = { request, registries, config: loaded.config, warnings: loaded.warnings, credentials, agent };
  const ended = await Promise.all(examined.map((check) => withinTime(check, room)));
  if (agent.ok) await agent.value.close();
  const lines = redactStrings(
    ended.flatMap(({ lines }) => lines),
    createRedactor(secrets),
    new Set(["check", "level"]),
  );
  const isFine = lines.every(({ level }) => level !== "problem");
  const wrongConfig = "diagnostics" in credentials;
  const exitCode = isFine ? exitCodes.complete : wrongConfig ? exitCodes.usage : exitCodes.preflight;
  return { exitCode, lines, late: ended.some(({ late }) => late) };
}

interface Looked {
  readonly lines: readonly DiagnosisLine[];
  readonly late: boolean;
}

async function withinTime(check: Check, room: Room): Promise<Looked> {
  const late = new AbortController();
  const signal = AbortSignal.any([room.request.signal, late.signal]);
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      late.abort();
      resolve(null);
    }, check.timeout);
    room.request.signal.addEventListener("abort", () => resolve(null), { once: true });
  });
  try {
    const found = await Promise.race([check.look(room, signal), tooLate]);
    if (found !== null) return { lines: found.map((line) => ({ check: check.id, ...line })), late: false };
    const message = room.request.signal.aborted ? "was not waited for" : `did not answer within ${limit(check)}`;
    return { lines: [{ check: check.id, level: "problem", message, hint: null }], late: true };
  } finally {
    clearTimeout(timer);
  }
}

function limit({ timeout }: Check): string {
  return timeout < 1000 ? `${timeout} ms` : `${Math.round(timeout / 1000)} s`;
}
