// What the walk says of one row: in the singular.
import { expect, test } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";
import { tell } from "../../src/lineage/tell.js";
import { walkTest } from "../../src/lineage/walk.js";
import { defaultCategories } from "../../src/model/config.js";
import { duckdb } from "../../src/sql/duckdb.js";
import { caseOf } from "../rig/cases.js";
import { build, type Spec } from "./rig.js";

const bids = (vendor: string) =>
  `select i as id, case when i = 3 then 'VA' else 'TX' end as state, ${vendor} as vendor_id from range(40) t(i)`;
const vendors = "select 'v' || i as vendor_id, i as n from range(40) t(i)";
const reference = [
  { on: "fct", kind: "relationships", column: "vendor_id", kwargs: { to: "ref('dim')", field: "vendor_id" } },
];
const notNull = [{ on: "fct", kind: "not_null", column: "vendor_id" }];

const specs: Readonly<Record<string, Spec>> = {
  "raw-data": {
    sources: { bids: bids("case when i = 3 then null else 'v' || i end") },
    models: { stg: "select * from {{ bids }}", fct: "select * from {{ stg }}" },
    tests: notNull,
  },
  "made-here": {
    sources: { bids: bids("case when i = 3 then 'n/a' else cast(i as varchar) end") },
    models: { fct: "select id, state, try_cast(vendor_id as integer) as vendor_id from {{ bids }}" },
    tests: notNull,
  },
  "rows-dropped": {
    sources: { bids: bids("'v' || i"), vendors },
    models: { dim: "select vendor_id from {{ vendors }} where n <> 3", fct: "select * from {{ bids }}" },
    tests: reference,
  },
  "key-changed": {
    sources: { bids: bids("'v' || i"), vendors },
    models: {
      dim: "select vendor_id from {{ vendors }}",
      fct: "select id, state, case when id = 3 then upper(vendor_id) else vendor_id end as vendor_id from {{ bids }}",
    },
    tests: reference,
  },
  orphan: {
    sources: { bids: bids("case when i = 3 then 'nobody' else 'v' || i end"), vendors },
    models: { dim: "select vendor_id from {{ vendors }}", fct: "select * from {{ bids }}" },
    tests: reference,
  },
  undecided: {
    sources: { bids: bids("'v' || i") },
    models: {
      fct: { sql: "select * from {{ bids }}", as: "table", built: `select * from (${bids("nullif('v' || i, 'v3')")})` },
    },
    tests: notNull,
  },
};

/** A plural after 1, or a singular after another number. */
const wrong =
  /\b1 (?:(?:failing )?(?:rows|keys|values)|different)\b|(?<!of )\b1 (?:fail|have|meet|refer)\b|(?<![\d.])(?!1 )\d+ (?:failing )?(?:row|key|value)\b/;

test.each(Object.keys(specs))("one failing row that ends as %s is told in the singular", async (situation) => {
  const spec = specs[situation] ?? { models: {}, tests: [] };
  const { project, query, describe } = await build(spec);
  const lineage = await loadColumnLineage("duckdb");
  const failingRows = { groupColumn: "state", sql: "select 1 where false" };
  const walk = await walkTest({
    project,
    test: "test.rig.t0",
    failingRows,
    dialect: duckdb,
    lineage,
    query,
    describe,
    maxQueries: 40,
  });
  const verdict = walk.verdicts.get("VA");
  expect(verdict?.situation).toBe(situation);
  const item = caseOf("t0", "VA", 1);
  const told = tell({ item, walk, project, categories: defaultCategories, sourceRepos: [], dialect: duckdb });
  const titles = verdict?.path.map(({ title }) => title) ?? [];
  const prose = [told?.draft.root_cause ?? "", ...titles, ...(verdict?.alternatives ?? [])];
  expect(prose.join("\n")).toMatch(/\b1 (?:failing )?row\b/);
  expect(prose.filter((text) => wrong.test(text))).toEqual([]);
});
