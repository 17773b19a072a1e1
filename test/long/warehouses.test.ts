/** A result of ten million rows: what is asked for is given, the rest neither reaches this process nor keeps the server busy. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Warehouse } from "../../src/model/warehouse.js";
import { temporaryDuckdb, temporaryPostgres } from "../fakes/warehouse.js";

const text = "'a text of a certain length, number '";
const kinds = {
  duckdb: {
    open: () => temporaryDuckdb([`create table many as select i, ${text} || i as words from range(10000000) t(i)`]),
    busy: null,
  },
  postgres: {
    open: () =>
      temporaryPostgres([
        `create table many as select i, ${text} || i as words from generate_series(0, 9999999) as t(i)`,
      ]),
    busy: "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%from many%'",
  },
};

describe.each(Object.entries(kinds))("ten million rows in %s", (_, kind) => {
  let temporary: { readonly warehouse: Warehouse; close(): Promise<void> };
  beforeAll(async () => {
    temporary = await kind.open();
  });
  afterAll(() => temporary?.close());

  const grown = async (work: () => Promise<void>): Promise<number> => {
    const before = process.memoryUsage().rss;
    await work();
    return process.memoryUsage().rss - before;
  };

  test.each([
    ["in the table's order", "select * from many"],
    ["sorted", "select * from many order by words desc"],
  ])("%s are cut at the caps, in memory that does not grow with them", async (_name, sql) => {
    const { warehouse } = temporary;
    const growth = await grown(async () => {
      const byRows = await warehouse.query(sql, { timeout: 300_000 });
      expect(byRows.ok && [byRows.value.rows.length, byRows.value.truncatedBy]).toEqual([1_000, "rows"]);
      const byBytes = await warehouse.query(sql, { maxRows: 20_000_000, maxBytes: 1024 * 1024, timeout: 300_000 });
      expect(byBytes.ok && byBytes.value.truncatedBy).toBe("bytes");
    });
    // DuckDB works in this very process, and takes what a sort of its own needs.
    expect(growth).toBeLessThan(kind.busy === null ? 2_000_000_000 : 100_000_000);
    if (kind.busy !== null) {
      const busy = await warehouse.query(kind.busy);
      expect(busy.ok && busy.value.rows).toEqual([["0"]]);
    }
  });
});
