/**
 * What every step may answer: a value, or a failure that the world caused.
 * Knows no kind of step; a bug is thrown as an exception and never comes this way.
 */

/** The closed list of what the world may refuse. The renderer of failures turns a code into prose and a hint. */
export type FailureCode =
  | "aborted"
  | "agent-auth"
  | "agent-budget"
  | "agent-failed"
  | "agent-killed"
  | "agent-not-found"
  | "agent-output-too-large"
  | "agent-overloaded"
  | "agent-rate-limited"
  | "agent-stalled"
  | "agent-timeout"
  | "agent-too-old"
  | "agent-turns"
  | "answer-invalid"
  | "artifacts-missing"
  | "artifacts-stale"
  | "artifacts-unreadable"
  | "claim-lost"
  | "column-missing"
  | "command-failed"
  | "command-not-found"
  | "command-timeout"
  | "dbt-failed"
  | "disk"
  | "dependency-failed"
  | "grant-missing"
  | "nothing-exported"
  | "profile-missing"
  | "profile-unsupported"
  | "query-refused"
  | "query-failed"
  | "query-timeout"
  | "relation-missing"
  | "slot-exists"
  | "slot-failed"
  | "state-locked"
  | "state-unreadable"
  | "stopped"
  | "template-invalid"
  | "tools-unavailable"
  | "usage"
  | "warehouse-auth"
  | "warehouse-unreachable";

/** A refusal of the world, as data. `message` names the thing; `hint` is the next step for the user. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint?: string;
  /** Raw material such as a tool's last lines of output; shown on request, redacted, capped by the maker. */
  readonly detail?: string;
}

export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure };

export function ok<Value>(value: Value): Result<Value> {
  return { ok: true, value };
}

export function failed(
  code: FailureCode,
  message: string,
  more: { hint?: string; detail?: string } = {},
): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { code, message, ...more } };
}
