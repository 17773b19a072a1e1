/**
 * The contract of a runner: where a person can watch a task's agent. The agent itself is always run, limited and ended by
 * support/process.ts; what a runner shows is a view of the run's events, and nothing depends on it.
 */
import type { Result } from "./result.js";

export interface Viewer {
  /** The agent's name, `agent-va`: unlike all others of the run. */
  readonly name: string;
  /** Program and arguments that show what the agent does, and end with its task. */
  readonly command: readonly string[];
}

export interface Runner {
  readonly id: string;
  /** Whether it can work, for preflight. Failure codes: command-not-found, command-failed. */
  check(): Promise<Result<void>>;
  /** Opens a view of a task; also of one that has had a view. Resolves to its session's name, null where this runner has none. */
  open(viewer: Viewer): Promise<Result<string | null>>;
  /** Ends all views. More than once does no harm. */
  close(): Promise<Result<void>>;
}

export interface RunnerContext {
  /** Absolute. What outlives a killed run is recorded in it before it is started. */
  readonly auditDir: string;
  /** Absolute folder of the run. */
  readonly runDir: string;
  /** Environment of this process, from which the runner takes what it allows. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a person's terminal gets to a view. */
export interface Attachment {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One file in adapters/runners, one line in its index. */
export interface RunnerAdapter {
  readonly id: string;
  create(context: RunnerContext): Runner;
  /** Ends what a run that was killed has left; the caller holds the folder. Resolves to what it was, null where nothing was. */
  endLeftovers(auditDir: string, env: RunnerContext["env"]): Promise<Result<string | null>>;
  /** Null where there is no view of that name, or none any more. */
  attachment(auditDir: string, name: string, env: RunnerContext["env"]): Promise<Attachment | null>;
}
