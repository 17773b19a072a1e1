/**
 * One run of an agent's program for one question: starts it with its tools, watches it, ends it, and hands in its answer.
 * Knows no vendor. The outcome is decided here: a limit of ours first, then what the vendor's file makes of its end, then
 * whether anything was admitted.
 */
import type { AgentOutcome, ToolServer } from "../../../model/agent.js";
import { milliseconds } from "../../../model/config.js";
import { type Failure, failed, ok, type Result } from "../../../model/result.js";
import { estimatedTokens } from "../../../model/tokens.js";
import { capturedText, type ProcessEnd, runProcess } from "../../../support/process.js";
import { createRedactor } from "../../../support/redact.js";
import { capped, submitAnswer } from "../submit-answer.js";
import { type Finish, tokenVariable } from "./contract.js";
import { type Attempt, type Conversation, fileNames, questionOf } from "./question.js";
import type { CliSettings } from "./settings.js";
import { withTemporaryFolder } from "./temporary.js";
import { noUsage, type Watched, watch } from "./watch.js";

export interface Attempted {
  readonly outcome: AgentOutcome;
  readonly message: string;
  readonly detail: string;
  /** What a later question may go on with. */
  readonly conversation: Conversation | null;
  /** Told instead of what the outcome would tell. */
  readonly failure?: Failure;
}

/** Failure codes: aborted, disk, agent-not-found, and those of the tools' server. */
export async function attempt<Settings extends CliSettings>(own: Attempt<Settings>): Promise<Result<Attempted>> {
  const { request, variant, paid } = own;
  if (variant.budget !== null && paid >= variant.budget) return ok(overdrawn(own));
  const tools = request.tools === null ? null : await request.tools();
  if (tools !== null && !tools.ok) return tools;
  try {
    const redact = redactorOf(own, tools?.value ?? null);
    return await withTemporaryFolder(own.env, (env) => run({ ...own, env, redact }, tools?.value ?? null));
  } finally {
    await tools?.value.close();
  }
}

/** For its files and for what is told of it alike: its token stands in neither. */
function redactorOf({ redact }: Pick<Attempt<CliSettings>, "redact">, tools: ToolServer | null) {
  const hidden = createRedactor(tools === null ? [] : [tools.token], { shapes: "tokens" });
  return (text: string): string => redact(hidden(text));
}

type Stop = { readonly outcome: AgentOutcome; readonly message: string };

async function run<Settings extends CliSettings>(
  own: Attempt<Settings>,
  tools: ToolServer | null,
): Promise<Result<Attempted>> {
  const { cli, settings, variant, request } = own;
  const files = fileNames(own);
  const question = await questionOf(own, tools, files.folder);
  const invocation = cli.build(question, settings, own.env);
  const halt = new AbortController();
  let stopped: Stop | null = null;
  const stop = (outcome: AgentOutcome, message: string): void => {
    stopped ??= { outcome, message };
    halt.abort();
  };
  const { maxTurns, budget } = variant;
  const watched = watch({
    cli,
    version: own.version,
    parse: cli.parser(settings),
    ...(cli.parseErrors === undefined ? {} : { parseErrors: cli.parseErrors }),
    redact: own.redact,
    before: own.conversation?.total ?? noUsage,
    paid: own.paid,
    needsTools: tools !== null,
    sent: estimatedTokens(`${question.instructions ?? ""}${question.prompt}`),
    maxTurns,
    budget,
    onActivity: request.onActivity,
    stop,
  });
  const idle = milliseconds(settings.idleTimeout);
  const silence = setTimeout(() => {
    const { outcome, message } = watched.refused ?? { outcome: "stalled", message: `${cli.id} said nothing` };
    stop(outcome, `${message} for ${idle / 1000} s and was ended`);
  }, idle);
  const ended = await runProcess({
    command: [own.program, ...invocation.args],
    purpose: `investigate:${request.task.id}`,
    cwd: question.cwd,
    env: { ...own.env, ...invocation.env, ...(tools === null ? {} : { [tokenVariable]: tools.token }) },
    input: invocation.stdin,
    stdoutFile: files.stdout,
    stderrFile: files.stderr,
    redact: own.redact,
    maxOutputBytes: settings.maxOutput,
    grace: 2_000,
    signal: AbortSignal.any([request.signal, halt.signal]),
    ...(settings.timeout === undefined ? {} : { timeout: milliseconds(settings.timeout) }),
    onLine: (line) => {
      silence.refresh();
      watched.line(line);
    },
    onErrorLine: (line) => watched.errorLine(line),
  });
  clearTimeout(silence);
  watched.end(ended.ok && wasKilled(ended.value));
  if (!ended.ok) return notStarted(ended.failure, cli.install);
  if (request.signal.aborted && !isTimeout(request.signal)) return failed("aborted", `${cli.id} was ended`);
  return ok(await conclude(own, ended.value, watched, { stopped, tools }));
}

