// From failing tests to cases, on a real DuckDB with tables as dbt stores them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failed } from "../../src/model/result.js";
import type { Warehouse } from "../../src/model/warehouse.js";
import { recorded, type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";
import {
  type ConfigChanges,
  checkRows,
  exportConfig,
  exported,
  projectOf,
  resultsOf,
  summaryOf,
  tryExport,
} from "./export-rig.js";

const bids = `create table bids as select * from (values
  (1, 'VA', 1, 'open', 10), (2, 'VA', 1, 'open', 20), (2, 'VA', 2, 'bad', 30), (2, 'TX', 99, 'odd', 40),
  (3, 'VA', 98, 'bad', 50), (3, 'TX', 99, 'open', 60), (4, 'TX', null, 'open', null), (5, null, 1, 'bad', null),
  (6, 'FL', 99, 'open', 70), (7, 'FL', 1, 'open', 80)
) as t(bid_id, state, vendor_id, status, amount)`;

const stored = (name: string, sql: string) => `create table audit."${name}" as ${sql}`;

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await temporaryDuckdb([
    "create schema audit",
    bids,
    "create table regions as select 1 as region_id",
    stored("amount_given", "select * from bids where amount is null"),
    stored(
      "bid_unique",
      "select bid_id as unique_field, count(*) as n_records from bids group by 1 having count(*) > 1",
    ),
    stored(
      "status_known",
      "select status as value_field, count(*) as n_records from bids where status <> 'open' group by 1",
    ),
    stored("vendor_known", "select vendor_id as from_field from bids where vendor_id > 90 and state <> 'FL'"),
    stored("pair_unique", "select vendor_id, amount from bids where bid_id in (3, 4)"),
    stored(
      "expression_unique",
      "select 'X' || bid_id as unique_field, 2 as n_records from bids where bid_id = 2 limit 1",
    ),
    stored("no_state", "select count(*) as n from bids"),
    stored("region_missing", "select 1 as region_id"),
    stored(
      "gone_since",
      "select 1000 + bid_id as unique_field, 2 as n_records from bids where bid_id in (2, 3) and state = 'VA'",
    ),
    stored("emptied", "select * from bids where false"),
    stored("limited", "select state from bids limit 1"),
    `create view audit.broken as select * from (select 'VA' as state) where error('boom') is null`,
    stored("bad_where", "select bid_id as unique_field, 2 as n_records from bids where bid_id = 2 limit 1"),
  ]);
});
afterAll(() => temporary.close());

