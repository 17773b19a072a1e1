/** What may run for an agent, and what may not: in each dialect, and however it is wrapped. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dialect } from "../../src/model/warehouse.js";
import { readTokens } from "../../src/sql/gate/tokens.js";
import { type GatePolicy, loadGate } from "../../src/sql/gate.js";
import { gatePolicy } from "../rig/gate.js";
import { statements } from "./statements.js";

type Name = Dialect["name"];
const names: readonly Name[] = ["duckdb", "postgres", "snowflake"];

/** `allowed`, or the reason of the refusal. */
async function verdict(dialect: Name, sql: string, more: Partial<GatePolicy> = {}): Promise<string> {
  const answer = (await loadGate(gatePolicy(dialect, more))).admit(sql, 1_001);
  return answer.ok ? "allowed" : ((answer.failure.detail ?? "").split(":")[0] ?? "");
}

describe.each(names)("the gate of %s", (dialect) => {
  const { allowed, refused } = statements[dialect];

  it.each(allowed)("allows %j", async (sql) => {
    const answer = (await loadGate(gatePolicy(dialect))).admit(sql, 1_001);
    expect(answer.ok ? "allowed" : answer.failure.message).toBe("allowed");
  });

  it.each(refused)("refuses as %s: %j", async (reason, sql) => {
    expect(await verdict(dialect, sql)).toBe(reason);
  });

  it("says the same of a statement in whatever case, space and comments", async () => {
    const gate = await loadGate(gatePolicy(dialect));
    const all = [
      ...allowed.map((sql) => ["allowed", sql] as const),
      ...refused.filter(([, sql]) => "tokens" in readTokens(sql, dialect)),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.infiniteStream(fc.nat(999)), ([expected, sql], chances) => {
        const answer = gate.admit(rewritten(sql, dialect, chances), 1_001);
        expect(answer.ok).toBe(expected === "allowed");
      }),
    );
  });

  it("hands on the words of the statement and a LIMIT, and none of its comments", async () => {
    const gate = await loadGate(gatePolicy(dialect));
    const words = (sql: string): readonly string[] => {
      const read = readTokens(sql, dialect);
      return "tokens" in read ? read.tokens.map(({ raw }) => raw) : [];
    };
    fc.assert(
      fc.property(fc.constantFrom(...allowed), fc.infiniteStream(fc.nat(999)), (sql, chances) => {
        const given = rewritten(sql, dialect, chances);
        const answer = gate.admit(given, 1_001);
        const handed = answer.ok ? words(answer.value).join(" ") : "";
        const whole = words(given).join(" ");
        expect([
          whole,
          `${whole} limit 1001`,
          whole.slice(2, -2),
          `${whole.slice(2, -2)} limit 1001`,
          `${whole.slice(4, -4)} limit 1001`,
        ]).toContain(handed);
        expect(answer.ok && answer.value).not.toMatch(/; delete from bids \*\/|' ; drop table x/);
      }),
    );
  });

  it("says the same of a statement that is nested in another", async () => {
    const gate = await loadGate(gatePolicy(dialect));
    const all = [
      ...allowed.map((sql) => [true, sql] as const),
      // A LIMIT that is no number may stand inside; and a single word in parentheses is a relation's name.
      ...refused
        .filter(([reason, sql]) => reason !== "limit" && !/^\w+$/.test(sql))
        .map(([, sql]) => [false, sql] as const),
    ];
    const nesting = fc.array(fc.constantFrom(...nests), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...all), nesting, ([expected, sql], nested) => {
        const inner = expected ? sql.replace(/[;\s]+$/, "") : sql;
        const text = nested.reduce((inside, nest) => nest(inside), inner);
        const answer = gate.admit(text, 1_001);
        expect(answer.ok ? "allowed" : answer.failure.message).toEqual(
          expected ? "allowed" : expect.stringContaining("refused"),
        );
      }),
    );
  });
});

it.each([
  ["select bid_id from bids order by bid_id using <", "using"],
  ["select xmlparse(content state) from bids", "xmlparse"],
  ["select * from rows from (generate_series(1, 2), generate_series(1, 3)) as t(a, b)", "rows from"],
])("names what the parser does not read: %s", async (sql, construct) => {
  const answer = (await loadGate(gatePolicy("postgres"))).admit(sql, 1);
  expect(answer.ok ? "allowed" : answer.failure.detail).toBe(`unreadable: ${construct}`);
});

/** A line break ends a comment that the statement may close with. */
const nests: readonly ((sql: string) => string)[] = [
  (sql) => `select * from (${sql}\n) as w1`,
  (sql) => `with w2 as (${sql}\n) select * from w2`,
  (sql) => `with w3 as (select 1), w4 as (${sql}\n) select * from w3, w4`,
  (sql) => `select 1 as a where exists (${sql}\n)`,
  (sql) => `select (select count(*) from (${sql}\n) as w5) as n`,
  (sql) => `select 1 as b union all (select 2 from (${sql}\n) as w6)`,
  (sql) => `select * from bids left join (${sql}\n) as w7 on 1 = 1`,
  (sql) => `select case when exists (${sql}\n) then 1 else 0 end as c from bids`,
];

/** The same words in another case, with other space and comments between them. */
function rewritten(sql: string, dialect: Name, chances: Iterable<number>): string {
  const read = readTokens(sql, dialect);
  if (!("tokens" in read)) throw new Error(`no tokens in ${sql}`);
  const chance = chances[Symbol.iterator]();
  const pick = <Item>(items: readonly Item[]): Item => items[(chance.next().value as number) % items.length] as Item;
  const gaps = [" ", "\n", "\t ", "\r\n", " /* ; delete from bids */ ", " --' ; drop table x\n", "/**/ "];
  let text = "";
  let end = 0;
  for (const token of read.tokens) {
    if (token.start > end) text += pick(gaps);
    end = token.end;
    const { raw } = token;
    text += token.kind === "word" ? pick([raw, raw.toUpperCase(), raw.toLowerCase()]) : raw;
  }
  return text + pick(["", ";", " ; -- end", "\n"]);
}
