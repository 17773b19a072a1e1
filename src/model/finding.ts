/**
 * A finding: a classified failure with its evidence. The zod schema here is the one home of the answer's shape;
 * `audit-run schema finding` prints it. What admits an answer is in findings/.
 */
import { z } from "zod";
import type { Group, TestRef } from "./case.js";
import type { Isolation } from "./isolation.js";
import type { QueryResult } from "./warehouse.js";

export const Confidence = z.enum(["high", "medium", "low"]);

export const Location = z.strictObject({
  repo: z
    .string()
    .min(1)
    .optional()
    .describe("Name of the repository in the config, such as dbt or dot-sync. Default: dbt."),
  file: z.string().min(1).max(1000).describe("Path relative to the repository's root, with forward slashes."),
  line: z.int().min(1).optional(),
  end_line: z.int().min(1).optional(),
  resource: z.string().min(1).optional().describe("dbt unique_id of the model or source, if there is one."),
});

export const EvidenceClaim = z
  .strictObject({
    title: z.string().max(300).optional().describe("What this query shows, in one sentence."),
    sql: z
      .string()
      .min(1)
      .max(100_000)
      .optional()
      .describe("One SELECT. It is run again before the finding is accepted."),
    query_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe("Instead of sql: the query_id that a tool gave in this task. That query is run again."),
    row_count: z.int().min(0).optional().describe("How many rows it gives. Checked when it is run again."),
    value: z
      .union([z.string(), z.number(), z.boolean(), z.null()])
      .optional()
      .describe("The single value that it gives (one row, one column). Checked when it is run again."),
  })
  .refine(({ sql, query_id }) => (sql === undefined) !== (query_id === undefined), {
    message: "give either sql or query_id",
  });

/** What an agent answers for one case. Unknown keys are refused, so that a misspelt field is noticed. */
export const FindingDraft = z.strictObject({
  test: z.string().min(1).describe("Name of the test, exactly as the task gives it."),
  group: z.string().describe("Key of the group, exactly as the task gives it."),
  classification: z.string().min(1).describe("Id of one of the task's categories."),
  confidence: Confidence,
  root_cause: z.string().min(1).max(20_000),
  recommendation: z.string().min(1).max(20_000),
  evidence: z.array(EvidenceClaim).max(20),
  failures: z
    .int()
    .min(0)
    .optional()
    .describe("How many failures this case has, if you state it. Checked against our own count."),
  locations: z.array(Location).max(50).optional(),
  alternatives: z
    .array(z.string().min(1).max(2_000))
    .max(20)
    .optional()
    .describe("Explanations that were considered and ruled out."),
});

/** The whole answer of an agent. */
export const AgentAnswer = z.strictObject({ findings: z.array(FindingDraft) });

export type Confidence = z.infer<typeof Confidence>;
export type Location = z.infer<typeof Location>;
export type EvidenceClaim = z.infer<typeof EvidenceClaim>;
export type FindingDraft = z.infer<typeof FindingDraft>;
export type AgentAnswer = z.infer<typeof AgentAnswer>;

/** A query that we ran ourselves, with its result. */
export interface Evidence {
  readonly title: string | null;
  readonly sql: string;
  readonly result: QueryResult;
  /** Digest of the whole result as text. */
  readonly resultDigest: string;
}

export interface Provenance {
  readonly agent: string;
  readonly model: string | null;
  /** Name and version of the agent's program, as it says itself. */
  readonly program?: string;
  /** Of an agent that a run has started; findings of older versions, and those that others handed in, have none. */
  readonly isolation?: Isolation;
  readonly run: string;
  /** ISO. */
  readonly at: string;
}

/** An admitted finding. Only these are stored as traces. */
export interface Finding {
  /** Case id. */
  readonly case: string;
  readonly test: TestRef;
  readonly group: Group;
  readonly failures: number;
  readonly rows: number;
  readonly classification: string;
  readonly confidence: Confidence;
  readonly rootCause: string;
  readonly recommendation: string;
  readonly evidence: readonly Evidence[];
  readonly locations: readonly Location[];
  readonly alternatives: readonly string[];
  /** The agent proposed the category of role exception; a person has not accepted it (yet). */
  readonly proposedException: boolean;
  readonly provenance: Provenance;
}

/** Why an answer was not admitted: sent back to the agent as a numbered list. */
export interface Objection {
  /** Case id, or null where the whole answer is meant. */
  readonly case: string | null;
  readonly code:
    | "schema"
    | "unknown-case"
    | "duplicate-case"
    | "missing-case"
    | "unknown-category"
    | "needs-exception"
    | "placeholder"
    | "no-evidence"
    | "unknown-query"
    | "query-refused"
    | "query-failed"
    | "claim-differs"
    | "count-differs"
    | "unknown-file";
  readonly message: string;
}

/** How one case stands at the end of an audit; what reporters are given. */
export type CaseReport =
  | { readonly status: "found"; readonly finding: Finding; readonly reused: boolean }
  /** Accepted by audit.exceptions.yaml before any agent was asked. */
  | { readonly status: "excepted"; readonly exception: AcceptedException }
  /** The agent's last answer was not admitted; its text is kept. */
  | { readonly status: "validation-failed"; readonly objections: readonly Objection[]; readonly answer: string }
  /** The node failed, was blocked or cancelled. */
  | { readonly status: "missing"; readonly reason: string }
  /** This run was narrowed to other cases, and no earlier finding is valid. */
  | { readonly status: "unasked" };

/** One entry of audit.exceptions.yaml. */
export interface AcceptedException {
  /** Test name; `*` may stand in it. */
  readonly test: string;
  /** Group key; `*` for all. */
  readonly group: string;
  readonly reason: string;
  readonly owner: string;
  /** ISO date; the entry holds up to and including that day. Null: never expires. */
  readonly expires: string | null;
  readonly ticket: string | null;
  /** Where it stands, for messages: `audit.exceptions.yaml:12`. */
  readonly at: string;
}
