// Inside a blamed model: which CTE, which construct, and which lines of the file.
import { expect, test } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import { walkDeep } from "../../src/lineage/deep-walk.js";
import { build, type Spec } from "./rig.js";

const bids = (amount = "cast(i * 10 as varchar)") =>
  `select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, 'v' || (i % 8) as vendor_id, ${amount} as amount from range(40) t(i)`;
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
  return { situation: verdict?.situation, node: verdict?.node, inside: verdict?.inside };
}

test("a cast in one of several CTEs is named with its lines", async () => {
  const model = [
    "with source as (",
    "  select * from {{ bids }}",
    "),",
    "renamed as (",
    "  select id, state, vendor_id,",
    "    -- text with commas becomes null",
    "    try_cast(amount as decimal(18, 2))",
    "      as amount",
    "  from source",
    "),",
    "final as (select *, amount > 0 as is_paid from renamed)",
    "select * from final",
  ].join("\n");
  expect(
    await look({
      sources: { bids: bids("case when i < 4 then '1,000' else cast(i as varchar) end") },
      models: { stg: model, fct: "select * from {{ stg }}" },
      tests: [{ on: "fct", kind: "not_null", column: "amount" }],
    }),
  ).toMatchObject({
    situation: "made-here",
    node: "model.rig.stg",
    inside: {
      cte: "renamed",
      expression: { kind: "cast", sql: "try_cast(amount as decimal(18, 2))\n      as amount" },
      lines: { first: 7, last: 8 },
    },
  });
});

test("a join that repeats rows is named with the join", async () => {
  const model = [
    "with b as (select * from {{ bids }}),",
    "names as (select vendor_id, name from {{ vendors }} union all select vendor_id, name || ' Inc' from {{ vendors }}),",
    "joined as (",
    "  select b.id, b.state, n.name",
    "  from b",
    "  left join names as n",
    "    on n.vendor_id = b.vendor_id",
    "  where b.id >= 0",
    ")",
    "select * from joined",
  ].join("\n");
  expect(
    await look({
      sources: { bids: bids(), vendors },
      models: { fct: model },
      tests: [{ on: "fct", kind: "unique", column: "id" }],
    }),
  ).toMatchObject({
    node: "model.rig.fct",
    inside: { cte: "joined", expression: { kind: "join" }, lines: { first: 6, last: 7 } },
  });
});

test("a CASE in a model that is one query is named without a CTE", async () => {
  expect(
    await look({
      sources: { bids: bids() },
      models: { fct: "select id,\n  state,\n  case when id > 5 then vendor_id end as vendor_id\nfrom {{ bids }}" },
      tests: [{ on: "fct", kind: "not_null", column: "vendor_id" }],
    }),
  ).toMatchObject({ inside: { cte: null, expression: { kind: "case" }, lines: { first: 3, last: 3 } } });
});

test("of a source nothing inside is told", async () => {
  expect(
    await look({
      sources: { bids: bids("case when i < 4 then null else cast(i as varchar) end") },
      models: { fct: "with b as (select * from {{ bids }}) select * from b" },
      tests: [{ on: "fct", kind: "not_null", column: "amount" }],
    }),
  ).toMatchObject({ situation: "raw-data", inside: null });
});
