// The power is cut after each operation of the state on disk, in every way that a model of a disk knows.
// test/long/crash.test.ts looks at more than 100,000 states.
import { describe, expect, test } from "vitest";
import { episodes, statesOf } from "./programs.js";

const { whole, restarted } = await episodes();
// The big state of a compaction takes long: the long test looks at it from all sides.
const isBig = ({ name }: { readonly name: string }): boolean => name.startsWith("a compaction");
const small = [...whole, ...restarted.filter((_, index) => index % 4 === 0)].filter((episode) => !isBig(episode));

test("no power cut loses what was acknowledged, or leaves anything torn, in some thousands of states", async () => {
  const big = await statesOf(whole.filter(isBig), { cuts: 1, limit: 4 });
  expect(big.violation).toBeNull();
  const { states, violation } = await statesOf(small, { cuts: 8, limit: 20 });
  expect(violation).toBeNull();
  expect(states).toBeGreaterThan(2_000);
});

describe("a program that leaves out one fsync", () => {
  const sites = [...new Set([...whole, ...restarted].flatMap((episode) => [...episode.sites]))].sort();

  test("has many to choose from", () => {
    expect(sites.length).toBeGreaterThanOrEqual(12);
  });

  test.each(sites)("is caught: %s", async (site) => {
    for (const episode of [...whole, ...restarted]) {
      if (!episode.sites.has(site)) continue;
      const { violation } = await episode.crash({ cuts: 1, limit: 6 }, (asked) => asked === site);
      if (violation !== null) return;
    }
    expect.fail("no crash state shows that it is missing");
  });
});
