/**
 * The queries of one task: each gets a query_id that its findings may cite, and a line in queries.jsonl. The last results
 * are held, so that paging on asks the warehouse nothing and sees the same rows. Knows no tool and runs nothing.
 */
import { appendFile, readFile } from "node:fs/promises";
import { resultDigest } from "../findings/claims.js";
import type { Result } from "../model/result.js";
import type { QueryResult } from "../model/warehouse.js";

export interface QueryLog {
  /** Notes a query that has run; resolves to its query_id when its line is written. */
  record(tool: string, sql: string, result: Result<QueryResult>): Promise<string>;
  /** SQL of a query that gave a result; null for any other. */
  readonly sqlOf: (queryId: string) => string | null;
  /** The result, as long as it is held. */
  resultOf(queryId: string): QueryResult | null;
  /** Queries so far. */
  readonly count: number;
}

/** One line of queries.jsonl. */
export interface RecordedQuery {
  readonly query_id: string;
  readonly at: string;
  readonly tool: string;
  /** Redacted. */
  readonly sql: string;
  /** Number of rows; absent where the query failed. */
  readonly rows?: number;
  readonly truncated?: boolean;
  /** Digest of the result as it was shown; the same form as in a finding's evidence. */
  readonly digest?: string;
  /** Code of a failure. */
  readonly failure?: string;
}

/** Characters of the results that are held. */
const heldSize = 8_000_000;

/** @param file goes on where an earlier attempt of the same task has left it. */
export async function openQueryLog(options: {
  readonly file: string;
  readonly now: () => Date;
  readonly redact: (text: string) => string;
}): Promise<QueryLog> {
  const earlier = await readFile(options.file, "utf8").catch(() => "");
  let count = earlier.split("\n").length - 1;
  const sqls = new Map<string, string>();
  const held = new Map<string, { readonly result: QueryResult; readonly size: number }>();
  let size = 0;
  let writing: Promise<void> = Promise.resolve();

  const hold = (id: string, result: QueryResult): void => {
    const own = result.rows.reduce(
      (sum, row) => sum + row.reduce((cells, cell) => cells + (cell?.length ?? 0) + 8, 0),
      0,
    );
    held.set(id, { result, size: own });
    size += own;
    // The newest always stays: somebody is about to look at it.
    for (const [oldest, { size: freed }] of held) {
      if (size <= heldSize || oldest === id) break;
      held.delete(oldest);
      size -= freed;
    }
  };

  return {
    get count() {
      return count;
    },
    sqlOf: (id) => sqls.get(id) ?? null,
    resultOf: (id) => held.get(id)?.result ?? null,
    async record(tool, sql, result) {
      count += 1;
      const id = `q${count}`;
      const told = result.ok
        ? { rows: result.value.rows.length, truncated: result.value.truncated, digest: resultDigest(result.value) }
        : { failure: result.failure.code };
      const line: RecordedQuery = {
        query_id: id,
        at: options.now().toISOString(),
        tool,
        sql: options.redact(sql),
        ...told,
      };
      const written = writing.then(() => appendFile(options.file, `${JSON.stringify(line)}\n`));
      writing = written.catch(() => undefined);
      await written;
      if (result.ok) {
        sqls.set(id, sql);
        hold(id, result.value);
      }
      return id;
    },
  };
}
