/**
 * What a budget still allows, from what was spent. Pure; knows no agent, and invents no price where none was told.
 */

import { dollars } from "../model/amount.js";
import type { Budget } from "../model/config.js";
import { grouped, type Spent, spentText, tokensOf } from "../model/spending.js";

/** Why nothing new may start; null where the budget has something left. */
export function usedUp(budget: Budget, spent: Spent): string | null {
  if (budget.audit !== null && spent.cost >= budget.audit)
    return `the run's budget of ${dollars(budget.audit)} is used up: ${spentText(spent)}`;
  const tokens = tokensOf(spent);
  if (budget.tokens !== null && tokens >= budget.tokens)
    return `the run's budget of ${grouped(budget.tokens)} tokens is used up: ${spentText(spent)}`;
  return null;
}

/**
 * US dollars that a task which starts now may spend; null: no limit. More than one task may be given the same rest: together
 * they can overdraw it, each by no more than this.
 */
export function allowance(budget: Budget, spent: Spent): number | null {
  const limits = [budget.task, budget.audit === null ? null : budget.audit - spent.cost].filter(
    (limit) => limit !== null,
  );
  return limits.length === 0 ? null : Math.max(0, Math.min(...limits));
}
