// The crash states of test/crash/, more of them: each program, and each again after it was killed at any operation.
import { expect, test } from "vitest";
import type { Effort } from "../crash/crash.js";
import { type Episode, episodes, statesOf } from "../crash/programs.js";

test("no power cut loses what was acknowledged, or leaves anything torn, in at least 100,000 states", async () => {
  const { whole, restarted } = await episodes();
  // The long journal of a compaction costs ten times as much to look at as any other.
  const isBig = ({ name }: Episode): boolean => name.startsWith("a compaction");
  const isSmall = (episode: Episode): boolean => !isBig(episode);
  const efforts: readonly (readonly [readonly Episode[], Effort])[] = [
    [whole.filter(isSmall), { cuts: 400, limit: 2_000 }],
    [whole.filter(isBig), { cuts: 400, limit: 300 }],
    [restarted.filter(isSmall), { cuts: 60, limit: 250 }],
    [restarted.filter(isBig).filter((_, index) => index % 8 === 0), { cuts: 30, limit: 50 }],
  ];
  let states = 0;
  for (const [all, effort] of efforts) {
    const outcome = await statesOf(all, effort);
    expect(outcome.violation).toBeNull();
    states += outcome.states;
  }
  expect(states).toBeGreaterThanOrEqual(100_000);
  process.stdout.write(`${states} crash states\n`);
});
