// The audit folder is damaged at random, a few times; test/long/damage.test.ts does it two hundred times.
import { afterAll, beforeAll, test } from "vitest";
import { type DamageTest, damageTest, surviveDamage } from "../rig/damage.js";

let damaged: DamageTest;
beforeAll(async () => {
  damaged = await damageTest();
});
afterAll(() => damaged.audit.remove());

test.concurrent.each([0, 1, 3])("damage %d is noticed, or mended and harmless", async (seed) => {
  await surviveDamage(damaged, seed);
});
