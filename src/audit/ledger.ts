/**
 * What the agents of one run have spent so far, in all and task by task. Only counts: graph/budget.ts says what is left.
 * A conversation that was killed tells tokens and no price: it is counted at what tokens have cost in this run.
 */

import { allowance } from "../graph/budget.js";
import type { Usage } from "../model/agent.js";
import { dollars } from "../model/amount.js";
import type { Budget } from "../model/config.js";
import { type Ledger, nothingSpent, spentAlso } from "../model/spending.js";

interface Account {
  readonly limit: number | null;
  spent: number;
}

const noBudget: Budget = { audit: null, task: null, tokens: null };

export function openLedger(budget: Budget | null): Ledger {
  const accounts = new Map<string, Account>();
  let total = nothingSpent;
  const priced = { tokens: 0, cost: 0 };
  let unpriced = 0;
  let estimated = 0;
  const price = (): number => (priced.tokens === 0 ? 0 : priced.cost / priced.tokens);
  /** US dollars; what is told without a price before any price was is made up for by the first one. */
  const estimate = (usage: Usage): number => {
    const tokens = weighed(usage);
    if (usage.cost === null) unpriced += tokens;
    else {
      priced.tokens += tokens;
      priced.cost += usage.cost;
    }
    // A budget that is used up stays so, though a later price be lower.
    estimated = Math.max(estimated, unpriced * price());
    return usage.cost ?? tokens * price();
  };
  const accountOf = (task: string): Account => {
    const known = accounts.get(task);
    if (known !== undefined) return known;
    const account = { limit: allowance(budget ?? noBudget, total, estimated), spent: 0 };
    accounts.set(task, account);
    return account;
  };
  const left = (task: string): number | null => {
    const { limit, spent } = accountOf(task);
    return limit === null ? null : Math.max(0, limit - spent);
  };
  return {
    begin(task) {
      accounts.delete(task);
      accountOf(task);
    },
    note(task, usage) {
      accountOf(task).spent += estimate(usage);
      total = spentAlso(total, usage);
    },
    left,
    usedUp(task) {
      if (left(task) !== 0) return null;
      const { limit, spent } = accountOf(task);
      return `the task has used up what it may spend: ${dollars(spent)} of ${dollars(limit ?? 0)}`;
    },
    get total() {
      return total;
    },
    get estimated() {
      return estimated;
    },
  };
}

/** What comes from a cache costs about a tenth. */
function weighed({ input, output, cached }: Usage): number {
  return input + output + cached / 10;
}
