/**
 * From an agent's outcome to a failure that a person reads, and which of them may pass when it is tried again.
 * Knows no program.
 */
import type { AgentOutcome } from "../../../model/agent.js";
import { type FailureCode, failed, type Result } from "../../../model/result.js";

/** What an outcome is when it ends the task. `ok` and `invalid-answer` do not: what is missing is asked again. */
const codes: Readonly<Record<Exclude<AgentOutcome, "ok" | "invalid-answer">, FailureCode>> = {
  auth: "agent-auth",
  "rate-limited": "agent-rate-limited",
  overloaded: "agent-overloaded",
  budget: "agent-budget",
  turns: "agent-turns",
  timeout: "agent-timeout",
  stalled: "agent-stalled",
  killed: "agent-killed",
  "tools-unavailable": "tools-unavailable",
  "agent-error": "agent-failed",
};

/**
 * Milliseconds before the next attempt; what is not here fails at once. Some would come out the same. Where the service
 * refuses, others would be refused, too: the audit has its tasks wait without a slot, and runs fewer at a time.
 */
export const mayPass: Readonly<Partial<Record<AgentOutcome, number>>> = {
  stalled: 0,
  killed: 0,
  "tools-unavailable": 0,
  "agent-error": 1_000,
};

const hints: Readonly<Partial<Record<AgentOutcome, string>>> = {
  "rate-limited":
    "What was finished is kept; `audit-run retry` runs the rest. Fewer agents at a time (`concurrency.agent`) help.",
  overloaded: "What was finished is kept; `audit-run retry` runs the rest.",
  budget:
    "`agent.budget` is the limit of one conversation (`agent.byTest` may give a test another), `budget.task` that of a task.",
  turns: "`agent.maxTurns` is the limit; `maxTestsPerTask` makes tasks smaller.",
  timeout: "`agent.timeout` and `timeouts.task` are its limits.",
  stalled: "`agent.idleTimeout` is how long it may say nothing.",
  "tools-unavailable":
    "Does a proxy or a firewall stand between the program and 127.0.0.1? NO_PROXY=127.0.0.1 may help.",
  "agent-error": "Its log is in the run's folder: agent.jsonl and agent.log.",
};

export function failedWith(
  outcome: Exclude<AgentOutcome, "ok" | "invalid-answer">,
  message: string,
  more: { readonly hint?: string; readonly detail?: string },
): Result<never> {
  const hint = more.hint ?? hints[outcome];
  return failed(codes[outcome], message, {
    ...(hint === undefined ? {} : { hint }),
    ...(more.detail === undefined || more.detail === "" ? {} : { detail: more.detail }),
  });
}

/** What a status of the model's service means; null where it means nothing of itself. */
export function outcomeOfStatus(status: number | null): AgentOutcome | null {
  if (status === null) return null;
  if (status === 401 || status === 403) return "auth";
  if (status === 429) return "rate-limited";
  if (status === 529 || status === 503) return "overloaded";
  return status >= 400 ? "agent-error" : null;
}
