import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createSlotPool } from "../../src/execution/slot-pool.js";
import { failed, ok } from "../../src/model/result.js";
import type { SlotProvider } from "../../src/model/slot.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-slots-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Slots that are only remembered. */
function fakeProvider(occupied: readonly number[] = []) {
  const made = new Set<number>();
  const removed: number[] = [];
  const provider: SlotProvider = {
    id: "fake",
    locate: (number) => ({ number, paths: { dbt: `/slots/${number}` } }),
    check: async () => ok(undefined),
    create: async (number) => {
      if (occupied.includes(number)) return failed("slot-exists", `/slots/${number} is there already`);
      made.add(number);
      return ok(provider.locate(number));
    },
    remove: async (slot) => {
      removed.push(slot.number);
      made.delete(slot.number);
      return ok(null);
    },
  };
  return { provider, made, removed };
}

const signal = new AbortController().signal;
const ledger = async () => JSON.parse(await readFile(join(folder, "ledger.json"), "utf8")).slots;

test("a slot stands in the ledger from before it is made until it is removed", async () => {
  const { provider } = fakeProvider();
  const create = provider.create;
  let duringCreation: unknown;
  const watched: SlotProvider = {
    ...provider,
    create: async (number, abort) => {
      duringCreation = await ledger();
      return create(number, abort);
    },
  };
  const pool = createSlotPool({ provider: watched, count: 2, folder });
  const lease = await pool.lease(signal);
  if (!lease.ok) throw new Error("no lease");
  expect(duringCreation).toEqual([{ number: 1, paths: { dbt: "/slots/1" } }]);
  await lease.value.release();
  expect(await ledger()).toEqual([]);
});

test("leases at a time get different slots, and a released number is used again", async () => {
  const pool = createSlotPool({ provider: fakeProvider().provider, count: 2, folder });
  const [first, second] = await Promise.all([pool.lease(signal), pool.lease(signal)]);
  if (!first.ok || !second.ok) throw new Error("no lease");
  expect([first.value.slot.number, second.value.slot.number]).toEqual([1, 2]);
  await first.value.release();
  expect(await pool.lease(signal)).toMatchObject({ ok: true, value: { slot: { number: 1 } } });
});

test("what a dead run left in the ledger is removed", async () => {
  await writeFile(join(folder, "ledger.json"), JSON.stringify({ version: 1, slots: [{ number: 2, paths: {} }] }));
  const { provider, removed } = fakeProvider();
  expect(await createSlotPool({ provider, count: 2, folder }).clear()).toEqual([]);
  expect(removed).toEqual([2]);
  expect(await ledger()).toEqual([]);
});

test("a folder that stood there before is neither used nor removed", async () => {
  const { provider, removed } = fakeProvider([1]);
  const pool = createSlotPool({ provider, count: 1, folder });
  expect(await pool.lease(signal)).toMatchObject({ ok: false, failure: { code: "slot-exists" } });
  await pool.clear();
  expect(removed).toEqual([]);
});

test("what cannot be removed is named and stays in the ledger", async () => {
  const { provider } = fakeProvider();
  const stubborn: SlotProvider = { ...provider, remove: async () => failed("slot-failed", "busy") };
  const pool = createSlotPool({ provider: stubborn, count: 1, folder });
  await pool.lease(signal);
  expect(await pool.clear()).toMatchObject([{ message: "busy" }]);
  expect(await ledger()).toHaveLength(1);
});

test("a damaged ledger is as good as none", async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "ledger.json"), "{ broken");
  const { provider, removed } = fakeProvider();
  expect(await createSlotPool({ provider, count: 1, folder }).clear()).toEqual([]);
  expect(removed).toEqual([]);
});

test("a number is free again where the disk refuses the ledger, before a lease and after it", async () => {
  const { provider } = fakeProvider();
  const pool = createSlotPool({ provider, count: 1, folder });
  await mkdir(join(folder, "ledger.json"));
  await expect(pool.lease(signal)).rejects.toThrow("ledger.json");
  await rm(join(folder, "ledger.json"), { recursive: true });
  const lease = await pool.lease(signal);
  if (!lease.ok) throw new Error("no lease");
  await rm(join(folder, "ledger.json"));
  await mkdir(join(folder, "ledger.json"));
  await expect(lease.value.release()).rejects.toThrow("ledger.json");
  await rm(join(folder, "ledger.json"), { recursive: true });
  expect(await pool.lease(signal)).toMatchObject({ ok: true });
});
