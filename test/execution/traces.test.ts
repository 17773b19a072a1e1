import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readJournal } from "../../src/execution/journal.js";
import { openTraceStore, readTraceStore } from "../../src/execution/traces.js";
import { sha256 } from "../../src/model/digest.js";
import type { TraceReader, TraceStore } from "../../src/model/trace-store.js";
import { type Disk, realDisk } from "../../src/support/disk.js";

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
  expect(store.damage).toEqual([
    "journal.jsonl:2: the last line was cut off and is not used",
    expect.stringMatching(/^journal\.jsonl is cut off: of \d+ bytes it has \d+, and lines at its end are lost$/),
  ]);
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
  expect(reader.damage).toEqual([
    expect.stringMatching(/^objects\/\w\w\/\w+\.json: is missing; it is what run r found of a$/),
    expect.stringMatching(/^objects\/\w\w\/\w+\.json: is not what was written; it is what run r found of b$/),
  ]);
});

test("an output that the machine cannot open now is not taken for lost", async () => {
  await written("a");
  const crowded: Disk = {
    ...realDisk,
    read: (path) =>
      path.includes("objects")
        ? Promise.reject(Object.assign(new Error("crowded"), { code: "EMFILE" }))
        : realDisk.read(path),
  };
  const reader = await readTraceStore(folder, crowded);
  const [one] = reader.ok ? reader.value.find("a") : [];
  if (!reader.ok || one === undefined) throw new Error("no trace");
  await expect(reader.value.read(one)).rejects.toMatchObject({ code: "EMFILE" });
  expect(reader.value.damage).toEqual([]);
});

test("a journal that is cut off at any byte is named, between two lines too", async () => {
  await written("a", "b", "c");
  const file = join(folder, "journal.jsonl");
  const whole = await readFile(file);
  const lines = [...whole.keys()].filter((index) => whole[index] === 0x0a).map((index) => index + 1);
  for (const length of [...lines.slice(0, -1), 0, 1, whole.length - 1]) {
    await writeFile(file, whole.subarray(0, length));
    expect((await reading()).damage, `${length} bytes`).not.toEqual([]);
  }
  await writeFile(file, whole);
  expect((await reading()).damage).toEqual([]);
});

test("a note of the journal's end that is damaged or gone is named, and written anew by the next run", async () => {
  const note = join(folder, "journal.end");
  for (const spoil of [() => rm(note), () => truncate(note, 7), () => writeFile(note, "no note")]) {
    await written("a");
    await spoil();
    expect((await reading()).damage).toEqual([expect.stringMatching(/^journal\.end is (damaged|missing)/)]);
    await (await opened()).close();
    expect((await reading()).damage).toEqual([]);
  }
});

test("lines of a run that was killed are no damage, and their end is noted by the next", async () => {
  await written("a");
  const killed = await opened();
  await killed.commit(trace("b"), 2);
  expect((await reading()).damage).toEqual([]);
  await (await opened()).close();
  const file = join(folder, "journal.jsonl");
  await truncate(file, (await readFile(file, "utf8")).indexOf("\n") + 1);
  expect((await reading()).damage).toEqual([expect.stringContaining("cut off")]);
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

test("a state of a newer audit-run is refused, for reading and for writing, and left as it is", async () => {
  await written("a");
  const file = join(folder, "journal.jsonl");
  const body = '{"v":2,"what":"nobody knows yet"';
  await appendFile(file, `${body},"sum":"${sha256(body).slice(0, 16)}"}\n`);
  const before = await readFile(file, "utf8");
  const refused = {
    ok: false,
    failure: {
      code: "state-unreadable",
      message: expect.stringContaining("newer"),
      hint: expect.stringMatching(/^Upgrade/),
    },
  };
  expect(await openTraceStore(folder)).toMatchObject(refused);
  expect(await readTraceStore(folder)).toMatchObject(refused);
  expect(await readFile(file, "utf8")).toBe(before);
});

test("a journal that is no file, and a folder that cannot be made, are refused by name", async () => {
  await mkdir(join(folder, "one", "journal.jsonl"), { recursive: true });
  expect(await openTraceStore(join(folder, "one"))).toMatchObject({ ok: false, failure: { code: "state-unreadable" } });
  await mkdir(join(folder, "two"));
  await writeFile(join(folder, "two", "objects"), "a file");
  expect(await openTraceStore(join(folder, "two"))).toMatchObject({ ok: false, failure: { code: "disk" } });
});

test("outputs without a journal are named, since they cannot be used", async () => {
  await written("a");
  await rm(join(folder, "journal.jsonl"));
  expect((await reading()).damage).toEqual([
    "journal.jsonl is missing or empty: outputs of earlier runs cannot be used",
  ]);
});

test("an overgrown journal is compacted when it is closed, and outputs that nobody names go", async () => {
  const store = await opened();
  for (let rows = 1; rows <= 45; rows += 1) await store.commit(trace("export", String(rows)), { rows });
  await store.commit(trace("a"), { finding: "a" });
  await store.close();
  const reader = await reading();
  const kept = Array.from({ length: 20 }, (_, index) => String(45 - index));
  expect(reader.find("export").map(({ parts }) => parts.rows)).toEqual(kept);
  const outputs = await Promise.all([...reader.find("export"), ...reader.find("a")].map((one) => reader.read(one)));
  expect(outputs).not.toContain(null);
  const objects = await readdir(join(folder, "objects"), { recursive: true });
  expect(objects.filter((name) => name.endsWith(".json"))).toHaveLength(21);
});

test("damage is warned of once: the run that saw it leaves a whole journal", async () => {
  await written("a", "b");
  const file = join(folder, "journal.jsonl");
  await writeFile(file, (await readFile(file, "utf8")).replace('"a"', '"c"'));
  const store = await opened();
  expect(store.damage).toHaveLength(1);
  await store.close();
  expect((await reading()).damage).toEqual([]);
  expect((await reading()).find("b")).toHaveLength(1);
});

test("a run that adds nothing to a whole journal does not touch it", async () => {
  await written("a");
  const file = join(folder, "journal.jsonl");
  const before = await stat(file);
  await (await opened()).close();
  expect((await stat(file)).ino).toBe(before.ino);
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs);
});

test("a line that a full disk cut off is refused, and does not spoil the next one", async () => {
  let full = false;
  const disk: Disk = {
    ...realDisk,
    async open(path, mode) {
      const file = await realDisk.open(path, mode);
      return {
        ...file,
        async append(content) {
          if (!full || mode === "new") return file.append(content);
          await file.append(content.slice(0, 30));
          throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        },
      };
    },
  };
  const store = await openTraceStore(folder, disk);
  if (!store.ok) throw new Error(store.failure.message);
  full = true;
  await expect(store.value.commit(trace("a"), 1)).rejects.toThrow("ENOSPC");
  full = false;
  await store.value.commit(trace("b"), 2);
  expect(store.value.find("a")).toEqual([]);
  expect((await reading()).find("b")).toHaveLength(1);
  await store.value.close();
});
