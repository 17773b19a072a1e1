// The audit folder is damaged at random, two hundred times: bits flipped, files cut off, files deleted.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DamageTest, damageTest, surviveDamage } from "../rig/damage.js";

let damaged: DamageTest;
beforeAll(async () => {
  damaged = await damageTest();
});
afterAll(() => damaged.audit.remove());

const counts = { state: 0, all: 0 };
test.concurrent.each(Array.from({ length: 200 }, (_, seed) => seed))(
  "damage %d is noticed, or mended and harmless",
  async (seed) => {
    const what = await surviveDamage(damaged, seed);
    counts.all += 1;
    if (what.startsWith("traces/")) counts.state += 1;
  },
);

test("much of it hit what decides on reuse", () => {
  expect(counts.all).toBe(200);
  expect(counts.state).toBeGreaterThan(80);
  process.stdout.write(`${counts.state} of ${counts.all} damages were in traces/\n`);
});
