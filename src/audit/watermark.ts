/** The user's watermark: a query with one value, which says whether the data has changed. */
import type { Config } from "../model/config.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Warehouse } from "../model/warehouse.js";

/** Opens a warehouse of its own: the run's is a copy of what the tests leave, and they have not run yet. */
export async function askWatermark(open: () => Promise<Result<Warehouse>>, config: Config): Promise<Result<string>> {
  const { watermark } = config.summary;
  if (watermark === null) throw new Error("BUG: no watermark to ask");
  const warehouse = await open();
  if (!warehouse.ok) return warehouse;
  const answer = await warehouse.value.query(watermark, { maxRows: 2, timeout: config.timeouts.query });
  await warehouse.value.close();
  if (!answer.ok) return answer;
  const { columns, rows } = answer.value;
  if (columns.length !== 1 || rows.length !== 1) {
    const shape = `${rows.length} rows of ${columns.length} columns`;
    return failed("query-failed", `summary.watermark must give one value; it gave ${shape}`);
  }
  return ok(String(rows[0]?.[0]));
}
