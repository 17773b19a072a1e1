/**
 * The contract of an agent: it is given a task and hands in drafts, one case at a time.
 * Knows nothing of how a draft is admitted or stored.
 */
import type { z } from "zod";
import type { Case, TestRef } from "./case.js";
import type { CategoryConfig, SourceRepoConfig } from "./config.js";
import type { FindingDraft, Objection } from "./finding.js";
import type { Project } from "./project.js";
import type { Result } from "./result.js";
import type { Task } from "./task.js";
import type { Dialect, Query, Warehouse } from "./warehouse.js";

/** What the answer to one draft is: admitted and durable, or sent back. */
export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly objections: readonly Objection[] };

/**
 * Tools of audit-run for one task, over MCP (streamable HTTP on loopback). Towards the agent's program the server is named
 * `audit`: get_task, get_failing_rows, get_test_sql, get_model_sql, get_lineage, describe_relation, run_sql,
 * list_known_exceptions, submit_finding (durable at once).
 */
export interface ToolServer {
  /** `http://127.0.0.1:PORT/…`. */
  readonly url: string;
  /** Bearer token of this task; worth nothing once the server is closed. */
  readonly token: string;
  /** Whether a client has come by now; asked for programs that say nothing of a server that they could not reach. */
  readonly wasReached?: () => boolean;
  /** Ends what runs, and frees the port. */
  close(): Promise<void>;
}

/** What an agent has spent since the last report of this kind: add them up. */
export interface Usage {
  /** Tokens that were read anew; `cached` ones are not among them. */
  readonly input: number;
  readonly output: number;
  readonly cached: number;
  /** US dollars as the agent's program states them; null where it does not. */
  readonly cost: number | null;
  readonly turns: number;
  /** Nobody told: `input` is what was sent, of a conversation that was ended before it told anything. */
  readonly estimated?: true;
}

/** What is seen of an agent at work. Never decides anything: admission and the outcome do. */
export type AgentActivity =
  /** `model` and `version` (`claude 2.1.330`) as the program itself says. `conversation` continues it. */
  | {
      readonly type: "started";
      readonly model: string | null;
      readonly version: string;
      readonly conversation: string | null;
    }
  | { readonly type: "says"; readonly text: string }
  | { readonly type: "uses"; readonly tool: string; readonly detail: string }
  | { readonly type: "spent"; readonly usage: Usage }
  /** The model's service refused for now, and the program waits. */
  | { readonly type: "waits"; readonly why: string }
  /** One run of its program is over; another may follow, since what may pass is tried again. */
  | { readonly type: "ended"; readonly outcome: AgentOutcome; readonly message: string };

/** How one run of an agent's program ended. Neither its exit code nor its own word for it decides alone. */
export type AgentOutcome =
  | "ok"
  /** It ended well, and nothing that it handed in was admitted. */
  | "invalid-answer"
  | "auth"
  | "rate-limited"
  | "overloaded"
  | "budget"
  | "turns"
  | "timeout"
  /** It said nothing for too long. */
  | "stalled"
  /** A signal that was not ours ended it. */
  | "killed"
  | "tools-unavailable"
  | "agent-error";

/** How many queries lineage walks may still send. */
export interface WalkBudget {
  /** Null: no limit. */
  readonly max: number | null;
  /** False where none is left; else there is one less. */
  take(): boolean;
}

