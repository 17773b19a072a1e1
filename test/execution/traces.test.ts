import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readJournal } from "../../src/execution/journal.js";
import { openTraceStore, readTraceStore } from "../../src/execution/traces.js";
import type { TraceReader, TraceStore } from "../../src/model/trace-store.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-traces-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function opened(): Promise<TraceStore> {
  const store = await openTraceStore(folder);
  if (!store.ok) throw new Error(store.failure.message);
  return store.value;
}

async function reading(from = folder): Promise<TraceReader> {
  const reader = await readTraceStore(from);
  if (!reader.ok) throw new Error(reader.failure.message);
  return reader.value;
}

const trace = (subject: string, rows = "1") => ({
  subject,
  fingerprint: `f${rows}`,
  parts: { rows },
  observed: {},
  run: "r",
  at: "2026-02-03T00:00:00Z",
});

async function written(...subjects: string[]): Promise<void> {
  const store = await opened();
  for (const subject of subjects) await store.commit(trace(subject), { finding: subject });
  await store.close();
}

test("what was committed is there for the next process, newest first", async () => {
  const store = await opened();
  await store.commit(trace("duplicate@VA", "1"), { cause: "old" });
  await store.commit(trace("duplicate@VA", "2"), { cause: "new" });
  await store.close();
  const reader = await reading();
  const found = reader.find("duplicate@VA");
  expect(found.map(({ parts }) => parts.rows)).toEqual(["2", "1"]);
  expect(await Promise.all(found.map((one) => reader.read(one)))).toEqual([{ cause: "new" }, { cause: "old" }]);
  expect(reader.damage).toEqual([]);
});

test("many commits at once all end up in the journal", async () => {
  const store = await opened();
  await Promise.all(Array.from({ length: 50 }, (_, index) => store.commit(trace(`case ${index}`), index)));
  await store.close();
  expect(readJournal(await readFile(join(folder, "journal.jsonl"), "utf8")).traces).toHaveLength(50);
});

test("a reader of a folder that does not exist finds nothing and makes nothing", async () => {
  const reader = await reading(join(folder, "absent"));
  expect(reader.find("anything")).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test("a last line that a crash cut off is left out and named, and does not spoil the next one", async () => {
  await written("a", "b");
  const file = join(folder, "journal.jsonl");
  const { length } = await readFile(file);
  await truncate(file, length - 20);
  const store = await opened();
  expect(store.find("a")).toHaveLength(1);
  expect(store.find("b")).toEqual([]);
  expect(store.damage).toEqual(["journal.jsonl:2: the last line was cut off and is not used"]);
  await store.commit(trace("c"), 3);
  await store.close();
  expect((await reading()).find("c")).toHaveLength(1);
});

test("an output that is gone or was changed is not given out", async () => {
  await written("a", "b");
  const reader = await reading();
  for (const [subject, spoil] of [
    ["a", (file: string) => rm(file)],
    ["b", (file: string) => writeFile(file, '{"finding":"forged"}')],
  ] as const) {
    const [one] = reader.find(subject);
    if (one === undefined) throw new Error("no trace");
    await spoil(join(folder, "objects", one.output.slice(0, 2), `${one.output.slice(2)}.json`));
    expect(await reader.read(one)).toBeNull();
  }
});

test("a flipped bit anywhere in the journal never makes another trace of it, and is named", async () => {
  await written("a", "b", "c");
  const bytes = await readFile(join(folder, "journal.jsonl"));
  const whole = readJournal(bytes.toString("utf8")).traces;
  fc.assert(
    fc.property(fc.nat(bytes.length - 2), fc.nat(7), (index, bit) => {
      const flipped = Buffer.from(bytes);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
      const { traces, damage } = readJournal(flipped.toString("utf8"));
      for (const one of traces) expect(whole).toContainEqual(one);
      expect(traces.length === whole.length || damage.length > 0).toBe(true);
    }),
    { numRuns: 300 },
  );
});
