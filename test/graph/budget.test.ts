import fc from "fast-check";
import { expect, test } from "vitest";
import { allowance, usedUp } from "../../src/graph/budget.js";
import type { Usage } from "../../src/model/agent.js";
import type { Budget } from "../../src/model/config.js";
import { nothingSpent, spentAlso, spentText } from "../../src/model/spending.js";

const none: Budget = { audit: null, task: null, tokens: null };
const usage = (more: Partial<Usage> = {}): Usage => ({ input: 0, output: 0, cached: 0, cost: null, turns: 0, ...more });

const anyUsage: fc.Arbitrary<Usage> = fc.record({
  input: fc.nat(100_000),
  output: fc.nat(10_000),
  cached: fc.nat(1_000_000),
  turns: fc.nat(10),
  // Whole quarters add up without a rest.
  cost: fc.option(fc.nat(400).map((quarters) => quarters / 4)),
});

test("tokens whose price nobody told are counted apart, and never for nothing", () => {
  const spent = [usage({ input: 40_000, output: 3_000, cost: 1.2 }), usage({ input: 2_000 })].reduce(
    spentAlso,
    nothingSpent,
  );
  expect(spent).toMatchObject({ cost: 1.2, unpriced: 2_000 });
  expect(spentText(spent)).toBe("$1.20 spent (45,000 tokens, of which 2,000 at a price that was not told)");
  expect(spentText(spentAlso(nothingSpent, usage({ input: 1_234_567 })))).toBe(
    "1,234,567 tokens spent, at a price that was not told",
  );
  expect(spentText(spentAlso(nothingSpent, usage({ cost: 0.001 })))).toBe("<$0.01 spent");
});

test("a budget is used up by dollars or by tokens, whichever comes first", () => {
  const spent = spentAlso(nothingSpent, usage({ input: 900, output: 100, cached: 1_000_000, cost: 5 }));
  expect(usedUp(none, spent)).toBeNull();
  expect(usedUp({ ...none, audit: 5.01, tokens: 1_001 }, spent)).toBeNull();
  expect(usedUp({ ...none, audit: 5 }, spent)).toBe("the run's budget of $5.00 is used up: $5.00 spent (1,000 tokens)");
  expect(usedUp({ ...none, audit: 9, tokens: 1_000 }, spent)).toBe(
    "the run's budget of 1,000 tokens is used up: $5.00 spent (1,000 tokens)",
  );
});

test("a task may spend what its own budget allows, and no more than the run has left", () => {
  const spent = spentAlso(nothingSpent, usage({ cost: 4 }));
  expect(allowance(none, spent)).toBeNull();
  expect(allowance({ ...none, task: 2 }, spent)).toBe(2);
  expect(allowance({ ...none, audit: 5 }, spent)).toBe(1);
  expect(allowance({ ...none, audit: 5, task: 2 }, spent)).toBe(1);
  expect(allowance({ ...none, audit: 3, task: 2 }, spent)).toBe(0);
});

test("tasks one after the other never spend more than a budget and what the last of them overdrew", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.option(fc.integer({ min: 1, max: 10 })),
      fc.array(fc.integer({ min: 0, max: 20 })),
      (audit, task, wishes) => {
        const budget: Budget = { audit, task, tokens: null };
        let spent = nothingSpent;
        for (const wish of wishes) {
          if (usedUp(budget, spent) !== null) break;
          const may = allowance(budget, spent) ?? 0;
          expect(may).toBeGreaterThan(0);
          spent = spentAlso(spent, usage({ cost: Math.min(wish, may) }));
        }
        expect(spent.cost).toBeLessThanOrEqual(audit);
      },
    ),
  );
});

test("what was spent only grows, in whichever order it is told; and a budget that is used up stays so", () => {
  fc.assert(
    fc.property(fc.array(anyUsage), fc.nat(100), fc.nat(1_000_000), (told, audit, tokens) => {
      const budget: Budget = { audit: audit + 1, task: null, tokens: tokens + 1 };
      let spent = nothingSpent;
      let was: string | null = null;
      for (const each of told) {
        spent = spentAlso(spent, each);
        const now = usedUp(budget, spent);
        if (was !== null) expect(now).not.toBeNull();
        was = now;
      }
      expect([...told].reverse().reduce(spentAlso, nothingSpent)).toEqual(spent);
    }),
  );
});
