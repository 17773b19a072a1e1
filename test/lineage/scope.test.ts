// Column lineage by scopes: each output column as expressions over the base relations' columns.
import { expect, test } from "vitest";
import { loadColumnLineage } from "../../src/lineage/column-lineage.js";

const tables: Readonly<Record<string, readonly string[]>> = {
  bids: ["id", "State", "vendor_id", "amount"],
  vendors: ["vendor_id", "name", "b c"],
  lines: ["bid_id", "amount"],
};

/** `column <- kind expression` for each origin. */
async function lineageOf(sql: string): Promise<readonly string[] | null> {
  const lineage = await loadColumnLineage("duckdb");
  const shape = lineage.shape(sql, (reference) => tables[reference.name] ?? null);
  if (shape === null) return null;
  return shape.columns.flatMap((column) =>
    column.origins.map((origin) => {
      const bases = origin.columns.map((base) => `${base.instance}.${base.column}`).join(" ");
      return `${column.name} <- ${origin.kind} ${(origin.node && lineage.expression(origin.node)) ?? bases}`.trim();
    }),
  );
}

test("CTEs named like relations, aliases named like CTEs, quoted names", async () => {
  expect(
    await lineageOf(
      'with bids as (select * from x.bids as bids), v as (select "b c" as "d""e", vendor_id from x.vendors) select b."State" as state, v."d""e" from bids as b left join v using (vendor_id)',
    ),
  ).toEqual(['state <- direct "n1"."State"', 'd"e <- direct "n2"."b c"']);
});

test("stars with except, replace and a qualifier", async () => {
  expect(
    await lineageOf(
      "select b.* exclude (amount, State) replace (upper(vendor_id) as vendor_id), v.name from x.bids b, x.vendors v",
    ),
  ).toEqual([
    'id <- direct "n1"."id"',
    'vendor_id <- expression UPPER("n1"."vendor_id")',
    'name <- direct "n2"."name"',
  ]);
});

test("unions by position and by name, each branch with instances of its own", async () => {
  expect(await lineageOf("select id, amount from x.bids union all select bid_id, amount * 2 from x.lines")).toEqual([
    'id <- direct "n1"."id"',
    'id <- direct "n2"."bid_id"',
    'amount <- direct "n1"."amount"',
    'amount <- expression "n2"."amount" * 2',
  ]);
  expect(
    await lineageOf("select id, amount from x.bids union all by name select amount, bid_id as id from x.lines"),
  ).toEqual([
    'id <- direct "n1"."id"',
    'id <- direct "n2"."bid_id"',
    'amount <- direct "n1"."amount"',
    'amount <- direct "n2"."amount"',
  ]);
});

test("what cannot be computed row by row keeps its columns and loses its expression", async () => {
  expect(
    await lineageOf(
      "select id, sum(amount) as total, row_number() over (order by id) as n, lag(amount) over (order by id) as before, now() as at, 'x' as k, (select max(name) from x.vendors) as top from x.bids group by all",
    ),
  ).toEqual([
    'id <- direct "n1"."id"',
    "total <- aggregate n1.amount",
    "n <- window",
    "before <- window n1.amount",
    "at <- generated",
    "k <- generated",
    "top <- expression n2.name",
  ]);
});

test("an expression over expressions is put together over base columns, an alias of the same select too", async () => {
  expect(
    await lineageOf(
      "with a as (select id + 1 as next, amount from x.bids) select next * 2 as twice, twice || 'x' as text from a",
    ),
  ).toEqual(['twice <- expression ("n1"."id" + 1) * 2', `text <- expression (("n1"."id" + 1) * 2) || 'x'`]);
});

test("joins give equalities, outer joins nullable instances", async () => {
  const lineage = await loadColumnLineage("duckdb");
  const shape = lineage.shape(
    "select b.id from x.bids b left join (select vendor_id as v, name from x.vendors) w on (w.v = trim(b.vendor_id) and w.name <> '') join x.lines l on l.bid_id = b.id",
    (reference) => tables[reference.name] ?? null,
  );
  const text = shape?.joins.map((join) => [
    join.kind,
    join.more,
    ...join.equalities.map(({ left, right }) =>
      [left, right].map((origin) => origin.node && lineage.expression(origin.node)),
    ),
  ]);
  expect(text).toEqual([
    ["left", true, ['TRIM("n1"."vendor_id")', '"n2"."vendor_id"']],
    ["inner", false, ['"n1"."id"', '"n3"."bid_id"']],
  ]);
  expect([...(shape?.instances.values() ?? [])].map((instance) => instance.nullable)).toEqual([false, true, false]);
});

test("no query, two statements, and text that is no SQL have no shape", async () => {
  expect(await lineageOf("delete from x.bids")).toBeNull();
  expect(await lineageOf("select 1; select 2")).toBeNull();
  expect(await lineageOf("\u0000'\"((")).toBeNull();
  expect(await lineageOf("")).toBeNull();
});

test("a recursive CTE and a diamond of CTEs end", async () => {
  expect(
    await lineageOf("with recursive r as (select id from x.bids union all select id from r) select id from r"),
  ).not.toBeUndefined();
  const doubled = Array.from(
    { length: 30 },
    (_, index) => `c${index + 1} as (select l.id from c${index} l join c${index} r on l.id = r.id)`,
  );
  expect(await lineageOf(`with c0 as (select id from x.bids), ${doubled.join(", ")} select id from c30`)).toBeNull();
});
