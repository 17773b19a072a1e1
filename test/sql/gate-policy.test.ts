// What is allowed besides the warehouse's own: by the config, and since the project itself does it; and the LIMIT.
import { describe, expect, it } from "vitest";
import { type GatePolicy, loadGate } from "../../src/sql/gate.js";
import { gatePolicy } from "../rig/gate.js";

type Name = GatePolicy["dialect"];
async function ask(dialect: Name, sql: string, more: Partial<GatePolicy> = {}): Promise<string> {
  const answer = (await loadGate(gatePolicy(dialect, more))).admit(sql, 11);
  return answer.ok ? answer.value : (answer.failure.detail ?? "");
}

describe("functions of a project's own", () => {
  const calls = "select analytics.to_cents(amount), tidy(state) from bids";
  it("are refused while nobody knows them, with the setting that allows them", async () => {
    const gate = await loadGate(gatePolicy("snowflake"));
    const answer = gate.admit(calls, 11);
    expect(answer).toMatchObject({
      failure: { code: "query-refused", hint: expect.stringContaining('"analytics.to_cents" to sql.functions') },
    });
  });
  it("pass where the config names them", async () => {
    const functions = ["ANALYTICS.TO_CENTS", "tidy"];
    expect(await ask("snowflake", calls, { functions })).toBe(`${calls}\nlimit 11`);
    expect(await ask("snowflake", "select ev.analytics.to_cents(1)", { functions })).toContain("limit 11");
    expect(await ask("snowflake", "select ev.tidy(1)", { functions })).toBe("function: ev.tidy");
  });
  it("pass where the project's own SQL calls them", async () => {
    const projectSql = () => ['select "ANALYTICS".to_cents(a), tidy ( b ) -- vault.reader(c)\nfrom x'];
    expect(await ask("snowflake", calls, { projectSql })).toBe(`${calls}\nlimit 11`);
    expect(await ask("snowflake", "select vault.reader(1)", { projectSql })).toBe("function: vault.reader");
  });
  it.each([
    ["postgres", "select pg_sleep(1)", "pg_sleep"],
    ["snowflake", "select system$wait(1)", "system$wait"],
    ["duckdb", "select getenv('HOME')", "getenv"],
  ] as const)("never make %s run what does more than read", async (dialect, sql, name) => {
    expect(await ask(dialect, sql, { functions: [name], projectSql: () => [sql] })).toBe(`function: ${name}`);
  });
});

describe("relations", () => {
  it("that the project's own SQL reads may be read, and their neighbours not", async () => {
    const projectSql = () => ["select k.x from legacy.orders k left join legacy.lines on true"];
    expect(await ask("duckdb", "select * from legacy.orders, LEGACY.lines", { projectSql })).toContain("limit 11");
    expect(await ask("duckdb", "select * from legacy.others", { projectSql })).toBe("relation: legacy.others");
    expect(await ask("duckdb", "select * from k.x", { projectSql })).toBe("relation: k.x");
  });
  it("without a schema are looked for where the warehouse looks: all of it must be readable", async () => {
    const path = [
      { database: "EV", schema: "MARTS" },
      { database: "EV", schema: "PUBLIC" },
    ];
    expect(await ask("snowflake", "select * from bids", { searchPath: path })).toBe("relation: BIDS");
    expect(await ask("snowflake", "select * from bids", { searchPath: [] })).toBe("relation: BIDS");
    expect(await ask("snowflake", "select * from marts.bids", { searchPath: [] })).toBe("relation: MARTS.BIDS");
    expect(await ask("snowflake", "select * from ev.marts.bids", { searchPath: [] })).toContain("limit 11");
    const schemas = [{ database: null, schema: "MARTS" }];
    expect(await ask("snowflake", "select * from marts.bids", { searchPath: [], schemas })).toContain("limit 11");
  });
  it("are told with the schemas that may be read", async () => {
    const answer = (await loadGate(gatePolicy("postgres"))).admit("select * from vault.keys", 11);
    expect(answer).toMatchObject({
      failure: {
        message: "the query is refused: vault.keys lies outside of the schemas that may be read",
        hint: "these may be read: demo.public, demo.failures; a person may add to sql.schemas in audit.config.yaml",
        detail: "relation: vault.keys",
      },
    });
  });
});

describe("the LIMIT", () => {
  it.each([
    ["select 1", "select 1\nlimit 11"],
    ["select 1 -- one", "select 1       \nlimit 11"],
    ["select 1 limit 5", "select 1 limit 5"],
    ["select 1 limit 500 offset 2;", "select 1 limit 11 offset 2 "],
    ["select 1 offset 2", "select 1 offset 2\nlimit 11"],
    ["select 1 union all select 2 limit 99", "select 1 union all select 2 limit 11"],
    ["(select 1 limit 99)", " select 1 limit 11 "],
    ["select * from (select 1 limit 99) as t", "select * from (select 1 limit 99) as t\nlimit 11"],
    ["select 1 fetch first 99 rows only", "select 1 fetch first 11 rows only"],
    ["select 1 limit 99999999999999999999999", "select 1 limit 11"],
  ])("%j runs as %j", async (given, handed) => {
    for (const dialect of ["duckdb", "postgres", "snowflake"] as const) expect(await ask(dialect, given)).toBe(handed);
  });
  it("lowers TOP where that is the limit", async () => {
    expect(await ask("snowflake", "select top 99 * from bids")).toBe("select top 11 * from bids");
    expect(await ask("snowflake", "select top 5 * from bids")).toBe("select top 5 * from bids");
  });
});
