/**
 * How many agents may ask a model's service at a time, from how it answers: halved where it refuses, and raised by one place
 * for each round of answers (additive increase, multiplicative decrease, as TCP does it: RFC 5681). Pure; knows no clock.
 */

export interface Pace {
  readonly places: number;
  readonly most: number;
  /** Goes up with each halving. Who began before it says nothing new when he is refused, too. */
  readonly epoch: number;
  /** Answers since `places` was last changed, of those who began in this epoch. */
  readonly answers: number;
  /** Halvings with no answer since. */
  readonly refusals: number;
  /** Milliseconds of pauses with no answer since. */
  readonly waited: number;
}

/** Milliseconds. Each pause is twice the one before, up to the longest. */
export interface Pauses {
  readonly first: number;
  readonly longest: number;
  /** All of them together, with no answer meanwhile; then the service is given up. */
  readonly patience: number;
}

export function startingPace(most: number): Pace {
  return { places: most, most, epoch: 0, answers: 0, refusals: 0, waited: 0 };
}

/** `pause`: nobody asks for so long; null: a refusal before it began a pause already. `isOver`: patience is used up. */
export interface Refused {
  readonly pace: Pace;
  readonly pause: number | null;
  readonly isOver: boolean;
}

/** @param began the epoch in which the one that was refused had begun. */
export function refused(pace: Pace, began: number, { first, longest, patience }: Pauses): Refused {
  if (began < pace.epoch) return { pace, pause: null, isOver: false };
  const left = patience - pace.waited;
  if (left <= 0) return { pace, pause: null, isOver: true };
  const pause = Math.min(first * 2 ** Math.min(pace.refusals, 30), longest, left);
  const next: Pace = {
    ...pace,
    places: Math.max(1, Math.floor(pace.places / 2)),
    epoch: pace.epoch + 1,
    answers: 0,
    refusals: pace.refusals + 1,
    waited: pace.waited + pause,
  };
  return { pace: next, pause, isOver: false };
}

export function answered(pace: Pace, began: number): Pace {
  const well: Pace = { ...pace, refusals: 0, waited: 0 };
  if (began < pace.epoch || pace.places >= pace.most) return well;
  const answers = pace.answers + 1;
  return answers < pace.places ? { ...well, answers } : { ...well, places: pace.places + 1, answers: 0 };
}
