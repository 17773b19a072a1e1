// DuckDB's SQL texts against the real database, and its digest against an oracle in JavaScript.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allRows, groupOf } from "../../src/model/group.js";
import type { Cell } from "../../src/model/warehouse.js";
import { dialects, groupPredicate } from "../../src/sql/index.js";
import { type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";

const { duckdb } = dialects;

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await temporaryDuckdb([]);
});
afterAll(() => temporary.close());

async function one(sql: string): Promise<Cell> {
  const result = await temporary.warehouse.query(sql);
  if (!result.ok) throw new Error(`${result.failure.message}\n${sql}`);
  return result.value.rows[0]?.[0] ?? null;
}

/** A relation of two text columns that holds these rows. */
function from(rows: readonly (readonly Cell[])[]): string {
  const values = rows.map(
    (row) => `(${row.map((cell) => (cell === null ? "null" : duckdb.literal(cell))).join(", ")})`,
  );
  return rows.length === 0
    ? "(select null::varchar, null::varchar where false) as t(a, b)"
    : `(values ${values.join(", ")}) as t(a, b)`;
}

const digest = (rows: readonly (readonly Cell[])[]) =>
  one(`select ${duckdb.rowsDigest(["a", "b"])} from ${from(rows)}`);

/** The same definition, written independently. */
function oracle(rows: readonly (readonly Cell[])[]): string {
  let lower = 0n;
  let upper = 0n;
  for (const row of rows) {
    const text = row.map((cell) => (cell === null ? "-" : `${Buffer.byteLength(cell)}:${cell}`)).join("");
    const md5 = createHash("md5").update(text).digest();
    lower += md5.readBigUInt64LE(0);
    upper += md5.readBigUInt64LE(8);
  }
  const parts = [lower, upper].map(String);
  return [`${rows.length}:${parts.join(":")}`, `${rows.length}:${parts.reverse().join(":")}`]
    .map((text) => createHash("md5").update(text).digest("hex"))
    .join(" ");
}

const text = fc.oneof(
  fc.constantFrom("", "-", ":", "1:", "1:a", "a", "null", "'", '"', "ü", "\0"),
  fc.string({ maxLength: 6 }),
);
const cell = fc.option(text, { nil: null });
const rows = fc.array(fc.tuple(cell, cell), { maxLength: 6 });

describe("rowsDigest", () => {
  it("is what an independent implementation says, for any rows", async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (bag) => {
        expect(oracle(bag)).toContain(await digest(bag));
      }),
      { numRuns: 60 },
    );
  });

  it("is free of the order of rows, and differs for any two different bags of rows", async () => {
    const key = (bag: readonly (readonly Cell[])[]) =>
      bag
        .map((row) => JSON.stringify(row))
        .sort()
        .join("\n");
    await fc.assert(
      fc.asyncProperty(rows, rows, async (left, right) => {
        const [leftDigest, reversed, rightDigest] = await Promise.all([
          digest(left),
          digest([...left].reverse()),
          digest(right),
        ]);
        expect(reversed).toBe(leftDigest);
        expect(leftDigest === rightDigest).toBe(key(left) === key(right));
      }),
      { numRuns: 40 },
    );
  });

  it("notices each of: a doubled row, NULL for empty text, text moved to the next column, NULL for a dash", async () => {
    const bags: (readonly (readonly Cell[])[])[] = [
      [],
      [["a", "b"]],
      [
        ["a", "b"],
        ["a", "b"],
      ],
      [["ab", ""]],
      [["ab", null]],
      [["", "ab"]],
      [["b", "a"]],
      [["-", "a"]],
      [[null, "a"]],
      [["1:a", ""]],
      [["a1:", ""]],
    ];
    const digests = await Promise.all(bags.map(digest));
    expect(new Set(digests).size).toBe(bags.length);
  });

  it("is the same over many rows on several threads, whatever their order", async () => {
    const over = (order: string) =>
      one(
        `select ${duckdb.rowsDigest(["i", "v"])} from (select i, md5(i::varchar) as v from range(60000) t(i) order by ${order})`,
      );
    expect(await over("i")).toBe(await over("v"));
  });
});

/** fast-check's own unit for this takes a second to set up. */
const anyCharacters = fc
  .array(
    fc.integer({ min: 0, max: 0x10ffff }).filter((point) => point < 0xd800 || point > 0xdfff),
    { maxLength: 20 },
  )
  .map((points) => String.fromCodePoint(...points));

describe("literals and identifiers", () => {
  it("come back as they were, whatever the text", async () => {
    const values = fc.sample(fc.oneof(text, anyCharacters), 100);
    const result = await temporary.warehouse.query(`select ${values.map(duckdb.literal).join(", ")}`);
    expect(result.ok && result.value.rows[0]).toEqual(values);
  });

  it("name a column with quotes, dots and spaces", async () => {
    expect(await one(`select ${duckdb.quote('a"b. c')} from (select 1 as ${duckdb.quote('a"b. c')})`)).toBe("1");
    expect(duckdb.relation({ database: "d.b", schema: 's"x', name: "n" })).toBe('"d.b"."s""x"."n"');
    expect(duckdb.relation({ database: null, schema: "s", name: "n" })).toBe('"s"."n"');
  });
});

describe("groups", () => {
  it("have keys that no two raw values share", () => {
    const raws = [
      null,
      "",
      "(null)",
      "(empty)",
      "(all)",
      '"(null)"',
      '"',
      "(",
      "VA",
      "va",
      " VA",
      "x".repeat(300),
      "../../x",
    ];
    const keys = raws.map((raw) => groupOf(raw).key);
    expect(new Set([...keys, allRows.key]).size).toBe(raws.length + 1);
    expect(keys.slice(0, 4)).toEqual(["(null)", "(empty)", '"(null)"', '"(empty)"']);
    fc.assert(
      fc.property(cell, cell, (left, right) => (groupOf(left).key === groupOf(right).key) === (left === right)),
    );
  });

  it("are found by their predicate and by no other group's", async () => {
    const raws: Cell[] = [null, "", "VA", "va", "VA ", "it's", '"(null)"', "(null)", "a\0b", "%", "x".repeat(300), "ü"];
    const table = from(raws.map((raw) => [raw, null]));
    for (const raw of raws) {
      const predicate = groupPredicate(duckdb, "a", groupOf(raw));
      expect(await one(`select count(*) from ${table} where ${predicate}`)).toBe("1");
    }
    expect(await one(`select count(*) from ${table} where ${groupPredicate(duckdb, null, allRows)}`)).toBe("12");
  });

  it("of a column that is no text are found by their text", async () => {
    const predicate = groupPredicate(duckdb, "d", groupOf("2024-01-01"));
    expect(await one(`select count(*) from (values (date '2024-01-01'), (null)) as t(d) where ${predicate}`)).toBe("1");
  });
});
