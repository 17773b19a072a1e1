/**
 * What every warehouse must keep, whatever the vendor. A warehouse's rig (warehouse-rigs.ts) gives a way to make tables and
 * open it. Names are used as the warehouse describes them: each folds what is not quoted in its own way.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { relationKey } from "../../src/model/relation.js";
import type { Cell, Column, QueryOptions, Warehouse } from "../../src/model/warehouse.js";
import { groupPredicate } from "../../src/sql/index.js";

export interface WarehouseRig {
  readonly warehouse: Warehouse;
  /** Another one on the same data; its taker closes it. */
  open(): Promise<Warehouse>;
  /** Schema that `statements` were run in. */
  readonly database: string;
  readonly schema: string;
  /** A SELECT that would take minutes. */
  readonly endless: string;
  /** How the warehouse stores a name that nobody quoted. */
  fold(name: string): string;
  /** Where the rig is a stand-in whose casts write a moment otherwise than the warehouse does: how, in words. */
  readonly castsDiffer?: string;
  close(): Promise<void>;
}

/** A table that no one should call so. */
const odd = `Odd."Table"; drop table bids; -- ü`;
const oddColumns = [`Bid "Id"`, "select", "a.b", "MiXed", "käse"];
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Run, in this order, before the warehouse is opened: plain SQL that each vendor knows. */
export const contractTables = [
  "create table bids (bid_id integer, state varchar(400), amount decimal(38,2))",
  "insert into bids values (1, 'VA', 12345678901234567890123456789012345.67), (2, 'VA', 0.10), (3, null, null), (4, '', -1.00), (5, 'it''s \"odd\"', 5.00)",
  `create table ${quoted(odd)} (${oddColumns.map((name) => `${quoted(name)} varchar(40)`).join(", ")})`,
  `insert into ${quoted(odd)} values ('1', 'two', 'three', 'Four', 'fünf')`,
  "create table moments (moment_id integer, seen_at timestamp with time zone, flat timestamp, held date, ratio double precision, is_open boolean)",
  "insert into moments values (1, '2026-03-08 01:30:00-05:00', '2026-03-08 01:30:00.123456', '2026-03-08', 0.1, true), (2, '1999-12-31 23:59:59+00:00', '1999-12-31 23:59:59', '0099-01-02', -2.5e-7, false), (3, null, null, null, null, null)",
  "create table texts (text_id integer, one varchar(20), other varchar(20))",
  "insert into texts values (1, 'a', ''), (2, '', 'a'), (3, null, 'a'), (4, 'null', 'a'), (5, 'a', 'a'), (6, 'a', 'a'), (7, 'b', 'b'), (8, 'b', 'b'), (9, '1:a', ''), (10, '1', 'a')",
];

/** Texts that have broken out of many a string before. */
const hostile = [
  `'; drop table bids; --`,
  `" or ""=""`,
  "back\\slash \\' \\n",
  "two\nlines\tand a tab",
  "ünïcödé 日本 🚧",
  "$1 %s {0} $$ :name ?",
  "/* -- */",
  "  blanks  ",
  "",
];

/** But for its second and third cell. */
const without = (row: readonly Cell[] | undefined) => row?.filter((_, index) => index < 1 || index > 2);

