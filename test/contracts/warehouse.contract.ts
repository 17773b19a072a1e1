/**
 * What every warehouse must keep, whatever the vendor. A warehouse's test gives a way to make tables and open it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { relationKey } from "../../src/model/relation.js";
import type { Cell, QueryOptions, Warehouse } from "../../src/model/warehouse.js";
import { groupPredicate } from "../../src/sql/index.js";

export interface WarehouseRig {
  readonly warehouse: Warehouse;
  /** Schema that `statements` were run in. */
  readonly database: string;
  readonly schema: string;
  /** A SELECT that would take minutes. */
  readonly endless: string;
  close(): Promise<void>;
}

/** Run, in this order, before the warehouse is opened: plain SQL that each vendor knows. */
export const contractTables = [
  "create table bids (bid_id integer, state varchar(400), amount decimal(38,2))",
  "insert into bids values (1, 'VA', 12345678901234567890123456789012345.67), (2, 'VA', 0.10), (3, null, null), (4, '', -1.00), (5, 'it''s \"odd\"', 5.00)",
];

export function warehouseContract(name: string, makeRig: () => Promise<WarehouseRig>): void {
  describe(`the ${name} warehouse keeps the contract`, () => {
    let rig: WarehouseRig;
    beforeAll(async () => {
      rig = await makeRig();
    });
    afterAll(() => rig.close());

    const rows = async (sql: string, options?: QueryOptions): Promise<readonly (readonly Cell[])[]> => {
      const result = await rig.warehouse.query(sql, options);
      if (!result.ok) throw new Error(result.failure.message);
      return result.value.rows;
    };
    const code = async (sql: string, options?: QueryOptions) => {
      const result = await rig.warehouse.query(sql, options);
      return result.ok ? "ok" : result.failure.code;
    };

    it("gives every digit of a 38-digit number, and tells NULL from empty text", async () => {
      expect(await rows("select bid_id, state, amount from bids order by bid_id")).toEqual([
        ["1", "VA", "12345678901234567890123456789012345.67"],
        ["2", "VA", "0.10"],
        ["3", null, null],
        ["4", "", "-1.00"],
        ["5", `it's "odd"`, "5.00"],
      ]);
    });

    it("keeps the order that the query asks for, and duplicate column names", async () => {
      const result = await rig.warehouse.query("select bid_id as a, bid_id + 1 as a from bids order by bid_id desc");
      expect(result.ok && result.value.columns.map((column) => column.name.toLowerCase())).toEqual(["a", "a"]);
      expect(result.ok && result.value.rows[0]).toEqual(["5", "6"]);
    });

    it("takes a trailing semicolon and comments", async () => {
      expect(await rows("/* one */ select 1 -- two\n; -- three")).toEqual([["1"]]);
    });

    it("stops at maxRows and says so, and does not say so for exactly that many", async () => {
      const cut = await rig.warehouse.query("select bid_id from bids order by bid_id", { maxRows: 4 });
      expect(cut.ok && [cut.value.rows.length, cut.value.truncated, cut.value.truncatedBy]).toEqual([4, true, "rows"]);
      const whole = await rig.warehouse.query("select bid_id from bids", { maxRows: 5 });
      expect(whole.ok && [whole.value.rows.length, whole.value.truncated]).toEqual([5, false]);
    });

    it("stops at maxBytes with whole rows only", async () => {
      const cut = await rig.warehouse.query("select state from bids order by bid_id", { maxBytes: 5 });
      expect(cut.ok && cut.value).toMatchObject({
        rows: [["VA"], ["VA"], [null], [""]],
        truncated: true,
        truncatedBy: "bytes",
      });
    });

    it("ends a query at its timeout, and at an abort, and works on", async () => {
      expect(await code(rig.endless, { timeout: 60 })).toBe("query-timeout");
      const controller = new AbortController();
      const pending = code(rig.endless, { signal: controller.signal });
      controller.abort();
      expect(await pending).toBe("aborted");
      expect(await code("select 1", { signal: controller.signal })).toBe("aborted");
      expect(await code("select 1")).toBe("ok");
    });

    it("answers several queries at a time", async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) => rows(`select count(*) + ${index} from bids`)),
      );
      expect(answers.map((answer) => answer[0]?.[0])).toEqual(Array.from({ length: 12 }, (_, index) => `${5 + index}`));
    });

    it("refuses whatever is not one SELECT, and nothing has happened then", async () => {
      const refused = [
        "delete from bids",
        "drop table bids",
        "select 1; delete from bids",
        "create table x (a int)",
        "",
      ];
      for (const sql of refused) expect([sql, await code(sql)]).toEqual([sql, "query-refused"]);
      expect(await rows("select count(*) from bids")).toEqual([["5"]]);
    });

    it("tells a missing relation from any other error, with the vendor's words", async () => {
      expect(await code("select * from no_such_table_anywhere")).toBe("relation-missing");
      expect(await code("select no_such_column from bids")).toBe("query-failed");
      expect(await code("selec 1")).toBe("query-failed");
      const result = await rig.warehouse.query("select no_such_column from bids");
      expect(result.ok ? "" : result.failure.message.toLowerCase()).toContain("no_such_column");
    });

    it("describes several relations at once, without regard to case, and leaves out missing ones", async () => {
      const { database, schema } = rig;
      const bids = { database, schema, name: "BIDS" };
      const short = { database: null, schema: null, name: "bids" };
      const missing = { database, schema, name: "no_such_table_anywhere" };
      const result = await rig.warehouse.describe([bids, short, missing]);
      if (!result.ok) throw new Error(result.failure.message);
      const names = result.value.get(relationKey(bids))?.map((column) => column.name.toLowerCase());
      expect(names).toEqual(["bid_id", "state", "amount"]);
      expect(result.value.get(relationKey(short))).toEqual(result.value.get(relationKey(bids)));
      expect(result.value.has(relationKey(missing))).toBe(false);
    });

    /** As the warehouse stores it: where nobody quoted, not all keep it as it was written. */
    const stored = async (name: string) => {
      const result = await rig.warehouse.query(`select ${name} from bids`, { maxRows: 1 });
      return (result.ok && result.value.columns[0]?.name) || name;
    };

    it("finds each group by its predicate, whatever the text", async () => {
      const { dialect } = rig.warehouse;
      const state = await stored("state");
      const count = async (group: Parameters<typeof groupPredicate>[2]) =>
        (await rows(`select count(*) from bids where ${groupPredicate(dialect, state, group)}`))[0]?.[0];
      expect(await count({ kind: "value", key: "VA", value: "VA" })).toBe("2");
      expect(await count({ kind: "value", key: "va", value: "va" })).toBe("0");
      expect(await count({ kind: "value", key: "x", value: `it's "odd"` })).toBe("1");
      expect(await count({ kind: "null", key: "(null)", value: null })).toBe("1");
      expect(await count({ kind: "empty", key: "(empty)", value: "" })).toBe("1");
      expect(await count({ kind: "all", key: "(all)", value: null })).toBe("5");
    });

    it("digests rows free of their order, and notices a changed, a doubled and a lost row", async () => {
      const { dialect } = rig.warehouse;
      const columns = await Promise.all(["bid_id", "state", "amount"].map(stored));
      const expressions = columns.map((column) => dialect.quote(column));
      const digest = async (from: string) =>
        (await rows(`select ${dialect.rowsDigest(expressions)} from (${from}) as t`))[0]?.[0];
      const all = await digest("select * from bids");
      expect(all).toMatch(/^[0-9a-f]{32}$/);
      expect(await digest("select * from bids order by bid_id desc limit 99")).toBe(all);
      const others = await Promise.all([
        digest("select * from bids where bid_id > 1"),
        digest("select * from bids where 1 = 0"),
        digest("select * from bids union all select * from bids where bid_id = 1"),
        digest("select bid_id, coalesce(state, '') as state, amount from bids"),
      ]);
      expect(new Set([all, ...others]).size).toBe(5);
    });
  });
}
