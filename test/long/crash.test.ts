// The crash states of test/crash/, more of them: each program, and each again after it was killed at any operation.
import { expect, test } from "vitest";
import { episodes, statesOf } from "../crash/programs.js";

test("no power cut loses what was acknowledged, or leaves anything torn, in at least 100,000 states", async () => {
  const { whole, restarted } = await episodes();
  const once = await statesOf(whole, { cuts: 400, limit: 2_000 });
  expect(once.violation).toBeNull();
  const again = await statesOf(restarted, { cuts: 30, limit: 100 });
  expect(again.violation).toBeNull();
  expect(once.states + again.states).toBeGreaterThanOrEqual(100_000);
  process.stdout.write(`${once.states + again.states} crash states\n`);
});