export function warehouseContract(name: string, makeRig: () => Promise<WarehouseRig>): void {
  describe(`the ${name} warehouse keeps the contract`, () => {
    let rig: WarehouseRig;
    beforeAll(async () => {
      rig = await makeRig();
    });
    afterAll(() => rig?.close());

    const rows = async (sql: string, options?: QueryOptions): Promise<readonly (readonly Cell[])[]> => {
      const result = await rig.warehouse.query(sql, options);
      if (!result.ok) throw new Error(`${result.failure.message}\n${sql}`);
      return result.value.rows;
    };
    const code = async (sql: string, options?: QueryOptions) => {
      const result = await rig.warehouse.query(sql, options);
      return result.ok ? "ok" : result.failure.code;
    };
    const relation = (table: string) => ({ database: rig.database, schema: rig.schema, name: table });
    const columnsOf = async (table: string): Promise<readonly Column[]> => {
      const described = await rig.warehouse.describe([relation(table)]);
      if (!described.ok) throw new Error(described.failure.message);
      return described.value.get(relationKey(relation(table))) ?? [];
    };
    /** Columns as SQL, by the names that the warehouse stores. */
    const quotedColumns = async (table: string): Promise<readonly string[]> =>
      (await columnsOf(table)).map((column) => rig.warehouse.dialect.quote(column.name));

    describe("values", () => {
      it("gives every digit of a 38-digit number, and tells NULL from empty text", async () => {
        expect(await rows("select bid_id, state, amount from bids order by bid_id")).toEqual([
          ["1", "VA", "12345678901234567890123456789012345.67"],
          ["2", "VA", "0.10"],
          ["3", null, null],
          ["4", "", "-1.00"],
          ["5", `it's "odd"`, "5.00"],
        ]);
      });

      it("gives moments and dates to the last digit, with the zone where there is one", async () => {
        const [first, second, third] = await rows("select seen_at, flat, held from moments order by moment_id");
        expect(first?.[0]).toMatch(/^2026-03-08[ T]0[16]:30:00(\.0+)?\s?(Z|[+-]\d\d(:?\d\d)?)$/);
        expect(first?.slice(1)).toEqual([
          expect.stringMatching(/^2026-03-08[ T]01:30:00\.123456(000)?$/),
          "2026-03-08",
        ]);
        expect(second?.[2]).toBe("0099-01-02");
        expect(third).toEqual([null, null, null]);
      });

      it("gives a value the text that the dialect's toText gives it", async () => {
        const { dialect } = rig.warehouse;
        const columns = await quotedColumns("moments");
        const both = columns.flatMap((column) => [column, dialect.toText(column)]);
        for (const row of await rows(`select ${both.join(", ")} from moments`)) {
          const [plain, text] = [0, 1].map((half) => row.filter((_, index) => index % 2 === half));
          if (rig.castsDiffer === undefined) expect(plain).toEqual(text);
          else expect(without(plain)).toEqual(without(text));
        }
        expect((await rows("select is_open from moments order by moment_id")).flat()).toEqual(["true", "false", null]);
      });

      it("gives any text back as it is, and never takes it for SQL", async () => {
        const { dialect } = rig.warehouse;
        const [row] = await rows(`select ${hostile.map((text) => dialect.literal(text)).join(", ")}`);
        expect(row).toEqual(hostile);
        expect(await rows("select count(*) from bids")).toEqual([["5"]]);
      });

      it("keeps the order that the query asks for, and duplicate column names", async () => {
        const result = await rig.warehouse.query("select bid_id as a, bid_id + 1 as a from bids order by bid_id desc");
        expect(result.ok && result.value.columns.map((column) => column.name.toLowerCase())).toEqual(["a", "a"]);
        expect(result.ok && result.value.rows[0]).toEqual(["5", "6"]);
      });

      it("tells the columns of a result without rows", async () => {
        const result = await rig.warehouse.query("select bid_id, amount from bids where 1 = 0");
        expect(result.ok && result.value).toMatchObject({ rows: [], truncated: false });
        const told = result.ok ? result.value.columns.map(({ name, type }) => [name.toLowerCase(), type]) : [];
        expect(told).toEqual([
          ["bid_id", expect.stringMatching(/INT|NUMBER/)],
          ["amount", expect.stringMatching(/^(DECIMAL|NUMERIC|NUMBER|FIXED)\b/)],
        ]);
      });

      it("takes a trailing semicolon and comments", async () => {
        expect(await rows("/* one */ select 1 -- two\n; -- three")).toEqual([["1"]]);
      });
    });

    describe("limits", () => {
      it("stops at maxRows and says so, and does not say so for exactly that many", async () => {
        const cut = await rig.warehouse.query("select bid_id from bids order by bid_id", { maxRows: 4 });
        expect(cut.ok && [cut.value.rows.length, cut.value.truncated, cut.value.truncatedBy]).toEqual([
          4,
          true,
          "rows",
        ]);
        const whole = await rig.warehouse.query("select bid_id from bids", { maxRows: 5 });
        expect(whole.ok && [whole.value.rows.length, whole.value.truncated]).toEqual([5, false]);
      });

      it("gives a thousand rows where nothing else is asked for", async () => {
        const cross = "select a.bid_id from bids as a, bids as b, bids as c, bids as d, bids as e";
        const cut = await rig.warehouse.query(cross);
        expect(cut.ok && [cut.value.rows.length, cut.value.truncatedBy]).toEqual([1_000, "rows"]);
        const whole = await rig.warehouse.query(cross, { maxRows: 10_000 });
        expect(whole.ok && [whole.value.rows.length, whole.value.truncated]).toEqual([3_125, false]);
      });

      it("stops at maxBytes with whole rows only", async () => {
        const cut = await rig.warehouse.query("select state from bids order by bid_id", { maxBytes: 5 });
        expect(cut.ok && cut.value).toMatchObject({
          rows: [["VA"], ["VA"], [null], [""]],
          truncated: true,
          truncatedBy: "bytes",
        });
      });

      it("counts a text's bytes, not its characters, and stops before a row that is too long", async () => {
        const sql = (length: number) => `select repeat('ü', ${length}) as long_text`;
        const cut = await rig.warehouse.query(sql(100_000), { maxBytes: 150_000 });
        expect(cut.ok && cut.value).toMatchObject({ rows: [], truncated: true, truncatedBy: "bytes" });
        const whole = await rig.warehouse.query(sql(100_000), { maxBytes: 200_000 });
        expect(whole.ok && whole.value.rows[0]?.[0]?.length).toBe(100_000);
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

      it("answers more queries at a time than it has connections", async () => {
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, index) => rows(`select count(*) + ${index} from bids`)),
        );
        expect(answers.map((answer) => answer[0]?.[0])).toEqual(
          Array.from({ length: 12 }, (_, index) => `${5 + index}`),
        );
      });

      it("gives up what still waits for a connection when it is aborted", async () => {
        const busy = new AbortController();
        const running = Array.from({ length: 4 }, () => code(rig.endless, { signal: busy.signal }));
        const waits = new AbortController();
        const waiting = code(rig.endless, { signal: waits.signal });
        waits.abort();
        expect(await waiting).toBe("aborted");
        busy.abort();
        expect(await Promise.all(running)).toEqual(["aborted", "aborted", "aborted", "aborted"]);
        expect(await code("select 1")).toBe("ok");
      });
    });

    describe("refusals", () => {
      it("refuses whatever is not one SELECT, and nothing has happened then", async () => {
        const refused = [
          "delete from bids",
          "drop table bids",
          "select 1; delete from bids",
          "create table x (a int)",
          "",
          "-- nothing",
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

      it("tells an error that comes while rows are made", async () => {
        expect(await code("select cast(state as integer) from bids where bid_id = 1")).toBe("query-failed");
        expect(await code("select 1")).toBe("ok");
      });

      it("takes any label, and answers nothing more once it is closed", async () => {
        const label = `investigate:${hostile.join(" ")}${"x".repeat(500)}`;
        expect(await code("select 1", { label })).toBe("ok");
        const other = await rig.open();
        expect((await other.query("select 1", { label })).ok).toBe(true);
        await other.close();
        await other.close();
        expect(await other.query("select 1")).toMatchObject({ ok: false });
        expect(await code("select 1")).toBe("ok");
      });
    });

    describe("names", () => {
      it("describes several relations at once, without regard to case, and leaves out missing ones", async () => {
        const bids = relation("BIDS");
        const short = { database: null, schema: null, name: "bids" };
        const missing = relation("no_such_table_anywhere");
        const result = await rig.warehouse.describe([bids, short, missing]);
        if (!result.ok) throw new Error(result.failure.message);
        const names = result.value.get(relationKey(bids))?.map((column) => column.name.toLowerCase());
        expect(names).toEqual(["bid_id", "state", "amount"]);
        expect(result.value.get(relationKey(short))).toEqual(result.value.get(relationKey(bids)));
        expect(result.value.has(relationKey(missing))).toBe(false);
        expect(await rig.warehouse.describe([])).toEqual({ ok: true, value: new Map() });
      });

      it("takes names of any characters as names", async () => {
        const { dialect } = rig.warehouse;
        expect((await columnsOf(odd)).map((column) => column.name)).toEqual(oddColumns);
        const [row] = await rows(
          `select ${oddColumns.map(dialect.quote).join(", ")} from ${dialect.relation(relation(odd))} as r`,
        );
        expect(row).toEqual(["1", "two", "three", "Four", "fünf"]);
        const missing = dialect.relation(relation(`${odd} 2`));
        expect(await code(`select * from ${missing}`)).toBe("relation-missing");
        expect(await rows("select count(*) from bids")).toEqual([["5"]]);
      });

      it("looks before it leaps, where there are rights to be had", async () => {
        if (rig.warehouse.preflight === undefined) {
          expect(name, "a file has no rights").toBe("duckdb");
          return;
        }
        const looked = async (tables: readonly string[]) => {
          const notes = await rig.warehouse.preflight?.(tables.map(relation));
          if (notes === undefined || !notes.ok) throw new Error(notes?.failure.message);
          return notes.value.filter(({ level }) => level === "problem");
        };
        expect(await looked([rig.fold("bids"), odd])).toEqual([]);
        const [problem, ...others] = await looked([rig.fold("bids"), "no_such_table_anywhere"]);
        expect(others).toEqual([]);
        expect(problem?.message).toContain("no_such_table_anywhere");
        expect(problem?.hint).not.toBeNull();
      });
    });

    describe("the dialect", () => {
      it("finds each group by its predicate, whatever the text", async () => {
        const { dialect } = rig.warehouse;
        const state = (await columnsOf("bids"))[1]?.name ?? "";
        const count = async (group: Parameters<typeof groupPredicate>[2]) =>
          (await rows(`select count(*) from bids where ${groupPredicate(dialect, state, group)}`))[0]?.[0];
        expect(await count({ kind: "value", key: "VA", value: "VA" })).toBe("2");
        expect(await count({ kind: "value", key: "va", value: "va" })).toBe("0");
        expect(await count({ kind: "value", key: "x", value: `it's "odd"` })).toBe("1");
        expect(await count({ kind: "null", key: "(null)", value: null })).toBe("1");
        expect(await count({ kind: "empty", key: "(empty)", value: "" })).toBe("1");
        expect(await count({ kind: "all", key: "(all)", value: null })).toBe("5");
        for (const text of hostile.filter((each) => each !== "")) {
          expect([text, await count({ kind: "value", key: text, value: text })]).toEqual([text, "0"]);
        }
      });

      it("knows NULL as equal to NULL and to nothing else, whatever widths the sides have", async () => {
        const { dialect } = rig.warehouse;
        const equal = async (left: string, right: string) =>
          (await rows(`select case when ${dialect.nullSafeEquals(left, right)} then 'yes' else 'no' end`))[0]?.[0];
        expect(await equal("cast(null as integer)", "cast(null as integer)")).toBe("yes");
        expect(await equal("cast(null as varchar)", "cast('' as varchar)")).toBe("no");
        expect(await equal("cast(1 as integer)", "cast(1 as bigint)")).toBe("yes");
        expect(await equal("cast(1.50 as decimal(10, 2))", "cast(1.5 as decimal(12, 4))")).toBe("yes");
        expect(await equal("cast('a' as varchar(3))", "cast('a' as varchar)")).toBe("yes");
        const joined = `select count(*) from texts as l join texts as r on ${dialect.nullSafeEquals("l.one", "r.one")} and ${dialect.nullSafeEquals("l.other", "r.other")}`;
        expect(await rows(joined)).toEqual([["14"]]);
      });

      it("reads a number where a text is one", async () => {
        const { dialect } = rig.warehouse;
        const read = async (text: string) =>
          (await rows(`select ${dialect.numberOrNull(dialect.literal(text))}`))[0]?.[0] ?? null;
        expect(Number(await read("12.50"))).toBe(12.5);
        expect(Number(await read("-3"))).toBe(-3);
        for (const none of ["", "n/a", "1,250", "12 apples", "--"])
          expect([none, await read(none)]).toEqual([none, null]);
      });

      it("digests rows free of their order, and notices a changed, a doubled and a lost row", async () => {
        const { dialect } = rig.warehouse;
        const expressions = await quotedColumns("bids");
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

      it("digests what is said, not what it looks like: NULL, nothing and 'null', and where a cell ends", async () => {
        const { dialect } = rig.warehouse;
        const [, one = "", other = ""] = await quotedColumns("texts");
        const digest = async (...ids: readonly number[]) =>
          (
            await rows(
              `select ${dialect.rowsDigest([one, other])} from (select * from texts where text_id in (${ids.join(", ")})) as t`,
            )
          )[0]?.[0];
        // One row each: ('a', ''), ('', 'a'), (null, 'a'), ('null', 'a'), ('1:a', ''), ('1', 'a').
        const singles = await Promise.all([1, 2, 3, 4, 9, 10].map((id) => digest(id)));
        expect(new Set(singles).size).toBe(6);
        expect(await digest(5)).toBe(await digest(6));
        // Pairs of equal rows do not cancel each other out.
        const [pair, otherPair, both] = [await digest(5, 6), await digest(7, 8), await digest(5, 6, 7, 8)];
        expect(new Set([pair, otherPair, both, await digest(5)]).size).toBe(4);
        const none = (await rows(`select ${dialect.rowsDigest([])} from texts`))[0]?.[0];
        expect(none).toMatch(/^[0-9a-f]{32}$/);
      });

      it("gives the same digest over another connection, whatever the values' types", async () => {
        const { dialect } = rig.warehouse;
        const sql = `select ${dialect.rowsDigest(await quotedColumns("moments"))} from moments`;
        const other = await rig.open();
        try {
          const again = await other.query(sql);
          expect(again.ok && again.value.rows).toEqual(await rows(sql));
        } finally {
          await other.close();
        }
      });
    });
  });
}