describe("splitting", () => {
  it("takes the group column of the stored rows where they have it", async () => {
    const project = projectOf(["bids"], [{ id: "amount_given", kind: "not_null", column: "amount", on: "bids" }]);
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual(["amount_given@(null) 1/1", "amount_given@TX 1/1"]);
    expect(result.cases[0]?.failingRows).toMatchObject({ source: "stored", groupColumn: "state" });
    await checkRows(temporary.warehouse, result);
  });

  it("joins unique, accepted_values and relationships back to the tested model, in dbt's unit and in rows", async () => {
    const project = projectOf(
      ["bids"],
      [
        { id: "bid_unique", kind: "unique", column: "bid_id", on: "bids" },
        { id: "status_known", kind: "accepted_values", column: "status", on: "bids" },
        {
          id: "vendor_known",
          kind: "relationships",
          column: "vendor_id",
          on: "bids",
          config: { where: "state <> 'FL' -- x" },
        },
        { id: "expression_unique", kind: "unique", column: "'X' || bid_id", on: "bids" },
      ],
    );
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual([
      "status_known@(null) 1/1",
      "bid_unique@TX 2/2",
      "expression_unique@TX 1/1",
      "status_known@TX 1/1",
      "vendor_known@TX 2/2",
      "bid_unique@VA 2/3",
      "expression_unique@VA 1/2",
      "status_known@VA 1/2",
      "vendor_known@VA 1/1",
    ]);
    expect(result.unsplit).toEqual([]);
    expect(new Set(result.cases.map((each) => each.failingRows.source))).toEqual(new Set(["joined"]));
    await checkRows(temporary.warehouse, result);
  });

  it("joins any generic test whose stored columns are columns of the tested model, NULL to NULL", async () => {
    const project = projectOf(["bids"], [{ id: "pair_unique", kind: "unique_combination_of_columns", on: "bids" }]);
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual(["pair_unique@TX 2/2", "pair_unique@VA 1/1"]);
  });

  it("puts a test that cannot be split into (all), with the reason", async () => {
    const project = projectOf(
      ["bids", "regions"],
      [
        { id: "no_state" },
        { id: "region_missing", kind: "not_null", column: "region_id", on: "regions" },
        { id: "status_known", kind: "custom", on: "bids" },
        { id: "bad_where", kind: "unique", column: "bid_id", on: "bids", config: { where: "no_such_column = 1" } },
      ],
    );
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual([
      "bad_where@(all) 1/1",
      "no_state@(all) 1/1",
      "region_missing@(all) 1/1",
      "status_known@(all) 2/2",
    ]);
    const reasons = Object.fromEntries(result.unsplit.map(({ test, reason }) => [test, reason]));
    expect(reasons.no_state).toBe("its failing rows have no column 'state'");
    expect(reasons.region_missing).toBe("its failing rows have no column 'state', and neither has demo.main.regions");
    expect(reasons.status_known).toContain("not all of 'value_field', 'n_records' are columns of it");
    expect(reasons.bad_where).toMatch(/^its failing rows could not be joined to the tested relation: .*no_such_column/);
    await checkRows(temporary.warehouse, result);
  });

  it("says with its next step what the warehouse refused of the tested relation, which it may not the next time", async () => {
    const tests = [
      { id: "bid_unique", kind: "unique", column: "bid_id", on: "bids" },
      { id: "pair_unique", kind: "custom", on: "gone" },
      { id: "no_state" },
    ];
    const mayNotRead: Warehouse = {
      ...temporary.warehouse,
      query: async (sql, options) =>
        sql.includes('"bids"')
          ? failed("grant-missing", "role auditor may not read bids", { hint: "GRANT SELECT ON bids TO auditor;" })
          : temporary.warehouse.query(sql, options),
    };
    const { unsplit, broken } = await exported(mayNotRead, projectOf(["bids", "gone"], tests));
    expect(broken).toEqual([]);
    const because = "role auditor may not read bids; GRANT SELECT ON bids TO auditor;";
    const away = "its failing rows have no column 'state', and the relation that it tests is not in the warehouse";
    expect(unsplit).toEqual([
      {
        test: "bid_unique",
        reason: `its failing rows could not be joined to the tested relation: ${because}`,
        transient: true,
      },
      { test: "no_state", reason: "its failing rows have no column 'state'" },
      { test: "pair_unique", reason: away, transient: true },
    ]);
  });

  it("keeps stored rows that the tested model no longer has, in (all)", async () => {
    const project = projectOf(["bids"], [{ id: "gone_since", kind: "unique", column: "bid_id", on: "bids" }]);
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual(["gone_since@(all) 3/3"]);
    expect(result.unsplit[0]?.reason).toMatch(/^3 failing rows have no counterpart in the tested relation/);
    await checkRows(temporary.warehouse, result);
  });

  it("maps raw values to groups, several to one, and keeps the raw column", async () => {
    const project = projectOf(
      ["bids"],
      [
        { id: "amount_given", kind: "not_null", column: "amount", on: "bids" },
        { id: "bid_unique", kind: "unique", column: "bid_id", on: "bids" },
      ],
    );
    const config = exportConfig({
      groupBy: { columns: ["region", "STATE"], map: { VA: "East", TX: "East", "it's": "x" } },
    });
    const result = await exported(temporary.warehouse, project, { config });
    expect(summaryOf(result)).toEqual(["amount_given@(null) 1/1", "amount_given@East 1/1", "bid_unique@East 2/5"]);
    expect(result.cases.map((each) => each.failingRows.groupColumn)).toEqual([
      "audit_group",
      "audit_group",
      "audit_group",
    ]);
    const rows = await temporary.warehouse.query(
      `select state, audit_group from (${result.cases[2]?.failingRows.sql})`,
    );
    expect(rows.ok && rows.value.rows.map(String).sort()).toEqual([
      "TX,East",
      "TX,East",
      "VA,East",
      "VA,East",
      "VA,East",
    ]);
    await checkRows(temporary.warehouse, result);
  });
});

