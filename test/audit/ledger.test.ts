import { expect, test } from "vitest";
import { openLedger } from "../../src/audit/ledger.js";
import { usedUp } from "../../src/graph/budget.js";
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

test("what was told without a price counts at the price of this run, also what came before that price", () => {
  const ledger = openLedger({ audit: 5, task: 4, tokens: null });
  ledger.begin("VA");
  ledger.note("VA", paid(null));
  expect([ledger.left("VA"), ledger.estimated]).toEqual([4, 0]);
  ledger.begin("TX");
  ledger.note("TX", paid(2));
  ledger.note("TX", paid(null));
  expect([ledger.left("TX"), ledger.estimated, ledger.total.cost]).toEqual([0, 4, 2]);
  // A lower price gives nothing back, and the run's budget is used up.
  ledger.note("TX", { ...paid(0), input: 1_000_000 });
  expect(ledger.estimated).toBe(4);
  ledger.begin("FL");
  expect(ledger.left("FL")).toBe(0);
  expect(usedUp({ audit: 5, task: 4, tokens: null }, ledger.total, ledger.estimated)).toMatch(
    /^the run's budget of \$5\.00 is used up: \$2\.00 spent .* at a price that was not told\), estimated at \$4\.00 more$/,
  );
});

test("what was estimated counts as if it had been told, and is named", () => {
  const ledger = openLedger({ audit: 5, task: null, tokens: 100 });
  ledger.note("VA", paid(2));
  ledger.note("TX", { input: 89, output: 0, cached: 0, cost: null, turns: 0, estimated: true });
  expect(ledger.total).toMatchObject({ input: 99, unpriced: 89, estimated: 89 });
  expect(usedUp({ audit: 50, task: null, tokens: 100 }, ledger.total, ledger.estimated)).toMatch(
    /\(100 tokens, of which 89 at a price that was not told, 89 of them estimated\)/,
  );
});

test("without a budget everything is counted, and nothing is refused", () => {
  const ledger = openLedger(null);
  ledger.note("VA", paid(1_000));
  ledger.note("VA", paid(null));
  expect([ledger.left("VA"), ledger.usedUp("VA")]).toEqual([null, null]);
  expect(ledger.total).toEqual({ input: 20, output: 2, cached: 0, turns: 2, cost: 1_000, unpriced: 11 });
});
