/**
 * What the tools of one task are given: its cases, and doors that are gated already. Knows no protocol, no session and no
 * warehouse; whoever makes a context decides what may be seen through it.
 */
import type { Admission } from "../model/agent.js";
import type { Case } from "../model/case.js";
import type { CategoryConfig } from "../model/config.js";
import type { AcceptedException, FindingDraft, Objection } from "../model/finding.js";
import type { Project } from "../model/project.js";
import type { Failure, Result } from "../model/result.js";
import type { Dialect, Query, Warehouse } from "../model/warehouse.js";
import type { QueryLog } from "./query-log.js";

/** A claimed task, and the right to it. */
export interface TaskRight {
  readonly task: string;
  readonly token: number;
  readonly owner?: string;
}

/** What an agent that no run has started may do with the audit's tasks. Failure codes: claim-lost and those of the disk. */
export interface TaskSharing {
  list(): Promise<Result<readonly object[]>>;
  next(): Promise<Result<object | null>>;
  /** Null where nothing is left, or the named task is not free. `lease` in milliseconds. */
  claim(request: {
    readonly owner: string;
    readonly task?: string;
    readonly lease?: number;
  }): Promise<Result<{ readonly cases: readonly object[] } | null>>;
  heartbeat(right: TaskRight & { readonly lease?: number }): Promise<Result<{ readonly until: string }>>;
  release(right: TaskRight): Promise<Result<void>>;
  complete(right: TaskRight & { readonly answer: string }): Promise<Result<HandedInAnswer>>;
}

/** What became of JSON of findings. */
export interface HandedInAnswer {
  readonly admitted: readonly string[];
  /** Null: the task is completed. */
  readonly objections: readonly Objection[] | null;
  /** Cases whose findings were there before, and stay: what came for them was not looked at. */
  readonly hadFinding: readonly string[];
}

export interface ToolContext {
  /** Id of the task; null where the cases of several are served. */
  readonly task: string | null;
  /** What one group is called, such as State. */
  readonly groupLabel: string;
  /** The only cases that may be seen and answered. */
  readonly cases: readonly Case[];
  /** Whether a case has no finding yet. */
  readonly isOpen: (caseId: string) => boolean;
  readonly categories: readonly CategoryConfig[];
  /** Repository name → absolute folder in which the agent reads it. */
  readonly checkouts: Readonly<Record<string, string>>;
  /** Absolute; null where there is no evidence pack. */
  readonly evidenceDir: string | null;
  readonly project: Project | null;
  /** The dbt project's folder inside its repository, which the project's `file` paths are relative to. */
  readonly dbtDir: string;
  readonly dialect: Dialect;
  readonly exceptions: readonly AcceptedException[];
  /** ISO date. */
  readonly today: string;
  /** Gated; results have hidden columns masked, as everything that is shown. */
  readonly query: Query;
  readonly describe: Warehouse["describe"];
  /** For text and rows: takes out known values and what looks like a secret. */
  readonly redact: (text: string) => string;
  /** For SQL, which must stay what it is: takes out known values alone. */
  readonly redactValues: (text: string) => string;
  readonly queries: QueryLog;
  /** What the lineage agent would say of a case; null where it can say nothing. */
  readonly verdict: (item: Case) => Promise<Result<FindingDraft | null>>;
  /** Takes one draft; durable when it is admitted. One that has not been begun when `signal` aborts is not taken. */
  readonly submit: (draft: unknown, signal: AbortSignal) => Promise<Admission>;
  /** Set where the world refused and no draft can be checked any more. */
  readonly failure: () => Failure | null;
  /** Default: the agent keeps to its own task, which a run has given to it. */
  readonly sharing?: TaskSharing;
  /** For the person who runs the audit. */
  readonly warn: (message: string) => void;
}
