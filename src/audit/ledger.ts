/**
 * What the agents of one run have spent so far, in all and task by task. Only counts: graph/budget.ts says what is left.
 */

import { allowance } from "../graph/budget.js";
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
  const accountOf = (task: string): Account => {
    const known = accounts.get(task);
    if (known !== undefined) return known;
    const account = { limit: allowance(budget ?? noBudget, total), spent: 0 };
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
      accountOf(task).spent += usage.cost ?? 0;
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
  };
}
