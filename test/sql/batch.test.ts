// Many SELECTs in few statements, counted: how they are cut, what a broken one costs, and what an outage does.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FailureCode, failed, ok } from "../../src/model/result.js";
import type { Dialect, Query, QueryResult } from "../../src/model/warehouse.js";
import { type BatchOptions, describeBatch, queryBatch } from "../../src/sql/index.js";

type Name = Dialect["name"];

/** A warehouse that knows `select 'some text'`, refuses what holds a word of `refused`, and keeps all statements. */
function warehouse(refused: Readonly<Record<string, FailureCode>> = {}) {
  const statements: string[] = [];
  const query: Query = async (sql) => {
    statements.push(sql);
    const word = Object.keys(refused).find((each) => sql.includes(each));
    if (word !== undefined) return failed(refused[word] ?? "query-failed", `no ${word} here`);
    return ok(answerTo(sql));
  };
  return { statements, query };
}

function answerTo(sql: string): QueryResult {
  const members = [...sql.matchAll(/select (\d+) as item, part\.\* from \(\nselect '([^']*)'/g)];
  return {
    columns: ["item", "text"].map((name) => ({ name, type: "VARCHAR" })),
    rows: members.map(([, item = "", text = ""]) => [item, text]),
    truncated: false,
  };
}

function selects(count: number, text = (index: number) => `value ${index}`): string[] {
  return Array.from({ length: count }, (_, index) => `select '${text(index)}'`);
}

async function asked(given: readonly string[], query: Query, more: Partial<BatchOptions> & { name?: Name } = {}) {
  const { name = "duckdb", ...options } = more;
  const answer = await queryBatch(given, { query, dialect: { name }, maxRows: 1, ...options });
  if (!answer.ok) return answer.failure.code;
  return answer.value.map((each) => (each.ok ? each.value[0]?.[0] : each.failure.code));
}

describe("statements", () => {
  it.each([1, 10, 40, 41, 100, 1_000])(
    "are one for each 40 of %d SELECTs, and every SELECT gets its own rows",
    async (count) => {
      const { statements, query } = warehouse();
      expect(await asked(selects(count), query)).toEqual(Array.from({ length: count }, (_, index) => `value ${index}`));
      expect(statements).toHaveLength(Math.ceil(count / 40));
    },
  );

  it("are none for nothing", async () => {
    const { statements, query } = warehouse();
    expect(await asked([], query)).toEqual([]);
    expect(statements).toEqual([]);
  });

  it.each([
    ["duckdb", 2_000_000],
    ["postgres", 500_000],
    ["snowflake", 800_000],
  ] as const)("for %s have no more than %d bytes, whatever the SELECTs' length in characters", async (name, bytes) => {
    const { statements, query } = warehouse();
    const long = selects(60, (index) => `${"ü".repeat(30_000)} ${index}`);
    expect(await asked(long, query, { name })).toHaveLength(60);
    for (const statement of statements) expect(Buffer.byteLength(statement)).toBeLessThan(bytes);
    expect(statements).toHaveLength(Math.ceil(60 / Math.min(40, Math.floor(bytes / 60_120))));
  });

  it("hold a SELECT alone that is longer than a statement may be: the warehouse has the last word", async () => {
    const { statements, query } = warehouse();
    const [short = "", long = ""] = [...selects(1), ...selects(1, () => "x".repeat(900_000))];
    expect(await asked([short, long, short], query, { name: "snowflake" })).toHaveLength(3);
    expect(statements).toHaveLength(3);
  });

  it("are asked side by side as far as they may, and answered in order", async () => {
    const { query } = warehouse();
    let running = 0;
    let most = 0;
    const slow: Query = async (sql) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return query(sql);
    };
    const answers = await asked(selects(400), slow, { width: 3, name: "snowflake" });
    expect([most, answers]).toEqual([3, Array.from({ length: 400 }, (_, index) => `value ${index}`)]);
  });
});

