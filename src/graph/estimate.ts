/**
 * What investigations may take and cost: what they did the last time; for a case that this agent never investigated, by its
 * number of failures, at the pace of those that were. Pure; knows no plan, and invents no figure where there is no earlier one.
 */
import type { Case } from "../model/case.js";
import { effort } from "./pack.js";

/** What an earlier investigation of a case took. */
export interface EarlierInvestigation {
  /** Milliseconds. */
  readonly took: number;
  /** US dollars; null where the agent did not tell. */
  readonly cost: number | null;
  readonly bySameAgent: boolean;
}

interface KnownCase {
  readonly case: Case;
  readonly earlier: EarlierInvestigation | null;
}

export interface Estimate {
  /** Milliseconds of work; null where there is nothing to go by. */
  readonly duration: number | null;
  /** US dollars that agents cost; 0 where they cost nothing, null where that is not known. */
  readonly cost: number | null;
  /** Some of it is a guess: not every case was investigated before by this agent and model. */
  readonly guessed: boolean;
}

export const nothing: Estimate = { duration: 0, cost: 0, guessed: false };

/** @param known cases whose earlier investigations give the pace; @param isFree the agent costs nothing. */
export function estimator(known: readonly KnownCase[], isFree: boolean): (cases: readonly KnownCase[]) => Estimate {
  const own = known.filter(({ earlier }) => earlier?.bySameAgent);
  const pace = {
    took: median(own.map((item) => perEffort(item, item.earlier?.took))),
    cost: median(own.map((item) => perEffort(item, item.earlier?.cost))),
    // Another agent's pace is better than none to tell long from short.
    others: median(known.map((item) => perEffort(item, item.earlier?.took))),
  };
  const duration = ({ case: item, earlier }: KnownCase): number | null => {
    if (earlier?.bySameAgent) return earlier.took;
    if (pace.took !== null) return pace.took * effort(item);
    return earlier?.took ?? (pace.others === null ? null : pace.others * effort(item));
  };
  const cost = ({ case: item, earlier }: KnownCase): number | null => {
    if (isFree) return 0;
    if (earlier?.bySameAgent && earlier.cost !== null) return earlier.cost;
    return pace.cost === null ? null : pace.cost * effort(item);
  };
  const isKnown = ({ earlier }: KnownCase): boolean => earlier?.bySameAgent === true;
  const isPriced = (item: KnownCase): boolean => isFree || (isKnown(item) && item.earlier?.cost !== null);
  return (cases) => {
    const expected = { duration: rounded(sum(cases.map(duration))), cost: sum(cases.map(cost)) };
    const isGuess = (amount: number | null, known: (item: KnownCase) => boolean): boolean =>
      amount !== null && !cases.every(known);
    return { ...expected, guessed: isGuess(expected.duration, isKnown) || isGuess(expected.cost, isPriced) };
  };
}

/** Null where one of them is. */
export function sum(amounts: readonly (number | null)[]): number | null {
  return amounts.reduce((total, amount) => (total === null || amount === null ? null : total + amount), 0);
}

function rounded(amount: number | null): number | null {
  return amount === null ? null : Math.round(amount);
}

function perEffort({ case: item }: KnownCase, amount: number | null | undefined): number | null {
  return amount === null || amount === undefined ? null : amount / effort(item);
}

function median(amounts: readonly (number | null)[]): number | null {
  const sorted = amounts.filter((amount) => amount !== null).sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
