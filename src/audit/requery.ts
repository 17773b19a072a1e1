/**
 * Runs the queries that findings cite again: many in one statement, and alone only those whose result is another than the one
 * recorded. Knows no trace and decides nothing on reuse.
 */
import { resultDigest } from "../findings/claims.js";
import type { Case } from "../model/case.js";
import { ok, type Result } from "../model/result.js";
import type { Column, QueryResult, Warehouse } from "../model/warehouse.js";
import { type BatchOptions, cellTexts, describeBatch, queryBatch, type Rows } from "../sql/index.js";
import { shownResult } from "../tasks/admission.js";
import { subquery } from "../tasks/export/rows-source.js";
import { gatedQueries, longestResult } from "../tasks/gated.js";
import type { Session } from "../tasks/session.js";

export interface CitedQuery {
  readonly sql: string;
  /** Digests of the results that findings cite. */
  readonly recorded: ReadonlySet<string>;
}

/** Digest of a query's result now: null where it has none any more, undefined where that could not be found out. */
export type Requery = (queries: readonly CitedQuery[]) => Promise<ReadonlyMap<string, string | null | undefined>>;

type Room = Pick<Session, "config" | "signal" | "redactValues" | "warehouse" | "artifacts">;

/** @param cases of the last export: where there is no manifest they say what may be read. */
export function requeryOf(session: Room, cases: readonly Case[]): Requery {
  return async (cited) => {
    const digests = new Map<string, string | null | undefined>(cited.map(({ sql }) => [sql, undefined]));
    const opened = await session.warehouse();
    const artifacts = await session.artifacts();
    if (!opened.ok || !artifacts.ok) return digests;
    const { config, signal } = session;
    const gated = gatedQueries(opened.value, { config, signal, project: artifacts.value.project, cases });
    const queries: Admitted[] = [];
    for (const one of cited) {
      const admitted = await gated.admit(one.sql);
      // Refused, by another config than then, say: nobody can look at it any more.
      if (admitted.ok) queries.push({ ...one, admitted: admitted.value });
      else if (admitted.failure.code === "query-refused") digests.set(one.sql, null);
    }
    const together = await askTogether(queries, opened.value, session);
    // Cancelled: nothing was found out.
    if (!together.ok) return digests;
    const alone: Admitted[] = [];
    for (const [index, query] of queries.entries()) {
      const result = together.value[index];
      if (result === undefined) continue;
      const digest = result.ok && result.value !== null ? resultDigest(shownResult(result.value, session)) : null;
      if (digest !== null && query.recorded.has(digest)) digests.set(query.sql, digest);
      else if (result.ok || !worldRefused(result)) alone.push(query);
    }
    const next = alone.values();
    const work = async (): Promise<void> => {
      for (const { sql, admitted } of next) digests.set(sql, await askAlone(admitted, opened.value, session));
    };
    // They share one iterator, so each query is taken once.
    await Promise.all(Array.from({ length: session.config.concurrency.warehouse }, work));
    return digests;
  };
}

/** As a query on its own gives before it is cut off. */
const longest = longestResult;

interface Admitted extends CitedQuery {
  /** The statement that the gate lets through. */
  readonly admitted: string;
}

/** Null for a result that may look otherwise when it is asked for alone: it is cut off there, or two columns share a name. */
async function askTogether(
  queries: readonly Admitted[],
  { dialect, query }: Warehouse,
  { config, signal }: Room,
): Promise<Result<readonly Result<QueryResult | null>[]>> {
  const options: BatchOptions = {
    query,
    dialect,
    each: { timeout: config.timeouts.query, signal, label: "evidence" },
    width: config.concurrency.warehouse,
  };
  const selects = queries.map(({ admitted }) => subquery(admitted));
  const described = await describeBatch(selects, options);
  if (!described.ok) return described;
  const results: Result<QueryResult | null>[] = described.value.map((columns) => (columns.ok ? ok(null) : columns));
  const known = described.value.flatMap((columns, index) => {
    return columns.ok && namesDiffer(columns.value) ? [{ columns: columns.value, index }] : [];
  });
  const width = Math.max(0, ...known.map(({ columns }) => columns.length));
  const answers = await queryBatch(
    known.map(({ columns, index }) => {
      const cells = cellTexts(columns, { of: "cited", width, dialect });
      return `select ${cells.join(", ")}\nfrom (\n${selects[index]}\n) as cited\nlimit ${longest.rows + 1}`;
    }),
    { ...options, maxRows: longest.rows + 1 },
  );
  if (!answers.ok) return answers;
  for (const [position, { columns, index }] of known.entries()) {
    const rows = answers.value[position];
    if (rows !== undefined) results[index] = rows.ok ? ok(resultOf(columns, rows.value)) : rows;
  }
  return ok(results);
}

function namesDiffer(columns: readonly Column[]): boolean {
  return new Set(columns.map(({ name }) => name.toLowerCase())).size === columns.length;
}

function resultOf(columns: readonly Column[], padded: Rows): QueryResult | null {
  const rows = padded.map((row) => row.slice(0, columns.length));
  const bytes = rows.flat().reduce((sum, cell) => sum + Buffer.byteLength(cell ?? ""), 0);
  return rows.length > longest.rows || bytes > longest.bytes ? null : { columns, rows, truncated: false };
}

async function askAlone(sql: string, { query }: Warehouse, session: Room): Promise<string | null | undefined> {
  const { config, signal } = session;
  const result = await query(sql, { timeout: config.timeouts.query, signal, label: "evidence" });
  if (result.ok) return resultDigest(shownResult(result.value, session));
  return ["relation-missing", "query-failed"].includes(result.failure.code) ? null : undefined;
}

/** What says nothing of the query itself. */
function worldRefused(result: Result<unknown>): boolean {
  return !result.ok && ["query-timeout", "warehouse-unreachable"].includes(result.failure.code);
}
