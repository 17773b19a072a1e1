/**
 * What agents have spent: types, sums and words. graph/budget.ts decides with them.
 */
import type { Usage } from "./agent.js";
import { dollars } from "./amount.js";

/** Added up from what agents tell (`AgentActivity` of type `spent`), whether anything of theirs was admitted or not. */
export interface Spent {
  /** Tokens that were read anew, that were written, and that were read from a cache. */
  readonly input: number;
  readonly output: number;
  readonly cached: number;
  readonly turns: number;
  /** US dollars, as far as agents tell them. */
  readonly cost: number;
  /** Tokens, of `input` and `output`, whose price nobody told: `cost` is without them. */
  readonly unpriced: number;
  /** Tokens, of `unpriced`, that nobody told: what was sent to those who were ended before they could. Absent: none. */
  readonly estimated?: number;
}

/** Counts what the agents of one run spend, in all and task by task. */
export interface Ledger {
  /** A task starts, or starts once more because a person wants it: what it may spend is settled now. */
  begin(task: string): void;
  /** Counts also what nothing came of. */
  note(task: string, usage: Usage): void;
  /** US dollars that the task may still spend; null: no limit. */
  left(task: string): number | null;
  /** Why the task may ask no more; null where it may. */
  usedUp(task: string): string | null;
  readonly total: Spent;
  /** US dollars that `total.cost` lacks for what was told without a price; never less than before. 0 until a price was told. */
  readonly estimated: number;
}

export const nothingSpent: Spent = { input: 0, output: 0, cached: 0, turns: 0, cost: 0, unpriced: 0 };

export function spentAlso(spent: Spent, { input, output, cached, turns, cost, ...usage }: Usage): Spent {
  const estimated = (spent.estimated ?? 0) + (usage.estimated ? input + output : 0);
  return {
    input: spent.input + input,
    output: spent.output + output,
    cached: spent.cached + cached,
    turns: spent.turns + turns,
    cost: spent.cost + (cost ?? 0),
    unpriced: spent.unpriced + (cost === null ? input + output : 0),
    ...(estimated === 0 ? {} : { estimated }),
  };
}

/** Null where nobody told of anything. */
export function spentOf(spent: Spent): Spent | null {
  return spent.cost + spent.turns + tokensOf(spent) + spent.cached > 0 ? spent : null;
}

/** Those that a budget counts: what comes from a cache costs a tenth, and is no measure of work. */
export function tokensOf({ input, output }: Spent): number {
  return input + output;
}

/**
 * `$1.20 spent (45,000 tokens)`, `$1.20 spent (45,000 tokens, of which 2,000 at a price that was not told)`; with
 * `, 1,500 of them estimated` where that is so.
 */
export function spentText(spent: Spent): string {
  const tokens = tokensOf(spent);
  const guess = spent.estimated === undefined ? "" : `, ${grouped(spent.estimated)} of them estimated`;
  if (tokens > 0 && spent.unpriced >= tokens && spent.cost === 0)
    return `${grouped(tokens)} tokens spent${guess}, at a price that was not told`;
  const told = spent.unpriced === 0 ? "" : `, of which ${grouped(spent.unpriced)} at a price that was not told`;
  const unpriced = `${told}${guess}`;
  return `${dollars(spent.cost)} spent${tokens === 0 ? "" : ` (${grouped(tokens)} tokens${unpriced})`}`;
}

/** `1,234,567`, in any locale. */
export function grouped(amount: number): string {
  return String(amount).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