describe("where failing rows come from", () => {
  it("is the compiled SQL where nothing is stored, and where a limit may have cut the table", async () => {
    const compiled = "select state, bid_id, bid_id from bids where amount is null -- the end";
    const project = projectOf(
      ["bids"],
      [
        { id: "unstored", stored: null, compiled },
        { id: "limited", compiled, config: { limit: 1 } },
        {
          id: "unstored_unique",
          kind: "unique",
          column: "bid_id",
          on: "bids",
          stored: "no_such_table",
          compiled: "select bid_id as unique_field, count(*) as n_records from bids group by 1 having count(*) > 1;\n",
        },
      ],
    );
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual([
      "limited@(null) 1/1",
      "unstored@(null) 1/1",
      "limited@TX 1/1",
      "unstored@TX 1/1",
      "unstored_unique@TX 2/2",
      "unstored_unique@VA 2/3",
    ]);
    expect(result.cases[0]?.failingRows).toMatchObject({ source: "compiled", relation: null });
    await checkRows(temporary.warehouse, result);
  });

  it("is the compiled SQL too where the table is empty while the test fails now", async () => {
    const project = projectOf(["bids"], [{ id: "emptied", compiled: "select * from bids where amount is null" }]);
    const result = await exported(temporary.warehouse, project);
    expect(summaryOf(result)).toEqual(["emptied@(null) 1/1", "emptied@TX 1/1"]);
  });

  it("is the schema of the config where the manifest names no table", async () => {
    const project = projectOf(["bids"], [{ id: "amount_given", stored: null }]);
    const config = exportConfig({ dbt: { failuresSchema: "demo.audit" } });
    expect(summaryOf(await exported(temporary.warehouse, project, { config }))).toHaveLength(2);
  });

  it("is listed as broken where there is none, where it cannot run, and where dbt could not run the test", async () => {
    const project = projectOf(
      ["bids"],
      [
        { id: "amount_given" },
        { id: "broken" },
        { id: "nowhere", stored: "no_such_table" },
        { id: "bad_sql", stored: null, compiled: "select * from no_such_table" },
        { id: "emptied" },
        { id: "errored" },
      ],
    );
    const runResults = resultsOf(project, { errored: "error" });
    const result = await exported(temporary.warehouse, project, { runResults });
    expect(summaryOf(result)).toEqual(["amount_given@(null) 1/1", "amount_given@TX 1/1"]);
    const messages = Object.fromEntries(result.broken.map(({ test, message }) => [test.name, message]));
    expect(Object.keys(messages)).toEqual(["bad_sql", "broken", "emptied", "errored", "nowhere"]);
    expect(messages.bad_sql).toContain("no_such_table");
    expect(messages.broken).toContain("boom");
    expect(messages.nowhere).toContain("there is no table demo.audit.no_such_table");
    expect(messages.errored).toBe("Database Error: boom");
  });
});

