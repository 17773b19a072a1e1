/**
 * What an agent is told of a task besides its cases: samples of failing rows, the lineage's verdicts, earlier findings.
 * `investigate` sends it, `audit-run prompt` shows it. Writes no file and knows no template.
 */
import type { Case } from "../model/case.js";
import type { Finding, FindingDraft } from "../model/finding.js";
import type { Project } from "../model/project.js";
import { ok, type Result } from "../model/result.js";
import type { Query, Warehouse } from "../model/warehouse.js";
import { type CasesByTest, type EarlierInput, earlierFindings } from "./earlier-findings.js";
import { lineageVerdicts } from "./lineage-verdict.js";
import { sampleTexts } from "./sample-rows.js";
import type { Session } from "./session.js";

export interface Briefing {
  /** Case id → failing rows as CSV, hidden columns and values masked. */
  readonly samples: ReadonlyMap<string, string>;
  /** Case id → what the lineage agent would answer. */
  readonly verdicts: ReadonlyMap<string, FindingDraft>;
  readonly earlier: readonly Finding[];
}

export interface BriefingInput {
  readonly session: Pick<Session, "config" | "signal" | "redactValues" | "tools">;
  readonly traces: EarlierInput["traces"];
  /** Findings of this audit, by case id. */
  readonly found: EarlierInput["found"];
  readonly cases: readonly Case[];
  /** All of the export. */
  readonly all: CasesByTest;
  readonly project: Project | null;
  /** Null where no evidence is wanted: the warehouse is asked for nothing then. */
  readonly source: { readonly query: Query; readonly warehouse: Pick<Warehouse, "dialect" | "describe"> } | null;
  /** The agent has the lineage's verdict from elsewhere: it is the lineage agent. */
  readonly withoutVerdicts: boolean;
  readonly warn: (message: string) => void;
}

/** Failure codes: aborted, warehouse-unreachable. */
export async function briefing(input: BriefingInput): Promise<Result<Briefing>> {
  const { session, cases, project, source, warn } = input;
  const earlier = await earlierFindings(input);
  if (source === null) return ok({ samples: new Map(), verdicts: new Map(), earlier });
  const { query, warehouse } = source;
  const { config, redactValues } = session;
  const sampled = await sampleTexts(cases, query, warehouse.dialect, config.redactColumns, redactValues);
  if (!sampled.ok) return sampled;
  const samples = sampled.value;
  const verdicts = input.withoutVerdicts
    ? new Map<string, FindingDraft>()
    : await lineageVerdicts(cases, { session, project, query, warehouse }, warn);
  return ok({ samples, verdicts, earlier });
}
