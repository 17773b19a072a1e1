// Keys and references: where duplicates come in, and where references get lost.
import { describe, expect, test } from "vitest";
import { enginesHere } from "./engines.js";
import { type Spec, told, useEngine, walk } from "./rig.js";

const rows = (count: number, more = "") =>
  `select 'k' || i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, 'v' || (i % 8) as vendor_id${more} from range(${count}) t(i)`;
const twice = (where: string) =>
  `${rows(40)} union all ${rows(40).replace("from range(40) t(i)", `from range(40) t(i) where ${where}`)}`;
const unique = (on: string, column = "id") => [{ on, kind: "unique", column }];

async function says(spec: Spec): Promise<readonly string[]> {
  return told(await walk(spec, "check"));
}

describe.each(enginesHere)("in %s", (engine) => {
  useEngine(engine);

  describe("keys that repeat", () => {
    test("duplicates that the source has are raw data, through casts and ephemeral models", async () => {
      const result = await walk({
        sources: { bids: twice("i < 4") },
        models: {
          stg: { sql: "select lower(id) as id, state from {{ bids }}", as: "ephemeral" },
          fct: "select * from {{ stg }}",
        },
        tests: unique("fct"),
      });
      expect(told(result)).toEqual(["TX: raw-data source bids.id (high)", "VA: raw-data source bids.id (high)"]);
      expect(result.queries).toBeLessThanOrEqual(4);
    });

    test("a fan-out is the joined parent's where its key is declared unique, and is followed there", async () => {
      const spec: Spec = {
        sources: {
          bids: rows(40),
          vendors: "select 'v' || i as vendor_id, i as n from range(8) t(i) union all select 'v2', 9",
        },
        models: {
          stg_vendors: "select * from {{ vendors }}",
          fct: "select b.*, v.n from {{ bids }} as b join {{ stg_vendors }} as v on b.vendor_id = v.vendor_id",
        },
        tests: [...unique("fct"), { on: "stg_vendors", kind: "unique", column: "vendor_id" }],
      };
      expect(await says(spec)).toEqual(["VA: raw-data source vendors.vendor_id (high)"]);
    });

    test("a fan-out by a part of the parent's key, or by no key at all, is the joining model's", async () => {
      const catalog =
        "select 'v' || i as vendor_id, y as edition from range(8) t(i), range(2) s(y) where i < 3 or y = 0";
      const fct =
        "select b.*, c.edition from {{ bids }} as b left join {{ catalog }} as c on b.vendor_id = c.vendor_id";
      const key = {
        on: "catalog",
        kind: "unique_combination_of_columns",
        kwargs: { combination_of_columns: ["vendor_id", "edition"] },
      };
      const declared = await says({
        sources: { bids: rows(40), catalog },
        models: { fct },
        tests: [...unique("fct"), key],
      });
      expect(declared).toContain("VA: fan-out model fct.id (high)");
      const many = "select 'v' || (i % 8) as vendor_id, i as edition from range(80) t(i)";
      const undeclared = await says({
        sources: { bids: rows(40), catalog: many },
        models: { fct },
        tests: unique("fct"),
      });
      expect(undeclared).toContain("VA: fan-out model fct.id (high)");
    });

    test("different keys that a cast makes equal are the model's", async () => {
      const sources = {
        bids: "select cast(i as varchar) || case when i < 4 then '.' || s else '' end as id, 'VA' as state from range(20) t(i), range(2) u(s) where i < 4 or s = 0",
      };
      const models = {
        stg: "select cast(floor(cast(id as double precision)) as integer) as id, state from {{ bids }}",
        fct: "select * from {{ stg }}",
      };
      expect(await says({ sources, models, tests: unique("fct") })).toEqual(["VA: keys-collapse model stg.id (high)"]);
    });

    test("a union whose branches hold the same key", async () => {
      const spec = {
        sources: { old: rows(10), new: rows(40).replace("range(40)", "range(6, 40)") },
        models: { fct: "select id, state from {{ old }} union all select id, state from {{ new }}" },
        tests: unique("fct"),
      };
      expect(await says(spec)).toContain("VA: union-overlap model fct.id (high)");
    });

    test("a group by with a column too many is the model's: its input has another grain", async () => {
      const spec = {
        sources: {
          lines:
            "select 'k' || (i % 10) as id, 'VA' as state, case when i = 3 then 'b' else 'a' end as kind, i as amount from range(60) t(i)",
        },
        models: { fct: "select id, state, kind, sum(amount) as total from {{ lines }} group by id, state, kind" },
        tests: unique("fct"),
      };
      expect(await says(spec)).toEqual(["VA: made-here model fct.id (medium)"]);
    });

    test("a combination with nulls and hostile names is followed column by column", async () => {
      const raw =
        'select i as "a b", case when i < 2 then null else \'x\' end as "C""", \'VA\' as state from range(20) t(i)';
      const spec = {
        sources: { raw: `${raw} union all ${raw} where i = 1` },
        models: { stg: 'select "a b" as "Key 1", "C""" as k2, state from {{ raw }}' },
        tests: [
          { on: "stg", kind: "unique_combination_of_columns", kwargs: { combination_of_columns: ['"Key 1"', "k2"] } },
        ],
      };
      expect(await says(spec)).toEqual(['VA: raw-data source raw.a b, C" (high)']);
    });

    test("a surrogate key made of hashed columns is followed to those columns", async () => {
      const spec = {
        sources: { bids: twice("i = 0") },
        models: { stg: "select md5(id || '-' || vendor_id) as bid_key, state from {{ bids }}" },
        tests: unique("stg", "bid_key"),
      };
      expect(await says(spec)).toEqual(["VA: raw-data source bids.id, vendor_id (high)"]);
    });

    test("a model that dedupes most keys but not these is blamed itself", async () => {
      const spec = {
        sources: { bids: `${twice("i < 12")}` },
        models: {
          stg: "select id, state from (select *, row_number() over (partition by id order by vendor_id) as n from {{ bids }}) as numbered where n = 1 or id = 'k2'",
        },
        tests: unique("stg"),
      };
      expect(await says(spec)).toEqual(["VA: incomplete-dedupe model stg.id (medium)"]);
    });

    test("two groups of one test end at different causes", async () => {
      const spec: Spec = {
        sources: {
          bids: `select * from (${twice("i = 2")}) as doubled where not (state = 'TX' and false)`,
          vendors:
            "select 'v' || i as vendor_id, case when i = 3 then 'x' else 'y' end as kind from range(8) t(i) union all select 'v3', 'z'",
        },
        models: {
          stg_vendors: "select * from {{ vendors }}",
          fct: "select b.id, b.state, v.kind from {{ bids }} as b left join {{ stg_vendors }} as v on b.vendor_id = v.vendor_id",
        },
        tests: [...unique("fct"), { on: "stg_vendors", kind: "unique", column: "vendor_id" }],
      };
      expect(await says(spec)).toEqual([
        "TX: raw-data source vendors.vendor_id (high)",
        "VA: raw-data source bids.id (high)",
      ]);
    });
  });

  describe("references that lead nowhere", () => {
    const relationships = (on = "fct") => [
      { on, kind: "relationships", column: "vendor_id", kwargs: { to: "ref('dim')", field: "vendor_id" } },
    ];
    const vendors = "select 'v' || i as vendor_id, i as n from range(8) t(i)";

    test("a filter in the parent, also two models up, is blamed where it is", async () => {
      const spec = {
        sources: { bids: rows(40), vendors },
        models: {
          stg_vendors: "select * from {{ vendors }} where n <> 2",
          dim: "select vendor_id from {{ stg_vendors }}",
          fct: "select * from {{ bids }}",
        },
        tests: relationships(),
      };
      expect(await says(spec)).toEqual(["VA: rows-dropped model stg_vendors.vendor_id (high)"]);
    });

    test("a child's model that changes the key", async () => {
      const spec = {
        sources: { bids: rows(40), vendors },
        models: {
          dim: "select * from {{ vendors }}",
          stg: "select id, state, case when id in ('k1', 'k3') then upper(vendor_id) else vendor_id end as vendor_id from {{ bids }}",
          fct: "select * from {{ stg }}",
        },
        tests: relationships(),
      };
      expect(await says(spec)).toEqual(["TX: key-changed model stg.vendor_id (high)"]);
    });

    test("a parent's model that changes the key", async () => {
      const spec = {
        sources: { bids: rows(40), vendors },
        models: {
          dim: "select case when n = 2 then vendor_id || '-x' else vendor_id end as vendor_id from {{ vendors }}",
          fct: "select * from {{ bids }}",
        },
        tests: relationships(),
      };
      expect(await says(spec)).toEqual(["VA: key-changed model dim.vendor_id (high)"]);
    });

    test("an orphan of the child's source, and a parent's row that many children lack", async () => {
      const models = { dim: "select * from {{ vendors }}", fct: "select * from {{ bids }}" };
      const child = {
        bids: rows(40).replace("'v' || (i % 8)", "case when i < 2 then 'q' || i else 'v' || (i % 8) end"),
        vendors,
      };
      expect(await says({ sources: child, models, tests: relationships() })).toEqual([
        "TX: orphan source bids.vendor_id (medium)",
        "VA: orphan source bids.vendor_id (medium)",
      ]);
      const parent = { bids: rows(40), vendors: `${vendors} where i <> 2` };
      expect(await says({ sources: parent, models, tests: relationships() })).toEqual([
        "VA: orphan source vendors.vendor_id (medium)",
      ]);
    });
  });
});
