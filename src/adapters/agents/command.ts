/**
 * An agent that is any program: the prompt on its stdin, findings as JSON on its stdout (docs/agents.md is its contract).
 * Trusts nothing of it: not its exit code, its output, its size or its end.
 */
import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { AgentAdapter, AgentContext, InvestigationRequest, Investigator, ToolServer } from "../../model/agent.js";
import { Duration, milliseconds } from "../../model/config.js";
import { digestOf } from "../../model/digest.js";
import { failed, ok, type Result } from "../../model/result.js";
import { capturedText, type ProcessEnd, runProcess } from "../../support/process.js";
import { findProgram } from "../../support/program.js";
import { createRedactor, secretValues } from "../../support/redact.js";
import { capped, submitAnswer } from "./submit-answer.js";

const settings = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      "A program and its arguments, run without a shell in the dbt repository's checkout. What starts with ./ or ../ is taken from the config's folder, if it is there.",
    ),
  timeout: Duration.optional().describe("Default: `timeouts.task` alone."),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable"), z.string())
    .default({})
    .describe("More variables. Of ours it gets PATH, HOME, LANG, LC_*, TERM and TMPDIR only."),
  maxOutput: z
    .int()
    .min(1_000)
    .max(500_000_000)
    .default(10_000_000)
    .describe("Bytes on stdout and stderr together, beyond which it is ended."),
  slot: z.boolean().default(true).describe("false: it reads the repositories where they are, and leases no slot."),
  model: z.string().min(1).optional().describe("Recorded with its findings; a part of their fingerprint."),
});
type Settings = z.infer<typeof settings>;

export const command: AgentAdapter<Settings> = {
  id: "command",
  settings,
  create: async (options, context) => ok(investigator(options, context)),
};

function investigator(options: Settings, context: AgentContext): Investigator {
  // A secret written into the config, which no `${NAME}` brought, is known by its name alone.
  const secrets = secretValues(options.env);
  const redactNamed = createRedactor(secrets, { shapes: "tokens" });
  return {
    id: "command",
    needsSlot: options.slot,
    readsPrompt: true,
    parts: { command: digestOf(options.command), ...(options.model === undefined ? {} : { model: options.model }) },
    model: options.model ?? null,
    secrets,
    check: () => check(options, context),
    async investigate(request) {
      const cwd = request.checkouts.dbt;
      if (cwd === undefined) throw new Error("BUG: a request without a checkout of dbt");
      const tools = await toolsFor(request);
      const hidden = createRedactor(tools === null ? [] : [tools.token], { shapes: "tokens" });
      const redact = (text: string): string => context.redact(redactNamed(hidden(text)));
      // A name of its own for each question: the log of an earlier one stays.
      const suffix = request.round === 0 ? "" : `-${request.round + 1}`;
      const ended = await runProcess({
        command: options.command.map((part) => fromConfig(part, context.baseDir)),
        purpose: `investigate:${request.task.id}`,
        cwd,
        env: environment(options, context, request, tools),
        input: request.prompt,
        stdoutFile: join(request.logDir, `answer${suffix}.txt`),
        stderrFile: join(request.logDir, `agent${suffix}.log`),
        redact,
        onErrorLine: (line) => request.onActivity({ type: "says", text: redact(line) }),
        keep: { head: options.maxOutput, tail: 0 },
        maxOutputBytes: options.maxOutput,
        grace: 2_000,
        ...(options.timeout === undefined ? {} : { timeout: milliseconds(options.timeout) }),
        signal: request.signal,
      });
      await tools?.close();
      if (!ended.ok) return notStarted(ended.failure, options);
      return conclude(ended.value, options, request, redact);
    },
    close: async () => {},
  };
}

async function check({ command: [program = ""] }: Settings, { baseDir, env }: AgentContext): Promise<Result<string>> {
  const path = fromConfig(program, baseDir);
  const found = await findProgram(path, { cwd: baseDir, env });
  if (!found.ok) return found;
  if (found.value !== null) return ok(`the program ${found.value} is there; how it logs in is its own affair`);
  const hint = "Install it, or give its path: `agent.command` starts with it.";
  return failed("agent-not-found", `the agent's program "${program}" was not found`, { hint });
}

