// The built program is killed at some of the places where it changes its state; test/long/kill.test.ts tries them
// all.
import { afterAll, describe, expect, test } from "vitest";
import { type KillPoint, killTests, surviveKill } from "../rig/kill.js";

const { whole, recovery, remove } = await killTests();
afterAll(remove);

const some = (points: readonly KillPoint[], most: number): readonly KillPoint[] =>
  Array.from({ length: most }, (_, index) => points[Math.floor(((index + 0.5) * points.length) / most)]).flatMap(
    (point) => point ?? [],
  );

describe.concurrent("a run is taken up where it was", () => {
  test.each(some(whole.points, 8))("after it was killed at $call $ordinal of $path", async (point) => {
    await surviveKill(whole, point);
  });

  test.each(some(recovery.points, 3))(
    "after the run that took it up was killed at $call $ordinal of $path",
    async (point) => {
      await surviveKill(recovery, point);
    },
  );
});

test("there are many places", () => {
  expect(whole.points.length).toBeGreaterThan(100);
  expect(recovery.points.length).toBeGreaterThan(100);
});
