import { expect, test } from "vitest";
import { openLedger } from "../../src/audit/ledger.js";
import type { Usage } from "../../src/model/agent.js";

const paid = (cost: number | null): Usage => ({ input: 10, output: 1, cached: 0, cost, turns: 1 });

test("what a task may spend is settled when it starts: others that spend meanwhile take nothing from it", () => {
  const ledger = openLedger({ audit: 5, task: 3, tokens: null });
  ledger.begin("VA");
  ledger.note("TX", paid(4));
  expect([ledger.left("VA"), ledger.usedUp("VA")]).toEqual([3, null]);
  ledger.begin("FL");
  expect(ledger.left("FL")).toBe(1);
  ledger.note("VA", paid(3.5));
  expect([ledger.left("VA"), ledger.usedUp("VA")]).toEqual([
    0,
    "the task has used up what it may spend: $3.50 of $3.00",
  ]);
});

test("a task that a person runs again begins with a new budget, and the run's goes on", () => {
  const ledger = openLedger({ audit: 10, task: 3, tokens: null });
  ledger.begin("VA");
  ledger.note("VA", paid(3));
  ledger.begin("VA");
  expect([ledger.left("VA"), ledger.total.cost]).toEqual([3, 3]);
});

test("without a budget everything is counted, and nothing is refused", () => {
  const ledger = openLedger(null);
  ledger.note("VA", paid(1_000));
  ledger.note("VA", paid(null));
  expect([ledger.left("VA"), ledger.usedUp("VA")]).toEqual([null, null]);
  expect(ledger.total).toEqual({ input: 20, output: 2, cached: 0, turns: 2, cost: 1_000, unpriced: 11 });
});
