/**
 * What the nodes of one run share: the open doors (warehouse, traces, slots, agent) and what has been found so far.
 * Knows no adapter by name; audit.ts opens the doors.
 */

import type { Investigator } from "../model/agent.js";
import type { Export } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { AuditEvent } from "../model/events.js";
import type { AcceptedException, Finding, Objection } from "../model/finding.js";
import type { Project, RunResults } from "../model/project.js";
import type { Failure, Result } from "../model/result.js";
import type { Runner } from "../model/runner.js";
import type { SlotPool } from "../model/slot.js";
import type { Ledger } from "../model/spending.js";
import type { TraceStore } from "../model/trace-store.js";
import type { Warehouse } from "../model/warehouse.js";
import type { AgentTools } from "./agent-tools.js";

export interface Artifacts {
  /** Null where there is no manifest (a summary table alone). */
  readonly project: Project | null;
  readonly runResults: RunResults | null;
}

/** The config's runner, which shows what it is told to. */
export interface Views extends Pick<Runner, "check" | "close"> {
  /** Resolves to the session's name, null where this runner has none. */
  open(task: string): Promise<Result<string | null>>;
}

export interface Session {
  readonly config: Config;
  readonly run: { readonly id: string; readonly folder: string; readonly startedAt: Date };
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly emit: (event: AuditEvent) => void;
  /** For any text of the outside that is shown or kept. */
  readonly redact: (text: string) => string;
  /** For what must else stay as it is, such as SQL: takes out the values of the config's variables, the agent's login and the tools' tokens, and no shapes. */
  readonly redactValues: (text: string) => string;
  readonly traces: TraceStore;
  readonly agent: Investigator;
  readonly slots: SlotPool;
  /** Where a person can watch agents at work. */
  readonly views: Views;
  /** What an agent may ask by MCP; nothing is started before one does. */
  readonly tools: AgentTools;
  readonly ledger: Ledger;
  /** Opened when first asked for, after `summary`: a copy of the database as the tests left it. */
  readonly warehouse: () => Promise<Result<Warehouse>>;
  /** Read when first asked for, after `summary`. */
  readonly artifacts: () => Promise<Result<Artifacts>>;
  /** The prompt's template, and where it came from for messages. */
  readonly template: { readonly text: string; readonly file: string };
  readonly exceptions: readonly AcceptedException[];
  readonly progress: Progress;
}

/** Filled in as the nodes end; collect makes the report of it. */
export interface Progress {
  export: Export | null;
  /** Which data the warehouse holds: the summary's output. Null until `summary` has ended. */
  data: string | null;
  /** By case id. */
  readonly findings: Map<string, { readonly finding: Finding; readonly reused: boolean }>;
  /** By case id: answers that were not admitted after all re-asks. */
  readonly rejected: Map<string, { readonly objections: readonly Objection[]; readonly answer: string }>;
  /** By case id: why there is no finding. */
  readonly missing: Map<string, string>;
  readonly failures: { readonly node: string; readonly failure: Failure }[];
}

export function newProgress(): Progress {
  return { export: null, data: null, findings: new Map(), rejected: new Map(), missing: new Map(), failures: [] };
}
