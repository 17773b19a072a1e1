/**
 * An agent that is a coding agent's command line: looks whether it is there, runs it for each question, and again where
 * what went wrong may pass. Knows no vendor: `Cli` is its contract with one.
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  AgentActivity,
  AgentAdapter,
  AgentContext,
  InvestigationRequest,
  Investigator,
} from "../../../model/agent.js";
import { failed, ok, type Result } from "../../../model/result.js";
import { createRedactor, secretValues } from "../../../support/redact.js";
import { attempt } from "./attempt.js";
import type { Cli } from "./contract.js";
import { environment } from "./environment.js";
import { failedWith, mayPass } from "./outcome.js";
import { type Probed, probe } from "./probe.js";
import type { Conversation } from "./question.js";
import { type CliSettings, type Variant, variants } from "./settings.js";

/** What is kept of a task between its questions. */
interface Kept {
  conversation: Conversation | null;
  /** US dollars. */
  paid: number;
}

export function cliAgent<Settings extends CliSettings>(cli: Cli<Settings>): AgentAdapter<Settings> {
  return {
    id: cli.id,
    settings: cli.settings,
    create: async (settings, context) => ok(investigator(cli, settings, context)),
  };
}

function investigator<Settings extends CliSettings>(
  cli: Cli<Settings>,
  settings: Settings,
  context: AgentContext,
): Investigator {
  const env = environment(context.env, cli.variables(context.env, settings), settings.env);
  const named = settings.program ?? cli.program;
  const program = /^\.\.?\//.test(named) ? resolve(context.baseDir, named) : named;
  // Its login is the one secret in its reach: whatever it prints of it goes into no file.
  const secrets = secretValues(env);
  const own = createRedactor(secrets, { shapes: "tokens" });
  const redact = (text: string): string => context.redact(own(text));
  const variantOf = variants(settings);
  const tasks = new Map<string, Kept>();
  const keptOf = (request: InvestigationRequest, variant: Variant): Kept => {
    const key = `${request.logDir} ${variant.key}`;
    const known = request.round === 0 ? undefined : tasks.get(key);
    const kept = known ?? { conversation: null, paid: 0 };
    tasks.set(key, kept);
    return kept;
  };

  let probing: Promise<Result<Probed>> | null = null;
  /** Once for all tasks; after a refusal the next who asks looks again, since a person may have mended it. */
  const ready = (): Promise<Result<Probed>> => {
    probing ??= probe(cli, program, env, settings).then((probed) => {
      if (!probed.ok) probing = null;
      return probed;
    });
    return probing;
  };

  const investigate = async (request: InvestigationRequest): Promise<Result<void>> => {
    const probed = await ready();
    if (!probed.ok) return probed;
    const variant = variantOf(request.cases[0]?.test ?? { name: "" });
    const kept = keptOf(request, variant);
    const onActivity = (activity: AgentActivity): void => {
      if (activity.type === "spent") kept.paid += activity.usage.cost ?? 0;
      request.onActivity(activity);
    };
    const { version } = probed.value;
    const own = { cli, settings, variant, request: { ...request, onActivity }, program, env, redact, version };
    for (let number = 1; ; number += 1) {
      const ended = await attempt({ ...own, ...kept, variant: within(variant, kept.paid, request), number });
      if (!ended.ok) return ended;
      const { outcome, message, detail, failure, conversation } = ended.value;
      request.onActivity({ type: "ended", outcome, message });
      const isWell = outcome === "ok" || outcome === "invalid-answer";
      // One that broke may be broken for good: the next attempt begins a new conversation, with the whole prompt.
      kept.conversation = isWell ? (conversation ?? kept.conversation) : null;
      if (isWell || request.unanswered().length === 0) return ok(undefined);
      if (failure !== undefined) return { ok: false, failure };
      const wait = mayPass[outcome];
      if (wait === undefined || number >= settings.attempts) {
        return failedWith(outcome, message, { detail, ...(outcome === "auth" ? { hint: cli.signIn } : {}) });
      }
      request.progress(`${message}; it is started again${wait > 0 ? ` in ${wait / 1000} s` : ""}`);
      await sleep(wait, undefined, { signal: request.signal }).catch(() => undefined);
      if (request.signal.aborted) return failed("aborted", `${cli.id} was ended`);
    }
  };

  const check = async (): Promise<Result<string>> => {
    const probed = await ready();
    if (!probed.ok) return probed;
    const { version, loggedIn } = probed.value;
    return ok(
      `${cli.id} ${version}, ${loggedIn ? "and somebody is logged in" : "which does not tell whether somebody is logged in"}`,
    );
  };

  return {
    id: cli.id,
    check,
    needsSlot: settings.slot,
    isolation: "restricted",
    readsPrompt: true,
    parts: cli.parts(settings),
    model: settings.model ?? null,
    variantOf,
    secrets,
    investigate,
    charges: cli.charges?.(settings) ?? "told",
    close: async () => tasks.clear(),
  };
}

/** A conversation may cost what its task has left, where that is less than its own budget. */
function within(variant: Variant, paid: number, { budget }: InvestigationRequest): Variant {
  const left = budget?.() ?? null;
  return left === null ? variant : { ...variant, budget: Math.min(paid + left, variant.budget ?? Infinity) };
}
