/**
 * What a budget still allows, from what was spent. Pure; knows no agent, and invents no price where none was told.
 */

import { dollars } from "../model/amount.js";
import type { Budget } from "../model/config.js";
import { grouped, type Spent, spentText, tokensOf } from "../model/spending.js";

/**
 * Why nothing new may start; null where the budget has something left.
 * @param estimated US dollars besides, for what was told without a price
 */
export function usedUp(budget: Budget, spent: Spent, estimated = 0): string | null {
  if (budget.audit !== null && spent.cost + estimated >= budget.audit) {
    const besides = estimated === 0 ? "" : `, estimated at ${dollars(estimated)} more`;
    return `the run's budget of ${dollars(budget.audit)} is used up: ${spentText(spent)}${besides}`;
  }
  const tokens = tokensOf(spent);
  if (budget.tokens !== null && tokens >= budget.tokens)
    return `the run's budget of ${grouped(budget.tokens)} tokens is used up: ${spentText(spent)}`;
  return null;
}

/**
 * US dollars that a task which starts now may spend; null: no limit. More than one task may be given the same rest: together
 * they can overdraw it, each by no more than this.
 */
export function allowance(budget: Budget, spent: Spent, estimated = 0): number | null {
  const left = budget.audit === null ? null : budget.audit - spent.cost - estimated;
  const limits = [budget.task, left].filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.max(0, Math.min(...limits));
}