/** By us or by others; some programs turn the signal into an exit code. */
function wasKilled({ reason, signal, exitCode }: ProcessEnd): boolean {
  return reason !== "exited" || signal !== null || (exitCode ?? 0) > 128;
}

async function conclude<Settings extends CliSettings>(
  own: Attempt<Settings>,
  end: ProcessEnd,
  watched: Watched,
  { stopped, tools }: { readonly stopped: Stop | null; readonly tools: ToolServer | null },
): Promise<Attempted> {
  const { cli, request, redact } = own;
  const finish = decide(own, end, watched, { stopped, tools });
  const id = watched.told.started?.conversation ?? null;
  const conversation = id === null ? null : { id, total: watched.total };
  const detail = redact(
    [...watched.told.errors.map(({ message }) => message), capturedText(end.stderr).trim()].join("\n").trim(),
  ).slice(-2_000);
  const message = capped(redact(finish.message), 500);
  const { outcome, answer } = finish;
  const failure = end.reason === "output-too-large" ? { failure: tooLarge(own) } : {};
  if (outcome === "ok" || (typeof answer === "object" && answer !== null && outcome !== "tools-unavailable")) {
    const admitted = await submitAnswer({ answer, duration: end.duration }, request, redact);
    if (outcome === "ok" && !admitted)
      return {
        outcome: "invalid-answer",
        message: `${cli.id} handed in nothing that was admitted`,
        detail,
        conversation,
      };
  }
  return { outcome, message, detail, conversation, ...failure };
}

function decide<Settings extends CliSettings>(
  { cli, request, settings, variant }: Attempt<Settings>,
  end: ProcessEnd,
  watched: Watched,
  { stopped, tools }: { readonly stopped: Stop | null; readonly tools: ToolServer | null },
): Finish {
  const { answer } = watched.told.result ?? {};
  if (end.reason === "output-too-large") {
    return { outcome: "agent-error", message: `${cli.id} printed more than ${settings.maxOutput} bytes and was ended` };
  }
  if (stopped !== null) return { ...stopped, answer };
  if (end.reason === "timeout" || isTimeout(request.signal)) {
    const seconds = Math.round(end.duration / 1000);
    return {
      outcome: "timeout",
      message: `${cli.id} did not end within its time (${seconds} s) and was ended`,
      answer,
    };
  }
  const finish = cli.finish(end, watched.told);
  if (finish.outcome === "budget")
    return { ...finish, message: `${cli.id} has used up its budget of $${variant.budget}` };
  if (finish.outcome === "turns") return { ...finish, message: `${cli.id} took more than ${variant.maxTurns} turns` };
  const missed = (cli.tellsServers && watched.toolsConnected !== true) || tools?.wasReached?.() === false;
  if (finish.outcome === "ok" && tools !== null && missed) {
    return { outcome: "tools-unavailable", message: `${cli.id} ran without the audit's tools` };
  }
  return finish;
}

/** Its last answer has cost what was left: nothing more is asked. */
function overdrawn<Settings extends CliSettings>({ cli, variant, conversation }: Attempt<Settings>): Attempted {
  const message = `${cli.id} has used up its budget of $${variant.budget}`;
  return { outcome: "budget", message, detail: "", conversation };
}

function tooLarge<Settings extends CliSettings>({ cli, settings }: Attempt<Settings>): Failure {
  return {
    code: "agent-output-too-large",
    message: `${cli.id} printed more than ${settings.maxOutput} bytes and was ended`,
    hint: "`agent.maxOutput` is the limit.",
  };
}

function notStarted(failure: Failure, install: string): Result<never> {
  if (failure.code === "command-not-found") return failed("agent-not-found", failure.message, { hint: install });
  if (failure.code === "disk") return { ok: false, failure };
  return failed("agent-failed", failure.message, { ...(failure.hint === undefined ? {} : { hint: failure.hint }) });
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof Error && signal.reason.name === "TimeoutError";
}
