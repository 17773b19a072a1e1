import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTraceStore } from "../../src/execution/traces.js";
import { dropDamage, verifyTraces } from "../../src/execution/verify.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-verify-"));
  const store = await openTraceStore(folder);
  if (!store.ok) throw new Error(store.failure.message);
  for (const subject of ["a", "b"]) {
    const trace = { subject, fingerprint: "f", parts: {}, observed: {}, run: "r", at: "2026-02-03T00:00:00Z" };
    await store.value.commit(trace, { finding: subject });
  }
  await store.value.close();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function anOutput(): Promise<string> {
  const [shard = ""] = await readdir(join(folder, "objects"));
  const [name = ""] = await readdir(join(folder, "objects", shard));
  return join("objects", shard, name);
}

test("what is as it was written has no damage", async () => {
  expect(await verifyTraces(folder)).toEqual({ ok: true, value: { traces: 2, outputs: 2, unused: 0, damage: [] } });
});

test("a folder without traces has none", async () => {
  const absent = join(folder, "absent");
  expect(await verifyTraces(absent)).toEqual({ ok: true, value: { traces: 0, outputs: 0, unused: 0, damage: [] } });
});

test("a changed output is noticed where its size and its time are as before", async () => {
  const path = await anOutput();
  const file = join(folder, path);
  const { atime, mtime } = await stat(file);
  await writeFile(file, (await readFile(file, "utf8")).replace("finding", "fishing"));
  await utimes(file, atime, mtime);
  expect(await verifyTraces(folder)).toMatchObject({ value: { damage: [`${path}: is not what was written`] } });
});

test("a missing output is named with what it was", async () => {
  const path = await anOutput();
  await rm(join(folder, path));
  expect(await verifyTraces(folder)).toMatchObject({
    value: { damage: [expect.stringMatching(/: is missing; it is what run r found of [ab]$/)] },
  });
});

test("a damaged line is named, and its output is counted as unused", async () => {
  const file = join(folder, "journal.jsonl");
  await writeFile(file, (await readFile(file, "utf8")).replace('"a"', '"c"'));
  expect(await verifyTraces(folder)).toMatchObject({
    value: { traces: 1, outputs: 2, unused: 1, damage: ["journal.jsonl:1: the line is damaged and is not used"] },
  });
});

test("what is damaged can be dropped, and the rest stays", async () => {
  await rm(join(folder, await anOutput()));
  expect(await dropDamage(folder)).toMatchObject({ ok: true, value: [expect.stringContaining("is missing")] });
  expect(await verifyTraces(folder)).toEqual({ ok: true, value: { traces: 1, outputs: 1, unused: 0, damage: [] } });
  expect(await dropDamage(folder)).toEqual({ ok: true, value: [] });
});

test("where there is nothing, nothing is dropped, and nothing made", async () => {
  expect(await dropDamage(join(folder, "absent"))).toEqual({ ok: true, value: [] });
  expect(await readdir(folder)).not.toContain("absent");
});
