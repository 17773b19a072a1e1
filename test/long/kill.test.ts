// The built program is killed at every call to the system by which it changes its state; and a run that takes up one which
// was killed at half its work is killed at every one of its own.
import { afterAll, describe, expect, test } from "vitest";
import { type KillTest, killTests, surviveKill } from "../rig/kill.js";

const { whole, recovery, remove } = await killTests();
afterAll(remove);

const killed = new Map<KillTest, number>();
const survive = async (kill: KillTest, point: KillTest["points"][number]): Promise<void> => {
  if (await surviveKill(kill, point)) killed.set(kill, (killed.get(kill) ?? 0) + 1);
};

describe.concurrent("no finished case is asked again", () => {
  test.each(whole.points)("after $call $ordinal of $path", (point) => survive(whole, point));
  test.each(recovery.points)("after $call $ordinal of $path by the run that took it up", (point) =>
    survive(recovery, point),
  );
});

test("there were many places, and the program was killed at nearly all of them", () => {
  for (const kill of [whole, recovery]) {
    expect(kill.points.length).toBeGreaterThan(100);
    // tasks.json is rewritten as time goes by, and not as often each time.
    expect(killed.get(kill)).toBeGreaterThan(0.85 * kill.points.length);
  }
  process.stdout.write(
    `killed at ${killed.get(whole)} of ${whole.points.length} places, in recovery at ${killed.get(recovery)} of ${recovery.points.length}\n`,
  );
});