describe("which tests", () => {
  const project = projectOf(
    ["bids"],
    [
      { id: "amount_given", kind: "not_null", on: "bids", config: { severity: "warn" } },
      { id: "no_state" },
      { id: "vendor_known" },
      { id: "fixed", stored: "no_state", compiled: "select 1 where false" },
    ],
  );

  it("fail is narrowed by name and by what dbt made of them", async () => {
    const names = async (tests: ConfigChanges["tests"] & object, statuses = {}) => {
      const result = await exported(temporary.warehouse, project, {
        config: exportConfig({ tests }),
        runResults: resultsOf(project, statuses),
      });
      return [...new Set(result.cases.map((each) => each.test.name))].sort();
    };
    expect(await names({ include: ["*_state", "vendor?known"] })).toEqual(["no_state", "vendor_known"]);
    expect(await names({ exclude: ["no_*"] })).toEqual(["amount_given", "vendor_known"]);
    expect(await names({ severity: ["error"] }, { amount_given: "warn" })).toEqual(["no_state", "vendor_known"]);
    expect(await names({}, { amount_given: "pass", no_state: "skipped" })).toEqual(["vendor_known"]);
  });

  it("fail and are left out by the config is counted, and a pattern that fits no test is told", async () => {
    const left = async (tests: ConfigChanges["tests"] & object, statuses = {}) => {
      const runResults = resultsOf(project, statuses);
      const { cases, leftOut, notes } = await exported(temporary.warehouse, project, {
        config: exportConfig({ tests }),
        runResults,
      });
      return { cases: cases.length > 0, leftOut, notes };
    };
    const statuses = { amount_given: "warn", fixed: "pass" };
    expect(await left({}, statuses)).toEqual({ cases: true, leftOut: 0, notes: [] });
    expect(await left({ include: ["nosuch*"] }, statuses)).toEqual({
      cases: false,
      leftOut: 3,
      notes: ["tests.include: no test is called 'nosuch*'"],
    });
    expect(await left({ exclude: ["no_stat", "fixed"], severity: ["error"] }, statuses)).toEqual({
      cases: true,
      leftOut: 1,
      notes: [
        "tests.exclude: no test is called 'no_stat'; did you mean 'no_state'?",
        "groupBy: no failing test could be split by 'state'; is the column called so?",
      ],
    });
  });

  it("fit a pattern is asked of the results' tests too, where no manifest knows them", async () => {
    const { leftOut, notes } = await exported(temporary.warehouse, null, {
      runResults: resultsOf(project),
      config: exportConfig({ tests: { include: ["amount_*", "gone"], exclude: ["*"] } }),
    });
    expect({ leftOut, notes }).toEqual({ leftOut: 4, notes: ["tests.include: no test is called 'gone'"] });
  });

  it("none of them has the column of groupBy is told: it may be misspelt", async () => {
    const notesOf = async (columns: readonly string[]) => {
      const config = exportConfig();
      const result = await exported(temporary.warehouse, project, {
        config: { ...config, groupBy: { ...config.groupBy, columns } },
      });
      return { groups: [...new Set(result.cases.map((each) => each.group.key))], notes: result.notes };
    };
    expect(await notesOf(["sate", "sates"])).toEqual({
      groups: ["(all)"],
      notes: ["groupBy: no failing test could be split by 'sate' or 'sates'; is the column called so?"],
    });
    expect((await notesOf(["state"])).notes).toEqual([]);
  });

  it("pass now is said, and they make no case", async () => {
    const result = await exported(temporary.warehouse, project);
    expect(result.noLongerFailing.map((test) => test.name)).toEqual(["fixed"]);
    expect(result.cases.some((each) => each.test.name === "fixed")).toBe(false);
    expect(result.testsSeen).toBe(4);
  });

  it("failed in the last export and pass now is said too", async () => {
    const previous = await exported(temporary.warehouse, project);
    const fixed = { ...previous.cases[0]?.test, id: "test.demo.fixed", name: "fixed" };
    const earlier = {
      ...previous,
      cases: [...previous.cases, { ...previous.cases[0], test: fixed }],
    } as typeof previous;
    const statuses = { amount_given: "pass", fixed: "other", no_state: "skipped" } as const;
    const result = await exported(temporary.warehouse, project, {
      previous: earlier,
      runResults: resultsOf(project, statuses),
    });
    expect(result.noLongerFailing.map((test) => test.name)).toEqual(["amount_given", "fixed"]);
  });

  it("share a name in two packages get the package's name, and what they have in common stays apart", async () => {
    const twins = projectOf(
      ["bids"],
      [
        { id: "a", name: "amount_given" },
        { id: "a", name: "amount_given", package: "other" },
        { id: "b1", name: "no_state", stored: "no_state" },
        { id: "b2", name: "no_state", stored: "no_state" },
      ],
    );
    const result = await exported(temporary.warehouse, twins);
    expect([...new Set(result.cases.map((each) => each.test.name))].sort()).toEqual([
      "demo.amount_given",
      "other.amount_given",
      "test.demo.b1",
      "test.demo.b2",
    ]);
    expect(new Set(result.cases.map((each) => each.id)).size).toBe(result.cases.length);
  });

  it("are none: an export without cases; and no results at all: a failure that says what to do", async () => {
    const none = await exported(temporary.warehouse, projectOf([], []));
    expect(none).toMatchObject({ cases: [], broken: [], testsSeen: 0, source: "artifacts", dbtInvocationId: "i-1" });
    const missing = await tryExport(temporary.warehouse, null);
    expect(missing.ok ? "ok" : missing.failure.code).toBe("artifacts-missing");
  });
});

