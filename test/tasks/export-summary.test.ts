// The failing tests from a summary table instead of run_results.json.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";
import { exportConfig, exported, projectOf, summaryOf, tryExport } from "./export-rig.js";

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await temporaryDuckdb([
    "create schema audit",
    "create table audit.amount_given as select 'VA' as state, 1 as id union all select 'TX', 2",
    "create table audit.bid_unique as select 7 as unique_field, 2 as n_records",
    "create table audit.short_1a2b as select 'VA' as state",
    "create table bids as select 7 as bid_id, 'VA' as state union all select 7, 'TX'",
    `create table summary as select * from (values
      ('amount_given', 'VA', 1), ('amount_given', 'TX', 1), ('amount_given', 'FL', 5), ('BID_UNIQUE', '(all)', 1),
      ('short_1a2b', 'VA', 1), ('renamed_long_ago', 'VA', 3), ('passes', 'VA', 0), ('passes', 'TX', null), (null, 'VA', 2)
    ) as t(test_name, state, failures)`,
    "create table odd as select 'amount_given' as test, 'VA' as state, 'many' as failures",
  ]);
});
afterAll(() => temporary.close());

const project = projectOf(
  ["bids", "summary"],
  [
    { id: "amount_given" },
    { id: "bid_unique", kind: "unique", column: "bid_id", on: "bids" },
    { id: "a_very_long_name", stored: "short_1a2b" },
    { id: "passes" },
  ],
);

const table = (relation: string, columns: object = {}) =>
  exportConfig({
    summary: { table: { relation, columns: { test: "test_name", group: null, failures: "failures", ...columns } } },
  });

describe("a summary table", () => {
  it("names the failing tests; their rows come from the stored failures", async () => {
    const messages: string[] = [];
    const result = await exported(temporary.warehouse, project, {
      config: table("summary"),
      runResults: null,
      progress: (message) => messages.push(message),
    });
    expect(result.source).toBe("summary-table");
    expect(summaryOf(result)).toEqual([
      "amount_given@TX 1/1",
      "bid_unique@TX 1/1",
      "a_very_long_name@VA 1/1",
      "amount_given@VA 1/1",
      "bid_unique@VA 1/1",
    ]);
    expect(result.orphans).toEqual(["(null)", "renamed_long_ago"]);
    expect(result.notes).toEqual(["the summary table counts failures of amount_given in FL; no failing row is there"]);
    expect(messages).toEqual(expect.arrayContaining([...(result.notes ?? [])]));
  });

  it("counts failing tests that the config leaves out, each once", async () => {
    const config = { ...table("summary"), tests: { ...exportConfig().tests, include: ["amount_given", "short*"] } };
    const result = await exported(temporary.warehouse, project, { config, runResults: null });
    expect(result.leftOut).toBe(2);
    expect(result.notes?.[0]).toBe("tests.include: no test is called 'short*'");
    const bare = await exported(temporary.warehouse, null, { config, runResults: null });
    expect(bare.notes?.filter((note) => note.startsWith("tests."))).toEqual([]);
  });

  it("gives the same cases as dbt's own results", async () => {
    const fromTable = await exported(temporary.warehouse, project, { config: table("main.summary"), runResults: null });
    const narrowed = projectOf(["bids"], [...["amount_given"].map((id) => ({ id }))]);
    const fromResults = await exported(temporary.warehouse, narrowed);
    expect(fromTable.cases.filter((each) => each.test.name === "amount_given")).toEqual(fromResults.cases);
  });

  it("without a manifest finds the failures in the configured schema by the test's name", async () => {
    const config = { ...table("summary"), dbt: { ...exportConfig().dbt, failuresSchema: "audit" } };
    const result = await exported(temporary.warehouse, null, { config });
    expect(summaryOf(result)).toEqual([
      "BID_UNIQUE@(all) 1/1",
      "amount_given@TX 1/1",
      "amount_given@VA 1/1",
      "short_1a2b@VA 1/1",
    ]);
    expect(result.cases[0]?.test.id).toBe("summary.BID_UNIQUE");
    expect(result.broken.map(({ test }) => test.name)).toEqual(["renamed_long_ago"]);
  });

  it("that lacks mapped columns is refused with all of them, what it has, and a guess", async () => {
    const config = table("summary", { test: "test_nam", failures: "count_of_all", group: "STATE" });
    const result = await tryExport(temporary.warehouse, project, { config });
    expect(result.ok ? "ok" : result.failure).toEqual({
      code: "column-missing",
      message:
        "the summary table 'demo.main.summary' has no column 'test_nam', 'count_of_all'; it has test_name, state, failures",
      hint: "did you mean 'test_name' for 'test_nam'? Map them in summary.table.columns of audit.config.yaml.",
    });
  });

  it("that does not exist, has no name, or counts in words is refused", async () => {
    const code = async (config: ReturnType<typeof table>) => {
      const result = await tryExport(temporary.warehouse, project, { config });
      return result.ok ? "ok" : `${result.failure.code}: ${result.failure.message}`;
    };
    expect(await code(table("no_such"))).toMatch(/^relation-missing: there is no summary table 'no_such'/);
    expect(await code(table('a."b'))).toMatch(/^relation-missing: .*'a\."b'/);
    expect(await code(table("odd", { test: "test" }))).toMatch(
      /^artifacts-unreadable: .*holds 'many', which is no count/,
    );
  });

  it("that counts nothing makes an export without cases", async () => {
    const local = await temporaryDuckdb(["create table summary (test_name varchar, failures bigint)"]);
    const result = await exported(local.warehouse, project, { config: table("summary") });
    expect([result.cases, result.orphans, result.testsSeen]).toEqual([[], [], 0]);
    await local.close();
  });
});
