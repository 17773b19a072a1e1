import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answered, type Pace, refused, startingPace } from "../../src/graph/pace.js";

const pauses = { first: 15_000, longest: 300_000, patience: 1_800_000 };

test("a refusal halves the places, and the others that had begun by then halve them no further", () => {
  const first = refused(startingPace(8), 0, pauses);
  expect([first.pace.places, first.pause, first.isOver]).toEqual([4, 15_000, false]);
  const second = refused(first.pace, 0, pauses);
  expect([second.pace, second.pause, second.isOver]).toEqual([first.pace, null, false]);
  expect(refused(first.pace, first.pace.epoch, pauses)).toMatchObject({ pace: { places: 2 }, pause: 30_000 });
});

test("a round of answers gives one place back, until there are as many as at first", () => {
  let pace: Pace = { ...startingPace(4), places: 2 };
  const places = [1, 2, 3, 4, 5, 6].map(() => {
    pace = answered(pace, pace.epoch);
    return pace.places;
  });
  expect(places).toEqual([2, 3, 3, 3, 4, 4]);
});

test("an answer to who began before a refusal ends the waiting, and raises nothing", () => {
  const { pace } = refused(startingPace(2), 0, pauses);
  expect(answered(pace, 0)).toEqual({ ...pace, refusals: 0, waited: 0 });
});

describe("whatever the service does", () => {
  const steps = fc.array(fc.record({ answers: fc.boolean(), isStale: fc.boolean() }), { maxLength: 200 });
  const settings = fc.record({
    most: fc.integer({ min: 1, max: 64 }),
    first: fc.integer({ min: 1, max: 60_000 }),
    longest: fc.integer({ min: 1, max: 600_000 }),
    patience: fc.integer({ min: 1, max: 7_200_000 }),
  });

  test("there is a place, and no more than at first; a refusal takes half at most, an answer gives one at most", () => {
    fc.assert(
      fc.property(settings, steps, ({ most, ...own }, taken) => {
        let pace = startingPace(most);
        for (const { answers, isStale } of taken) {
          const before = pace;
          const began = isStale ? pace.epoch - 1 : pace.epoch;
          pace = answers ? answered(pace, began) : refused(pace, began, own).pace;
          expect(pace.places).toBeGreaterThanOrEqual(1);
          expect(pace.places).toBeLessThanOrEqual(most);
          if (answers) expect(pace.places - before.places).toBeOneOf([0, 1]);
          else expect(pace.places).toBeOneOf([before.places, Math.max(1, Math.floor(before.places / 2))]);
        }
      }),
    );
  });

  test("the pauses without an answer add up to the patience, and then it is over", () => {
    fc.assert(
      fc.property(settings, ({ most, first, longest, patience }) => {
        let pace = startingPace(most);
        let waited = 0;
        let last = 0;
        // The shortest possible pauses, so that it ends.
        const own = { first, longest, patience: Math.min(patience, 1_000 * Math.min(first, longest)) };
        for (;;) {
          const next = refused(pace, pace.epoch, own);
          if (next.isOver) break;
          const pause = next.pause ?? 0;
          expect(pause).toBeGreaterThan(0);
          expect(pause).toBeLessThanOrEqual(longest);
          if (waited + pause < own.patience) expect(pause).toBeGreaterThanOrEqual(last);
          waited += pause;
          last = pause;
          pace = next.pace;
        }
        expect(waited).toBe(own.patience);
        expect(refused(answered(pace, pace.epoch), pace.epoch, own).isOver).toBe(false);
      }),
    );
  });

  test("answers alone bring back all places", () => {
    fc.assert(
      fc.property(settings, steps, ({ most, ...own }, taken) => {
        let pace = startingPace(most);
        for (const { answers } of taken)
          pace = answers ? answered(pace, pace.epoch) : refused(pace, pace.epoch, own).pace;
        for (let round = 0; round < most * most; round += 1) pace = answered(pace, pace.epoch);
        expect(pace.places).toBe(most);
      }),
    );
  });
});