it("gives hostile, long and look-alike values groups of their own", async () => {
  const values = [
    "VA",
    "va",
    "",
    "(all)",
    "(null)",
    '"q"',
    "../../x",
    "a/b",
    "NULL",
    "it's",
    "x".repeat(300),
    "; drop",
  ];
  const rows = [...values.map((value) => `('${value.replaceAll("'", "''")}')`), "(null)"];
  const local = await temporaryDuckdb([
    "create schema audit",
    `create table audit.hostile as select * from (values ${rows.join(", ")}) as t(state)`,
  ]);
  const result = await exported(local.warehouse, projectOf([], [{ id: "hostile" }]));
  expect(result.cases.map((each) => each.group.key).sort()).toEqual(
    ["(empty)", "(null)", '"(all)"', '"(null)"', '"\\"q\\""', ...values.filter((value) => /^[^("]/.test(value))].sort(),
  );
  await checkRows(local.warehouse, result);
  await local.close();
});

describe("the digest of a case", () => {
  const project = projectOf([], [{ id: "t" }]);
  const digests = async (sql: string, digestIgnore: string[] = []) => {
    const local = await temporaryDuckdb(["create schema audit", `create table audit.t as ${sql}`]);
    const result = await exported(local.warehouse, project, { config: exportConfig({ digestIgnore }) });
    await local.close();
    return Object.fromEntries(result.cases.map((each) => [each.group.key, each.rowsDigest]));
  };
  const base = "select * from (values ('VA', 1, 'a'), ('VA', 2, 'b'), ('TX', 3, 'c')) as t(state, id, loaded_at)";

  it("changes for the group whose row changed, and for no other", async () => {
    const before = await digests(base);
    const after = await digests(base.replace("2, 'b'", "9, 'b'"));
    expect(after.TX).toBe(before.TX);
    expect(after.VA).not.toBe(before.VA);
  });

  it("knows neither the order of rows, nor of columns, nor ignored columns", async () => {
    const before = await digests(base, ["LOADED_*"]);
    const after = await digests(
      "select loaded_at, id, state from (values ('TX', 3, 'z'), ('VA', 2, 'y'), ('VA', 1, 'x')) as t(state, id, loaded_at)",
      ["loaded_*"],
    );
    expect(after).toEqual(before);
  });
});

describe("many tests", () => {
  it("need few statements: 200 tests with 50 groups each in 11, so 1,000 in 51", async () => {
    const local = await temporaryDuckdb([
      "create schema audit",
      "create table audit.t as select 'S' || i % 50 as state, i as id from range(100) t(i)",
    ]);
    const tests = Array.from({ length: 200 }, (_, index) => ({
      id: `t${index}`,
      stored: "t",
      compiled: "select * from demo.audit.t",
    }));
    const { warehouse, statements } = recorded(local.warehouse);
    const result = await exported(warehouse, projectOf([], tests));
    expect(result.cases).toHaveLength(10_000);
    expect(statements.length).toBe(11);
    await local.close();
  });

  it("are not sunk by a broken one among them, and each is asked few times", async () => {
    const { warehouse, statements } = recorded(temporary.warehouse);
    const tests = Array.from({ length: 60 }, (_, index) => ({
      id: `t${index}`,
      stored: index === 33 ? "broken" : "no_state",
    }));
    const result = await exported(warehouse, projectOf([], tests));
    expect(result.cases).toHaveLength(59);
    expect(result.broken.map(({ test }) => test.name)).toEqual(["t33"]);
    expect(statements.length).toBeLessThan(20);
  });

  it("end at once when cancelled", async () => {
    const controller = new AbortController();
    controller.abort();
    const result = await tryExport(temporary.warehouse, projectOf([], [{ id: "no_state" }]), {
      signal: controller.signal,
    });
    expect(result.ok ? "ok" : result.failure.code).toBe("aborted");
  });
});

it("says so where a column splits a test into more than 10,000 groups", async () => {
  const local = await temporaryDuckdb([
    "create schema audit",
    "create table audit.t as select i as state from range(10001) t(i)",
    "create table audit.u as select i as state from range(10000) t(i)",
  ]);
  const result = await exported(local.warehouse, projectOf([], [{ id: "t" }, { id: "u" }]));
  expect(result.cases).toHaveLength(10_000);
  expect(result.broken[0]?.message).toMatch(/'state' splits its failing rows into more than 10000 groups/);
  await local.close();
});
