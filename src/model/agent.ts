/**
 * The contract of an agent: it is given a task and hands in drafts, one case at a time.
 * Knows nothing of how a draft is admitted or stored.
 */
import type { z } from "zod";
import type { Case } from "./case.js";
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

export interface InvestigationRequest {
  readonly task: Task;
  /** Cases of the task without a finding; the only ones to answer. */
  readonly cases: readonly Case[];
  /** The rendered prompt. */
  readonly prompt: string;
  /** 0 for the first question; 1 and 2 for re-asks, with what was wrong with the last answer. */
  readonly round: number;
  readonly objections: readonly Objection[];
  /** Absolute folder with the evidence pack (also named in the prompt). */
  readonly evidenceDir: string;
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
  /** Hands in one draft; resolves when it is durable or sent back. */
  readonly submit: (draft: FindingDraft) => Promise<Admission>;
  /** Hands in text that is no draft at all; its objections come back, and the text is kept. */
  readonly reject: (text: string, objection: Objection) => void;
  readonly progress: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface Investigator {
  /** `lineage`, `command`. */
  readonly id: string;
  /** Only these agents lease a slot. */
  readonly needsSlot: boolean;
  /** Whether the rendered prompt reaches it: only then the template and the knowledge are parts of a fingerprint. */
  readonly readsPrompt: boolean;
  /** What else decides its answer: model, argv, algorithm version. Parts of the fingerprint. */
  readonly parts: Readonly<Record<string, string>>;
  readonly model: string | null;
  /** Resolves when the agent has ended. A failure is the agent's (died, timeout); an unanswered case is no failure here. */
  investigate(request: InvestigationRequest): Promise<Result<void>>;
  close(): Promise<void>;
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