/** A program may do without: where they cannot be served it is told so by their absence, and the person by a message. */
async function toolsFor(request: InvestigationRequest): Promise<ToolServer | null> {
  const served = (await request.tools?.()) ?? null;
  if (served === null || served.ok) return served?.value ?? null;
  request.progress(`it has no tools: ${served.failure.message}`);
  return null;
}

/** What it printed counts before how it ended: a finished finding is never lost. */
async function conclude(
  end: ProcessEnd,
  options: Settings,
  request: InvestigationRequest,
  redact: (text: string) => string,
): Promise<Result<void>> {
  const program = JSON.stringify(options.command[0]);
  if (end.reason === "aborted" && !isTimeout(request.signal)) return failed("aborted", `${program} was ended`);
  if (end.reason === "output-too-large") {
    return failed("agent-output-too-large", `${program} printed more than ${options.maxOutput} bytes and was ended`, {
      hint: "Logs belong into a file; `agent.maxOutput` is the limit.",
    });
  }
  const cleanExit = end.reason === "exited" && end.exitCode === 0;
  await submitPrinted(end, cleanExit, request, redact);
  if (cleanExit) return ok(undefined);
  const detail = redact(capturedText(end.stderr).trim()).slice(-2_000);
  if (end.reason !== "exited") {
    const seconds = Math.round(end.duration / 1000);
    return failed("agent-timeout", `${program} did not end within its time (${seconds} s) and was ended`, {
      detail,
      hint: "`agent.timeout` and `timeouts.task` are its limits.",
    });
  }
  const how = end.signal === null ? `exited with ${end.exitCode}` : `was ended by ${end.signal}`;
  return failed("agent-failed", `${program} ${how}`, { detail, hint: "Its log is in the run's folder: agent.log." });
}

/** An answer that cannot be read is told only where the program ended well; otherwise its end is the news. */
async function submitPrinted(
  { stdout: { head: stdout }, duration }: ProcessEnd,
  isComplete: boolean,
  request: InvestigationRequest,
  redact: (text: string) => string,
): Promise<void> {
  const answer = stdout.toString("utf8");
  if (isUtf8(stdout)) {
    await submitAnswer({ answer, duration, isComplete }, request, redact);
    return;
  }
  const message = "the answer is not UTF-8, so its text cannot be told for certain";
  if (isComplete) request.reject(capped(redact(answer)), { case: null, code: "schema", message });
}

function notStarted(failure: { code: string; message: string; hint?: string }, options: Settings): Result<never> {
  if (failure.code === "disk") return { ok: false, failure: { ...failure, code: "disk" } };
  const code = failure.code === "command-not-found" ? "agent-not-found" : "agent-failed";
  const hint = failure.hint ?? `\`agent.command\` starts with ${JSON.stringify(options.command[0])}.`;
  return failed(code, failure.message, { hint });
}

/**
 * An allow-list: warehouse credentials, CI tokens and the like must not reach a program that reads hostile rows.
 * AUDIT_REPO_<NAME> says where each repository's checkout is.
 */
function environment(
  options: Settings,
  context: AgentContext,
  request: InvestigationRequest,
  tools: ToolServer | null,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(context.env)) {
    if (value !== undefined && /^(PATH|HOME|LANG|LC_[A-Z]+|TERM|TMPDIR)$/.test(name)) env[name] = value;
  }
  Object.assign(env, options.env);
  for (const [name, path] of Object.entries(request.checkouts)) {
    env[`AUDIT_REPO_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`] = path;
  }
  env.AUDIT_TASK = request.task.id;
  env.AUDIT_ROUND = String(request.round);
  if (request.evidenceDir !== null) env.AUDIT_EVIDENCE_DIR = request.evidenceDir;
  if (tools !== null) {
    env.AUDIT_MCP_URL = tools.url;
    env.AUDIT_MCP_TOKEN = tools.token;
  }
  return env;
}

/** The program runs in a slot, where a path relative to the config would lead nowhere. */
function fromConfig(part: string, baseDir: string): string {
  if (!/^\.\.?\//.test(part)) return part;
  const path = resolve(baseDir, part);
  return existsSync(path) ? path : part;
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof Error && signal.reason.name === "TimeoutError";
}
