/**
 * Many small SELECTs of the same shape in few statements: UNION ALL, in chunks. One that is broken does not sink the
 * others: a chunk that fails is halved until the broken one stands alone. Knows nothing of tests.
 */
import { failed, ok, type Result } from "../../model/result.js";
import type { Cell, Query } from "../../model/warehouse.js";

const chunkSize = 40;
const maxBytes = 512 * 1024 * 1024;

export type Rows = readonly (readonly Cell[])[];

export interface BatchOptions {
  readonly query: Query;
  /** Milliseconds for one statement. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** No item gives more rows than this. */
  readonly maxRows: number;
  readonly onChunk?: (done: number, total: number) => void;
}

/** The rows of each item, in order. A failure as a whole only where all of it was cancelled. */
export async function queryBatch(
  items: readonly string[],
  options: BatchOptions,
): Promise<Result<readonly Result<Rows>[]>> {
  const results: Result<Rows>[] = [];
  for (let start = 0; start < items.length; start += chunkSize) {
    const chunk = await queryChunk(items.slice(start, start + chunkSize), options);
    if (!chunk.ok) return chunk;
    results.push(...chunk.value);
    options.onChunk?.(Math.min(start + chunkSize, items.length), items.length);
  }
  return ok(results);
}

async function queryChunk(items: readonly string[], options: BatchOptions): Promise<Result<readonly Result<Rows>[]>> {
  const { query, timeout, signal, maxRows } = options;
  const sql = items
    .map((item, index) => `select ${index} as item, part.* from (\n${item}\n) as part`)
    .join("\nunion all\n");
  const answer = await query(sql, { maxRows: maxRows * items.length, maxBytes, timeout, signal });
  if (answer.ok && !answer.value.truncated) {
    const rows: Cell[][][] = items.map(() => []);
    for (const [item, ...cells] of answer.value.rows) rows[Number(item)]?.push(cells);
    return ok(rows.map((own) => ok(own)));
  }
  if (!answer.ok && answer.failure.code === "aborted") return answer;
  if (items.length === 1) {
    return ok([answer.ok ? failed("query-failed", "the query gives more than can be read at once") : answer]);
  }
  const middle = Math.ceil(items.length / 2);
  const left = await queryChunk(items.slice(0, middle), options);
  if (!left.ok) return left;
  const right = await queryChunk(items.slice(middle), options);
  if (!right.ok) return right;
  return ok([...left.value, ...right.value]);
}
