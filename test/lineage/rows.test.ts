// Tests of single rows: the walk stops at the first relation whose rows are right.
import { describe, expect, test } from "vitest";
import { enginesHere } from "./engines.js";
import { told, useEngine, walk } from "./rig.js";

/** 40 bids, states VA and TX in turn. */
const bids = (vendor = "'v' || (i % 8)", amount = "cast(i * 10 as varchar)", more = "") =>
  `select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, ${vendor} as vendor_id, ${amount} as amount${more} from range(40) t(i)`;
const vendors = "select 'v' || i as vendor_id, 'Vendor ' || i as name, 'DBE' as kind from range(8) t(i)";
const notNull = (on: string, column: string) => [{ on, kind: "not_null", column }];

describe.each(enginesHere)("in %s", (engine) => {
  useEngine(engine);

  describe("values of single rows", () => {
    test("a null that the source already has is raw data, however many models pass it on", async () => {
      const result = await walk(
        {
          sources: { bids: bids("case when i < 6 then null else 'v' || (i % 8) end") },
          models: {
            stg: "with bids as (select * from {{ bids }}) select id, state, trim(vendor_id) as vendor_id from bids",
            int: "select * from {{ stg }}",
            fct: "select i.id, i.state, i.vendor_id from {{ int }} as i",
          },
          tests: notNull("fct", "vendor_id"),
        },
        "check",
      );
      expect(told(result)).toEqual([
        "TX: raw-data source bids.vendor_id (high)",
        "VA: raw-data source bids.vendor_id (high)",
      ]);
      expect(result.verdicts.get("VA")?.path.map((hop) => [hop.resource, hop.seen, hop.failing])).toEqual([
        ["model.rig.fct", 3, 3],
        ["model.rig.int", 3, 3],
        ["model.rig.stg", 3, 3],
        ["source.rig.bids", 3, 3],
      ]);
      expect(result.queries).toBeLessThanOrEqual(6);
    });

    test("a column whose values cannot be compared is no part of what ties rows together", async () => {
      const document = ", cast('{\"a\": 1}' as json) as document";
      const result = await walk({
        sources: {
          bids: bids("case when i < 6 then null else 'v' end", undefined, engine === "snowflake" ? "" : document),
        },
        models: { stg: "select * from {{ bids }}", fct: "select * from {{ stg }}" },
        tests: notNull("fct", "vendor_id"),
      });
      expect(told(result)[1]).toBe("VA: raw-data source bids.vendor_id (high)");
    });

    test("a cast that makes null of text is the model's", async () => {
      const result = await walk({
        sources: { bids: bids(undefined, "case when i < 4 then '1,000' else cast(i as varchar) end") },
        models: {
          stg: "select id, state, try_cast(amount as decimal(18, 2)) as amount from {{ bids }}",
          fct: "select * from {{ stg }}",
        },
        tests: notNull("fct", "amount"),
      });
      expect(told(result)).toEqual(["TX: made-here model stg.amount (high)", "VA: made-here model stg.amount (high)"]);
    });

    test("two groups of one test end at different causes", async () => {
      const result = await walk({
        sources: {
          bids: bids(
            undefined,
            "case when i % 2 = 0 and i < 6 then null when i % 2 = 1 and i < 9 then 'n/a' else cast(i as varchar) end",
          ),
        },
        models: { stg: "select id, state, try_cast(amount as integer) as amount from {{ bids }}" },
        tests: notNull("stg", "amount"),
      });
      expect(told(result)).toEqual(["TX: made-here model stg.amount (high)", "VA: raw-data source bids.amount (high)"]);
    });

    test("hostile and mixed-case names are names, and a null in the key links all the same", async () => {
      const result = await walk({
        sources: {
          "raw Bids; --": `select case when i = 3 then null else i end as "I""d", 'V''A' as "State", case when i < 5 then null else 'x' end as "sel ect" from range(20) t(i)`,
        },
        models: {
          'Stg "x': `select "I""d", "State" as state, "sel ect" as "Drop; Table" from {{ raw Bids; -- }}`,
        },
        tests: [{ on: 'Stg "x', kind: "not_null", column: '"Drop; Table"' }],
      });
      expect(told(result)).toEqual(["V'A: raw-data source raw Bids; --.sel ect (high)"]);
    });

    test("an ephemeral model is a place of its own", async () => {
      const result = await walk({
        sources: { bids: bids() },
        models: {
          eph: {
            sql: "select id, state, case when id >= 4 then vendor_id end as vendor_id from {{ bids }}",
            as: "ephemeral",
          },
          fct: "with x as (select * from {{ eph }}) select * from x",
        },
        tests: notNull("fct", "vendor_id"),
      });
      expect(told(result)).toEqual([
        "TX: made-here model eph.vendor_id (high)",
        "VA: made-here model eph.vendor_id (high)",
      ]);
    });

    test("the CTE called like the relation that it reads is not taken for itself", async () => {
      const result = await walk({
        sources: { bids: bids("case when i < 6 then null else 'v' end") },
        models: {
          stg: "with bids as (select * from {{ bids }} as bids), final as (select bids.* from bids) select * from final",
        },
        tests: notNull("stg", "vendor_id"),
      });
      expect(told(result)[1]).toBe("VA: raw-data source bids.vendor_id (high)");
    });

    test("of a union's branches the one with the failing rows is followed", async () => {
      const result = await walk({
        sources: {
          old: bids(),
          new: bids("case when i < 10 then null else 'v1' end").replace("i as id", "i + 100 as id"),
        },
        models: {
          fct: "select id, state, vendor_id from {{ old }} union all select id, state, vendor_id from {{ new }}",
        },
        tests: notNull("fct", "vendor_id"),
      });
      expect(told(result)).toEqual([
        "TX: raw-data source new.vendor_id (high)",
        "VA: raw-data source new.vendor_id (high)",
      ]);
    });

    test("an accepted value that is spelt otherwise upstream is followed, a recoded one is the model's", async () => {
      const kinds = (wrong: string) =>
        bids(undefined, undefined, `, case when i < 4 then '${wrong}' else 'open' end as status`);
      const accepted = [
        { on: "stg", kind: "accepted_values", column: "status", kwargs: { values: ["OPEN", "CLOSED"] } },
      ];
      const bad = await walk({
        sources: { bids: kinds("opne") },
        models: { stg: "select id, state, upper(status) as status from {{ bids }}" },
        tests: accepted,
      });
      expect(told(bad)[1]).toBe("VA: raw-data source bids.status (high)");
      const recoded = await walk({
        sources: { bids: kinds("closed") },
        models: {
          stg: "select id, state, case status when 'open' then 'OPEN' else 'SHUT' end as status from {{ bids }}",
        },
        tests: accepted,
      });
      expect(told(recoded)[1]).toBe("VA: made-here model stg.status (high)");
    });

    test("a code that the model does not translate is the model's, though all codes fail the list upstream", async () => {
      const result = await walk({
        sources: { bids: bids(undefined, undefined, ", case when i < 4 then 'N' else 'A' end as code") },
        models: { stg: "select id, state, case code when 'A' then 'awarded' else code end as status from {{ bids }}" },
        tests: [{ on: "stg", kind: "accepted_values", column: "status", kwargs: { values: ["awarded", "rejected"] } }],
      });
      expect(told(result)[1]).toBe("VA: made-here model stg.status (medium)");
    });

    test("a range and an expression are followed like nulls", async () => {
      const sources = { bids: bids(undefined, "case when i < 4 then -5 else i end") };
      const models = { stg: "select id, state, amount from {{ bids }}", fct: "select * from {{ stg }}" };
      const range = await walk({
        sources,
        models,
        tests: [{ on: "fct", kind: "accepted_range", column: "amount", kwargs: { min_value: 0 } }],
      });
      expect(told(range)[1]).toBe("VA: raw-data source bids.amount (high)");
      const truth = await walk({
        sources,
        models,
        tests: [{ on: "fct", kind: "expression_is_true", kwargs: { expression: "amount >= 0 or id > 100" } }],
      });
      expect(told(truth)[1]).toBe("VA: raw-data source bids.amount, id (high)");
    });

    test("the test's where clause narrows the witnesses", async () => {
      const result = await walk({
        sources: { bids: bids("case when i < 6 then null else 'v' end") },
        models: { stg: "select * from {{ bids }}" },
        tests: [{ on: "stg", kind: "not_null", column: "vendor_id", where: "id >= 4" }],
      });
      expect([...result.counts]).toEqual(
        expect.arrayContaining([
          ["VA", 1],
          ["TX", 1],
        ]),
      );
    });

    test("a test of a source or seed ends there at once", async () => {
      const result = await walk({
        seeds: { districts: "select 'VA' as state, cast(null as varchar) as name" },
        models: {},
        tests: notNull("districts", "name"),
      });
      expect(told(result)).toEqual(["VA: raw-data seed districts.name (high)"]);
    });
  });

  describe("joins that find no row", () => {
    const fct =
      "select b.id, b.state, b.vendor_id, v.name from {{ bids }} as b left join {{ stg_vendors }} as v on b.vendor_id = v.vendor_id";

    test("a row that the joined model filters out is that model's", async () => {
      const result = await walk({
        sources: { bids: bids(), vendors },
        models: { stg_vendors: "select * from {{ vendors }} where vendor_id <> 'v2'", fct },
        tests: notNull("fct", "name"),
      });
      expect(told(result)).toEqual(["VA: rows-dropped model stg_vendors.vendor_id (high)"]);
    });

    test("a row that exists nowhere is an orphan", async () => {
      const result = await walk({
        sources: { bids: bids("case when i < 4 then 'zz' || i else 'v' || (i % 8) end"), vendors },
        models: { stg_vendors: "select * from {{ vendors }}", fct },
        tests: notNull("fct", "name"),
      });
      expect(told(result)[1]).toBe("VA: orphan source bids.vendor_id (medium)");
    });

    test("a null in the joined row is followed into the parent, a null key into the child's source", async () => {
      const named = await walk({
        sources: {
          bids: bids(),
          vendors: vendors.replace("'Vendor ' || i", "case when i = 2 then null else 'V' || i end"),
        },
        models: { stg_vendors: "select * from {{ vendors }}", fct },
        tests: notNull("fct", "name"),
      });
      expect(told(named)).toEqual(["VA: raw-data source vendors.name (high)"]);
      const keyless = await walk({
        sources: { bids: bids("case when i < 4 then null else 'v' || (i % 8) end"), vendors },
        models: { stg_vendors: "select * from {{ vendors }}", fct },
        tests: notNull("fct", "name"),
      });
      expect(told(keyless)[1]).toBe("VA: raw-data source bids.vendor_id (high)");
    });

    test("a join that matches hardly anything is the joining model's", async () => {
      const result = await walk({
        sources: { bids: bids("'V0' || (i % 8)"), vendors },
        models: { stg_vendors: "select * from {{ vendors }}", fct },
        tests: notNull("fct", "name"),
      });
      expect(told(result)[1]).toBe("VA: join-never-matches model fct.name (medium)");
    });

    test("a join that changes the key in its own condition is the joining model's", async () => {
      const result = await walk(
        {
          sources: { bids: bids(), vendors },
          models: {
            stg_vendors: "select * from {{ vendors }}",
            fct: "select b.id, b.state, v.name from {{ bids }} as b left join {{ stg_vendors }} as v on substr(b.vendor_id, 1, 1) = v.vendor_id",
          },
          tests: notNull("fct", "name"),
        },
        "check",
      );
      expect(told(result)[1]).toBe("VA: key-changed model fct.name (high)");
    });

    test("a join by a column that is not the parent's key is the joining model's", async () => {
      const result = await walk(
        {
          sources: {
            bids: bids(),
            vendors:
              "select 'v' || i as vendor_id, case when i = 2 then 'n' || i else 'v' || i end as number, 'Vendor' as name from range(8) t(i)",
          },
          models: {
            stg_vendors: "select * from {{ vendors }}",
            fct: "select b.id, b.state, v.name from {{ bids }} as b left join {{ stg_vendors }} as v on b.vendor_id = v.number",
          },
          tests: [...notNull("fct", "name"), { on: "stg_vendors", kind: "unique", column: "vendor_id" }],
        },
        "check",
      );
      expect(told(result)).toEqual(["VA: wrong-join-key model fct.name (high)"]);
    });
  });

  describe("what the SQL does not give away is undecided, and says why", () => {
    const undecided = async (...given: Parameters<typeof walk>) =>
      [...(await walk(...given)).verdicts.values()].map((item) => item.reason);

    test("a Python model", async () => {
      const reasons = await undecided({
        sources: { bids: bids("null") },
        models: { py: { sql: "select * from {{ bids }}", python: true, as: "table" }, fct: "select * from {{ py }}" },
        tests: notNull("fct", "vendor_id"),
      });
      expect(reasons[0]).toContain("py is a Python model");
    });

    test("SQL that cannot be parsed, and columns that the SQL does not name", async () => {
      const broken = await undecided({
        sources: { bids: bids("null") },
        models: { stg: { sql: "selekt ((( from", built: "select * from {{ bids }}" } },
        tests: notNull("stg", "vendor_id"),
      });
      expect(broken[0]).toContain("cannot be taken apart");
      const unknown = await undecided({
        sources: { bids: bids("null") },
        models: { stg: "select id, state, u.x as vendor_id from {{ bids }}, unnest([null::varchar]) as u(x)" },
        tests: notNull("stg", "vendor_id"),
      });
      expect(unknown[0]).toMatch(/does not show where vendor_id comes from/i);
    });

    test("a table that its compiled SQL no longer gives", async () => {
      const reasons = await undecided({
        sources: { bids: bids() },
        models: {
          stg: {
            sql: "select * from {{ bids }}",
            as: "table",
            built: "select id, state, cast(null as varchar) as vendor_id, amount from {{ bids }}",
          },
        },
        tests: notNull("stg", "vendor_id"),
      });
      expect(reasons[0]).toContain("stale");
    });

    test("a manifest that goes in circles, and SQL nested beyond what can be read", async () => {
      const deep = `select id, state, ${"coalesce(".repeat(60)}vendor_id${", null)".repeat(60)} as vendor_id from {{ bids }}`;
      const nested = await undecided({
        sources: { bids: bids("null") },
        models: { stg: deep },
        tests: notNull("stg", "vendor_id"),
      });
      expect(nested[0]).toContain("cannot be taken apart");
      const circle = await undecided({
        sources: { bids: bids("null") },
        models: {
          one: { sql: "select * from {{ two }}", built: "select * from {{ bids }}" },
          two: { sql: "select * from {{ one }}", built: "select * from {{ bids }}" },
        },
        tests: notNull("one", "vendor_id"),
      });
      expect(circle[0]).toContain("circles");
    });

    test("an incremental model that reads itself is followed to its other parent", async () => {
      const result = await walk({
        sources: { bids: bids("case when i < 6 then null else 'v' end") },
        models: {
          inc: {
            sql: "select * from {{ bids }} where id > (select coalesce(max(id), -1) from {{ inc }})",
            built: "select * from {{ bids }}",
            as: "incremental",
          },
        },
        tests: notNull("inc", "vendor_id"),
      });
      expect(told(result)[1]).toBe("VA: raw-data source bids.vendor_id (high)");
    });

    test("a parent that the warehouse does not have", async () => {
      const reasons = await undecided({
        sources: { bids: bids("null") },
        models: {
          stg: { sql: 'select id, state, vendor_id from "elsewhere"."x"."bids"', built: "select * from {{ bids }}" },
        },
        tests: notNull("stg", "vendor_id"),
      });
      expect(reasons[0]).toContain("does not");
    });

    test("a singular test, a kind without a rule, a spent budget", async () => {
      const project = { sources: { bids: bids("null") }, models: { stg: "select * from {{ bids }}" } };
      expect((await undecided({ ...project, tests: [{ on: "stg", kind: "singular" }] }))[0]).toContain(
        "no compiled SQL of the test",
      );
      expect((await undecided({ ...project, tests: [{ on: "stg", kind: "equal_rowcount" }] }))[0]).toContain(
        "equal_rowcount",
      );
      expect((await undecided({ ...project, tests: notNull("stg", "vendor_id"), maxQueries: 1 }))[0]).toContain(
        "budget of 1 queries",
      );
    });
  });
});