export interface InvestigationRequest {
  readonly task: Task;
  /** Cases of the task without a finding; the only ones to answer. */
  readonly cases: readonly Case[];
  /** The rendered prompt. */
  readonly prompt: string;
  /** For a re-ask in the same conversation: only what was wrong and what remains. Null for the first question. */
  readonly followUp: string | null;
  /** 0 for the first question; 1 and 2 for re-asks, with what was wrong with the last answer. */
  readonly round: number;
  readonly objections: readonly Objection[];
  /** Absolute folder with the evidence pack (also named in the prompt); null where the config wants none. */
  readonly evidenceDir: string | null;
  /** Absolute folder for the agent's logs. */
  readonly logDir: string;
  /** Checkout of each repository by name; the slot's, where a slot is leased. `dbt` is always there. */
  readonly checkouts: Readonly<Record<string, string>>;
  /** The dbt project's folder inside `checkouts.dbt`, which the project's `file` paths are relative to. Default: its root. */
  readonly dbtDir: string;
  readonly categories: readonly CategoryConfig[];
  readonly sourceRepos: readonly SourceRepoConfig[];
  readonly project: Project | null;
  readonly dialect: Dialect;
  /** Gated, capped, recorded. */
  readonly query: Query;
  /** Columns of relations by `relationKey`; memoised for the audit. */
  readonly describe: Warehouse["describe"];
  /**
   * Hands in one draft; resolves when it is durable or sent back.
   * @param took milliseconds of work on it, where the drafts of an answer come all at once; default: since the last one.
   */
  readonly submit: (draft: FindingDraft, took?: number) => Promise<Admission>;
  /** Hands in text that is no draft at all; its objections come back, and the text is kept. */
  readonly reject: (text: string, objection: Objection) => void;
  /** Those of `cases` that have no admitted finding by now, by whichever way one came in. */
  readonly unanswered: () => readonly Case[];
  readonly progress: (message: string) => void;
  /** Of the run, for whoever walks; absent: no limit. */
  readonly walkBudget?: WalkBudget;
  /** US dollars that this task may still spend; null or absent: no limit. */
  readonly budget?: () => number | null;
  /** Called as it happens, with text that is redacted and capped by the adapter. */
  readonly onActivity: (activity: AgentActivity) => void;
  /** Serves the tools for this task; the agent closes them. Null: there are none, and the answer alone counts. */
  readonly tools: (() => Promise<Result<ToolServer>>) | null;
  readonly signal: AbortSignal;
}

export interface Investigator {
  /** `lineage`, `command`. */
  readonly id: string;
  /** Only these agents lease a slot. */
  readonly needsSlot: boolean;
  /** It costs nothing but time. Otherwise its cost is what it tells as `spent`, and not known where it tells nothing. */
  readonly isFree?: boolean;
  /** What its program adds to a checkout of its own; default: nothing. */
  readonly isolation?: "restricted" | "built-in";
  /** Whether the rendered prompt reaches it: only then the template and the knowledge are parts of a fingerprint. */
  readonly readsPrompt: boolean;
  /** What else decides its answer: model, argv, algorithm version. Parts of the fingerprint. */
  readonly parts: Readonly<Record<string, string>>;
  /** Null: the program's own default. */
  readonly model: string | null;
  /** How it treats a test, where it does not treat all alike. One request holds cases of one variant only. */
  readonly variantOf?: (test: TestRef) => AgentVariant;
  /** Its answers cost money, so that a run needs a budget. `untold`: it tells tokens, and no dollars. Default: nobody knows. */
  readonly charges?: "told" | "untold";
  /** Values that it hands to its program and that nobody may read: its login. They are masked in all that is kept. */
  readonly secrets?: readonly string[];
  /**
   * Whether it could be asked now: its program, that one's version, its login. Resolves to what was found, in words. It may
   * ask its own service whether somebody is logged in, and costs nothing. Default: it needs nothing.
   */
  check?(): Promise<Result<string>>;
  /** Resolves when the agent has ended. A failure is the agent's (died, timeout); an unanswered case is no failure here. */
  investigate(request: InvestigationRequest): Promise<Result<void>>;
  close(): Promise<void>;
}

/** A way to investigate: its model is a part of the fingerprint of each case that it is asked for. */
export interface AgentVariant {
  /** Equal for tests that are treated alike; short, and safe as a part of a file's name. Empty: the agent's settings as they are. */
  readonly key: string;
  readonly model: string | null;
}

export interface AgentContext {
  readonly baseDir: string;
  /** Environment of this process, from which the adapter takes what it allows. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes the values of the variables that the config refers to, and what looks like a secret, out of any text. */
  readonly redact: (text: string) => string;
}

/** One file in adapters/agents, one line in its index. */
export interface AgentAdapter<Settings = unknown> {
  readonly id: string;
  readonly settings: z.ZodType<Settings>;
  create(settings: Settings, context: AgentContext): Promise<Result<Investigator>>;
}
