/**
 * What a prompt is made of. Knows no template and no text.
 */
import type { Case } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { AcceptedException, Finding, FindingDraft, Objection } from "../model/finding.js";
import type { Task } from "../model/task.js";

export interface PromptInput {
  readonly config: Config;
  readonly task: Task;
  /** Cases still to be answered. */
  readonly cases: readonly Case[];
  /** 0 for the first question. */
  readonly round: number;
  /** What was wrong with the last answer. */
  readonly objections: readonly Objection[];
  /** Absolute folder of the evidence pack; null where there is none. */
  readonly evidenceDir: string | null;
  /** Repository name → absolute path of the checkout that the agent works in. */
  readonly checkouts: Readonly<Record<string, string>>;
  /** Case id → failing rows as CSV. */
  readonly samples: ReadonlyMap<string, string>;
  /** Accepted failures, as examples of what is known. Default: none. */
  readonly exceptions?: readonly AcceptedException[];
  /** Case id → what the lineage agent would answer. Default: none. */
  readonly verdicts?: ReadonlyMap<string, FindingDraft>;
  /** Admitted findings for the same tests, the most telling first. Default: none. */
  readonly earlier?: readonly Finding[];
}

/** One placeholder's text. */
export type Render = (input: PromptInput) => string;
