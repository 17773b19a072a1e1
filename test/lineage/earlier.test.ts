// What has changed since all was well is put back in a trial; where nothing fails then, that is the cause.
import { describe, expect, test } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import { walkDeep } from "../../src/lineage/deep-walk.js";
import { standingOf, type Verdict } from "../../src/lineage/verdict.js";
import { build, type Rig, type Spec, useEngine } from "./rig.js";

const bids =
  "select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, i * 10 as amount from range(40) t(i) union all select 2 * i as id, 'VA' as state, i + 1 as amount from range(4) t(i)";

/** Walks with the project as it was: models and tests by name, with what stood in place of their SQL. */
async function look(
  spec: Spec,
  was: Readonly<Record<string, readonly [now: string, before: string]>>,
): Promise<Verdict> {
  const rig: Rig = await build(spec);
  const resources = new Map(rig.project.resources);
  for (const [id, [now, before]] of Object.entries(was)) {
    const resource = resources.get(id);
    if (resource?.compiledCode == null) throw new Error(`${id} has no SQL`);
    expect(resource.compiledCode).toContain(now);
    const put = (text: string) => text.replace(now, before);
    resources.set(id, { ...resource, rawCode: put(resource.rawCode), compiledCode: put(resource.compiledCode) });
  }
  const walk = await walkDeep({
    ...rig,
    project: { ...rig.project, earlier: { project: { ...rig.project, resources }, says: "the last audit" } },
    test: "test.rig.t0",
    failingRows: { groupColumn: "state", sql: "select 1 where false" },
    lineage: await loadColumnLineage(rig.dialect.name),
    maxQueries: 40,
  });
  const verdict = walk.verdicts.get("VA") ?? walk.verdicts.get(null);
  if (verdict === undefined) throw new Error("no verdict");
  if (verdict.proof !== null)
    expect(await rig.query(verdict.proof.sql)).toMatchObject({ ok: true, value: { rows: [["0"]] } });
  return verdict;
}

const unique = [{ on: "fct", kind: "unique", column: "id" }];

// The stand-in for Snowflake takes seconds for each, and the rows and keys are walked in it as well (rows.test.ts, keys.test.ts).
describe.each(["duckdb", "postgres"] as const)("in %s", (engine) => {
  useEngine(engine);

  test("a dedupe that was removed is named, where the data alone would blame the source", async () => {
    const verdict = await look(
      {
        sources: { bids },
        models: {
          stg: "select id,\n  state,\n  max(amount) as amount\nfrom {{ bids }}\ngroup by id, state, amount",
          fct: "select * from {{ stg }}",
        },
        tests: unique,
      },
      { "model.rig.stg": ["group by id, state, amount", "group by id, state"] },
    );
    expect(verdict).toMatchObject({
      situation: "changed-sql",
      node: "model.rig.stg",
      confidence: "high",
      inside: { lines: { first: 5, last: 5 } },
    });
    expect(standingOf(verdict)).toBe("proved");
  });

  test("a change that is not the cause is not blamed, nor one of blanks and comments", async () => {
    const verdict = await look(
      {
        sources: { bids },
        models: {
          stg: "select id, state, amount from {{ bids }} -- as it comes",
          fct: "select id, state, amount + 1 as amount from {{ stg }}",
        },
        tests: unique,
      },
      { "model.rig.stg": ["-- as it comes", "\n"], "model.rig.fct": ["amount + 1", "amount"] },
    );
    expect(verdict).toMatchObject({ situation: "raw-data", node: "source.rig.bids" });
  });

  test("an incremental model whose rows its SQL gives no longer is stale, also upstream of the tested one", async () => {
    const verdict = await look(
      {
        sources: { bids: "select i as id, 'VA' as state, 'x' as kind from range(9) t(i)" },
        models: {
          inc: {
            sql: "select id, state, kind from {{ bids }}",
            built: "select id, state, null as kind from {{ bids }}",
            as: "incremental",
          },
          fct: "select * from {{ inc }}",
        },
        tests: [{ on: "fct", kind: "not_null", column: "kind" }],
      },
      {},
    );
    expect(verdict).toMatchObject({ situation: "stale", node: "model.rig.inc", outcome: "decided" });
    expect(verdict.proof?.says).toBe("inc built anew from what it reads");
  });

  test("a test without a rule is tried by its own SQL", async () => {
    const sql = "select a.state from {{ fct }} a join {{ stg }} b on a.id = b.id where a.amount > b.amount";
    const verdict = await look(
      {
        sources: { bids: "select i as id, 'VA' as state, i as amount from range(9) t(i)" },
        models: { stg: "select * from {{ bids }}", fct: "select id, state, amount + 1 as amount from {{ stg }}" },
        tests: [{ on: "fct", kind: "singular", sql }],
      },
      { "model.rig.fct": ["amount + 1", "amount"] },
    );
    expect(verdict).toMatchObject({ situation: "changed-sql", node: "model.rig.fct" });
  });

  test("a model that is as it was is not what broke: the source that its column is made of is", async () => {
    const spec: Spec = {
      sources: {
        bids: "select i as id, 'VA' as state, case when i < 3 then 'n/a' else cast(i as varchar) end as amount from range(9) t(i)",
      },
      models: {
        stg: "select id, state, try_cast(amount as integer) as amount from {{ bids }}",
        fct: "select * from {{ stg }}",
      },
      tests: [{ on: "fct", kind: "not_null", column: "amount" }],
    };
    const verdict = await look(spec, {});
    expect(verdict).toMatchObject({
      situation: "raw-data",
      node: "source.rig.bids",
      nodeKind: "source",
      column: "amount",
      confidence: "medium",
    });
    expect(verdict.reason).toContain("as it was in the last audit");
    expect(standingOf(verdict)).toBe("supported");
  });
});