describe("a SELECT that the warehouse refuses", () => {
  it("is found by halving: twice the logarithm of a chunk, and the others have their rows", async () => {
    const { statements, query } = warehouse({ "value 33'": "relation-missing" });
    const answers = await asked(selects(1_000), query);
    expect(answers).toEqual(
      Array.from({ length: 1_000 }, (_, index) => (index === 33 ? "relation-missing" : `value ${index}`)),
    );
    expect(statements.length).toBeLessThanOrEqual(25 + 2 * Math.ceil(Math.log2(40)));
  });

  it("costs no more where there are several, wherever they are", async () => {
    const broken = fc.uniqueArray(fc.nat(199), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(broken, fc.constantFrom(1, 4), async (positions, width) => {
        const { statements, query } = warehouse(
          Object.fromEntries(positions.map((position) => [`'value ${position}'`, "query-failed" as const])),
        );
        const answers = await asked(selects(200), query, { width, name: "postgres" });
        expect(answers).toEqual(
          Array.from({ length: 200 }, (_, index) => (positions.includes(index) ? "query-failed" : `value ${index}`)),
        );
        expect(statements.length).toBeLessThanOrEqual(5 + positions.length * 2 * Math.ceil(Math.log2(40)));
      }),
    );
  });

  it("that takes too long makes the next statements smaller, until they are fast again", async () => {
    const { statements, query } = warehouse({ "value 1'": "query-timeout", "value 50'": "query-timeout" });
    const answers = await asked(selects(400), query);
    expect(Array.isArray(answers) && answers.filter((answer) => answer === "query-timeout")).toHaveLength(2);
    const sizes = statements.map((sql) => sql.split("union all").length);
    expect(sizes[0]).toBe(40);
    expect(sizes.at(-2), "and larger again").toBe(40);
    expect(statements.length).toBeLessThan(10 + 4 * Math.ceil(Math.log2(40)) + 4);
  });
});

describe("an outage", () => {
  it("is nobody's fault: a chunk is asked for twice, not its members each", async () => {
    const { statements, query } = warehouse({ "value 0'": "warehouse-unreachable" });
    const answers = await asked(selects(60), query);
    expect(answers).toEqual(
      Array.from({ length: 60 }, (_, index) => (index < 40 ? "warehouse-unreachable" : `value ${index}`)),
    );
    expect(statements).toHaveLength(3);
  });

  it("of a moment costs one statement, and nothing is lost", async () => {
    const { statements, query } = warehouse();
    let isAway = true;
    const flaky: Query = async (sql) => {
      const answer = await query(sql);
      if (!isAway) return answer;
      isAway = false;
      return failed("warehouse-unreachable", "the connection was cut");
    };
    expect(await asked(selects(50), flaky)).toEqual(Array.from({ length: 50 }, (_, index) => `value ${index}`));
    expect(statements).toHaveLength(3);
  });

  it("that is a cancellation ends it all at once", async () => {
    const { statements, query } = warehouse({ "value 0'": "aborted" });
    expect(await asked(selects(1_000), query)).toBe("aborted");
    expect(statements).toHaveLength(1);
  });
});

describe("columns", () => {
  const named = (...names: string[]) => names.map((name) => ({ name, type: "VARCHAR" }));

  it("of twenty SELECTs come from one statement, in whatever case the warehouse gives names", async () => {
    const statements: string[] = [];
    const query: Query = async (sql) => {
      statements.push(sql);
      const count = sql.split("left join").length - 1;
      const columns = Array.from({ length: count }, (_, index) => named(`AUDIT_MEMBER_${index}`, "STATE", `N${index}`));
      return ok({ columns: columns.flat(), rows: [], truncated: false });
    };
    const answer = await describeBatch(selects(50), { query, dialect: { name: "snowflake" } });
    expect(statements).toHaveLength(3);
    expect(answer.ok && answer.value[0]).toEqual(ok(named("STATE", "N0")));
    expect(answer.ok && answer.value[49]).toEqual(ok(named("STATE", "N9")));
  });
});
