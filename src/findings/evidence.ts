/**
 * Evidence of a draft: which queries it cites, and whether their results bear out what it claims of them.
 * Pure; runs no query.
 */
import type { Evidence, EvidenceClaim, FindingDraft, Objection } from "../model/finding.js";
import type { Result } from "../model/result.js";
import type { QueryResult } from "../model/warehouse.js";
import { differences, resultDigest } from "./claims.js";
import type { Objecting } from "./locations.js";
import { cleanLine, cleanText, quoted } from "./text.js";

/** A claim with the SQL that it cites, and where it stands in the draft. */
interface CitedQuery {
  readonly claim: EvidenceClaim;
  readonly sql: string;
  readonly where: string;
}

export function citedQueries(
  draft: FindingDraft,
  sqlOf: (queryId: string) => string | null,
  object: Objecting,
): { queries: readonly CitedQuery[]; objections: readonly Objection[] } {
  const queries: CitedQuery[] = [];
  const objections: Objection[] = [];
  for (const [index, claim] of draft.evidence.entries()) {
    const sql = claim.query_id === undefined ? claim.sql : sqlOf(claim.query_id);
    const title = cleanLine(claim.title ?? "");
    const where = title === "" ? `evidence[${index}]` : `evidence[${index}] (${quoted(title)})`;
    if (sql === undefined || sql === null) {
      const named = quoted(claim.query_id ?? "");
      const message = `${where}: no query of this task has the query_id ${named}; cite one that run_sql gave you, or give its sql.`;
      objections.push(object("unknown-query", message));
    } else queries.push({ claim, sql: cleanText(sql), where });
  }
  return { queries, objections };
}

export function checkEvidence(
  queries: readonly CitedQuery[],
  results: readonly Result<QueryResult>[],
  object: Objecting,
): { evidence: readonly Evidence[]; objections: readonly Objection[] } {
  const evidence: Evidence[] = [];
  const objections: Objection[] = [];
  for (const [index, { claim, sql, where }] of queries.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    if (!result.ok) {
      const code = result.failure.code === "query-refused" ? "query-refused" : "query-failed";
      const said = cleanText(result.failure.message).trim().slice(0, 1000);
      const hint = result.failure.hint === undefined ? "" : ` ${cleanLine(result.failure.hint)}`;
      objections.push(
        object(code, `${where} ${code === "query-refused" ? "was refused" : "could not be run"}: ${said}${hint}`),
      );
      continue;
    }
    objections.push(...differences(claim, result.value).map((text) => object("claim-differs", `${where}: ${text}`)));
    const title = cleanLine(claim.title ?? "");
    evidence.push({
      title: title === "" ? null : title,
      sql,
      result: result.value,
      resultDigest: resultDigest(result.value),
    });
  }
  return { evidence, objections };
}
