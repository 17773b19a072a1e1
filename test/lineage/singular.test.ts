// Singular tests: their SQL is taken apart into what it asks of one relation.
import { describe, expect, test } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import { singularOf } from "../../src/lineage/singular.js";
import { type Spec, told, walk } from "./rig.js";

const bids = (more = "'v' || (i % 8) as vendor_id, i * 10 as amount") =>
  `select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, ${more} from range(40) t(i)`;
const singular = (sql: string) => [{ on: "fct", kind: "singular", sql }];
const both = (text: string) => [`TX: ${text}`, `VA: ${text}`];

describe("a singular test is followed", () => {
  test("where it asks for a null, like not_null", async () => {
    const spec: Spec = {
      sources: { bids: bids("case when i < 6 then null else 'v' end as vendor_id") },
      models: { stg: "select * from {{ bids }}", fct: "select id, state, vendor_id from {{ stg }}" },
      tests: singular("select f.state, f.id from {{ fct }} as f where f.vendor_id is null"),
    };
    expect(told(await walk(spec, "check"))).toEqual(both("raw-data source bids.vendor_id (high)"));
  });

  test("where it asks a condition of one relation behind its own CTEs", async () => {
    const spec: Spec = {
      sources: { bids: bids("i * 10 as amount") },
      models: {
        stg: "select id, state, case when id < 6 then -1 * amount - 1 else amount end as amount from {{ bids }}",
        fct: "select * from {{ stg }}",
      },
      tests: singular(
        "with rows_of as (select id, state, amount from {{ fct }}),\nlow as (select * from rows_of)\nselect * from low where amount < 0",
      ),
    };
    expect(told(await walk(spec, "check"))).toEqual(both("made-here model stg.amount (medium)"));
  });

  test("where it counts keys, like unique", async () => {
    const spec: Spec = {
      sources: { bids: `${bids()} union all ${bids()} where i < 4` },
      models: { fct: "select id, state from {{ bids }}" },
      tests: singular(
        "select state, id, count(*) as n from {{ fct }} where id >= 0 group by state, id having count(*) > 1",
      ),
    };
    expect(told(await walk(spec, "check"))).toEqual(both("raw-data source bids.state, id (high)"));
  });

  test("where a left join of it finds nothing, like relationships", async () => {
    const spec: Spec = {
      sources: { bids: bids(), vendors: "select 'v' || i as vendor_id, 'Vendor ' || i as name from range(8) t(i)" },
      models: {
        dim: "select vendor_id, name from {{ vendors }} where name not like '%4' and name not like '%5'",
        fct: "select id, state, vendor_id from {{ bids }}",
      },
      tests: singular(
        "select f.* from {{ fct }} f left join {{ dim }} d on f.vendor_id = d.vendor_id where d.vendor_id is null and f.vendor_id is not null",
      ),
    };
    expect(told(await walk(spec, "check"))).toEqual(both("rows-dropped model dim.vendor_id (high)"));
  });

  test("but not to its own SQL, where that makes what it finds", async () => {
    const spec: Spec = {
      sources: { bids: bids() },
      models: { fct: "select * from {{ bids }}" },
      tests: singular(
        "with odd as (select id, state, amount - 1000 as amount from {{ fct }}) select * from odd where amount < 0",
      ),
    };
    const result = await walk(spec);
    expect(told(result)).toEqual(both("undecided - -.amount (low)"));
    expect(result.verdicts.get("VA")?.reason).toContain("the test's own SQL");
  });
});

test.each([
  ["select * from a join b on a.x = b.x where a.y > b.y", "several relations"],
  ["select * from a where x > (select avg(x) from b)", "more than a condition"],
  ["select x from a group by x having sum(y) > 3", "groups of rows"],
  ["select * from a", "no condition"],
  ["select 1 from a where x = 1 union all select 2 from b", "cannot be taken apart"],
  ["select * from a qualify row_number() over (partition by x order by y) > 1", "with one another"],
  ["select * from a where x in (1", "more than a condition"],
  ["select * from (select * from a) q where x = 1", "no relation by name"],
])("what cannot be lifted is told why: %s", async (sql, reason) => {
  expect(singularOf(sql, "duckdb", await loadColumnLineage("duckdb"))).toContain(reason);
});
