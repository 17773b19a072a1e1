// A blame is proved where a change at that place alone makes the failing rows pass.
import { describe, expect, test } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import { walkDeep } from "../../src/lineage/deep-walk.js";
import { standingOf } from "../../src/lineage/verdict.js";
import { build, type Spec, useEngine } from "./rig.js";

const bids = (vendor = "'v' || (i % 8)", amount = "cast(i * 10 as varchar)") =>
  `select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, ${vendor} as vendor_id, ${amount} as amount from range(40) t(i)`;
const vendors = "select 'v' || i as vendor_id, 'Vendor ' || i as name from range(8) t(i)";

async function look(spec: Spec) {
  const rig = await build(spec);
  const walk = await walkDeep({
    ...rig,
    test: "test.rig.t0",
    failingRows: { groupColumn: "state", sql: "select 1 where false" },
    lineage: await loadColumnLineage(rig.dialect.name),
    maxQueries: 40,
  });
  const verdict = walk.verdicts.get("VA");
  if (verdict === undefined) throw new Error("VA has no verdict");
  if (verdict.proof !== null)
    expect(await rig.query(verdict.proof.sql)).toMatchObject({ ok: true, value: { rows: [["0"]] } });
  return [standingOf(verdict), verdict.situation, verdict.node, verdict.proof?.says ?? null];
}

// The stand-in for Snowflake takes seconds for each, and the rows and keys are walked in it as well (rows.test.ts, keys.test.ts).
describe.each(["duckdb", "postgres"] as const)("in %s", (engine) => {
  useEngine(engine);

  test("nulls of a source: without those rows nothing fails", async () => {
    expect(
      await look({
        sources: { bids: bids("case when i < 6 then null else 'v' || (i % 8) end") },
        models: {
          stg: "with b as (select * from {{ bids }}) select id, state, trim(vendor_id) as vendor_id from b",
          eph: { sql: "select * from {{ stg }}", as: "ephemeral" },
          fct: "select eph.id, eph.state, eph.vendor_id from {{ eph }} as eph",
        },
        tests: [{ on: "fct", kind: "not_null", column: "vendor_id" }],
      }),
    ).toEqual(["proved", "raw-data", "source.rig.bids", "the rows of bids left out whose vendor_id is null"]);
  });

  test("a cast: with the column as it is nothing fails", async () => {
    expect(
      await look({
        sources: { bids: bids(undefined, "case when i < 4 then '1,000' else cast(i as varchar) end") },
        models: {
          stg: "with b as (select * from {{ bids }}) select id, state, try_cast(b.amount as decimal(18, 2)) as amount from b",
          fct: "select * from {{ stg }}",
        },
        tests: [{ on: "fct", kind: "not_null", column: "amount" }],
      }),
    ).toEqual(["proved", "made-here", "model.rig.stg", "b.amount as it is in place of that expression"]);
  });

  test("a fan-out: with one joined row for each key nothing fails", async () => {
    expect(
      await look({
        sources: {
          bids: bids(),
          contacts: "select 'v' || (i % 8) as vendor_id, 'c' || i as contact from range(32) t(i)",
        },
        models: {
          fct: "select b.id, b.state, c.contact from {{ bids }} as b left join {{ contacts }} as c on c.vendor_id = b.vendor_id",
        },
        tests: [{ on: "fct", kind: "unique", column: "id" }],
      }),
    ).toEqual(["proved", "fan-out", "model.rig.fct", "one row of contacts for each vendor_id"]);
  });

  test("a filter that drops rows: with it left out nothing fails", async () => {
    expect(
      await look({
        sources: { bids: bids(), vendors },
        models: {
          dim: "select vendor_id, name\nfrom {{ vendors }}\nwhere name not like '%4' and name not like '%5'",
          fct: "select id, state, vendor_id from {{ bids }}",
        },
        tests: [
          { on: "fct", kind: "relationships", column: "vendor_id", kwargs: { to: "ref('dim')", field: "vendor_id" } },
        ],
      }),
    ).toEqual(["proved", "rows-dropped", "model.rig.dim", "that condition left out"]);
  });

  test("repeated keys of a source: with one row a key nothing fails", async () => {
    expect(
      await look({
        sources: { bids: `${bids()} union all ${bids()} where i < 4` },
        models: { stg: "select * from {{ bids }}", fct: "select id, state from {{ stg }}" },
        tests: [{ on: "fct", kind: "unique", column: "id" }],
      }),
    ).toEqual(["proved", "raw-data", "source.rig.bids", "one row of bids for each id"]);
  });

  test("where another place makes some of the rows fail, too, the blame is supported only", async () => {
    expect(
      await look({
        sources: { bids: bids("case when i < 20 then null else 'v' || (i % 8) end") },
        models: {
          stg: "select id, state, case when id in (30, 31) then null else vendor_id end as vendor_id from {{ bids }}",
          fct: "select * from {{ stg }}",
        },
        tests: [{ on: "fct", kind: "not_null", column: "vendor_id" }],
      }),
    ).toEqual(["supported", "raw-data", "source.rig.bids", null]);
  });

  test("an incremental model that reads itself cannot be computed anew", async () => {
    expect(
      await look({
        sources: { bids: bids("case when i < 6 then null else 'v' || (i % 8) end") },
        models: {
          fct: {
            sql: "select * from {{ bids }} where id > (select count(*) - 41 from {{ fct }})",
            built: "select * from {{ bids }}",
            as: "incremental",
          },
        },
        tests: [{ on: "fct", kind: "not_null", column: "vendor_id" }],
      }),
    ).toEqual(["supported", "raw-data", "source.rig.bids", null]);
  });

  test("a join by the wrong column: with the right one nothing fails", async () => {
    expect(
      await look({
        sources: {
          bids: bids(),
          vendors: "select 'v' || i as vendor_id, 1000 + i as number, 'Vendor ' || i as name from range(8) t(i)",
        },
        models: {
          stg_vendors: "select vendor_id, cast(number as varchar) as vendor_number, name from {{ vendors }}",
          fct: "select b.id, b.state, v.name as vendor_name from {{ bids }} b left join {{ stg_vendors }} v on v.vendor_number = b.vendor_id",
        },
        tests: [{ on: "fct", kind: "not_null", column: "vendor_name" }],
      }),
    ).toEqual(["proved", "wrong-join-key", "model.rig.fct", "vendor_id in place of vendor_number in that join"]);
  });

  test("a model that is blamed is not proved by leaving out what fails in it", async () => {
    expect(
      await look({
        sources: { bids: bids() },
        models: {
          fct: "select id, state, case when id > 5 then vendor_id when id > 50 then state end as vendor_id from {{ bids }}",
        },
        tests: [{ on: "fct", kind: "not_null", column: "vendor_id" }],
      }),
    ).toEqual(["supported", "made-here", "model.rig.fct", null]);
  });
});
