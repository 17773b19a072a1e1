import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acquireLock, checkLock } from "../../src/execution/lock.js";
import { processEntry } from "../../src/support/process-table.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-lock-"));
  file = join(folder, "run.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const now = () => new Date("2026-02-03T14:15:00Z");

test("a second run is refused with the holder's process and host, and let in when the first has ended", async () => {
  const first = await acquireLock(file, now);
  if (!first.ok) throw new Error("not acquired");
  const second = await acquireLock(file, now);
  expect(second).toMatchObject({ ok: false, failure: { code: "state-locked" } });
  expect(JSON.stringify(second)).toContain(`Process ${process.pid} on ${hostname()}`);
  await first.value();
  expect((await acquireLock(file, now)).ok).toBe(true);
});

test("a holder that was killed is taken over", async () => {
  const { pid } = spawnSync("true");
  await writeFile(file, JSON.stringify({ pid, host: hostname(), startTime: "1", since: "earlier", token: "x" }));
  expect((await acquireLock(file, now)).ok).toBe(true);
});

test("a later process with the holder's number is not mistaken for it", async () => {
  await writeFile(
    file,
    JSON.stringify({ pid: process.pid, host: hostname(), startTime: "1", since: "earlier", token: "x" }),
  );
  expect((await acquireLock(file, now)).ok).toBe(true);
});

test.skipIf(process.platform !== "linux")(
  "a holder that was killed and that nobody collects is taken over",
  async () => {
    // Of the two that start, the second takes the place of the one that would have collected the first.
    // The first ends once that has happened: the shell itself would still collect it.
    const untilThen = 'while [ "$(cat /proc/$$/comm)" != sleep ]; do :; done & echo $!; exec sleep 600';
    const parent = spawn("sh", ["-c", untilThen], { stdio: ["ignore", "pipe", "ignore"] });
    const pid = Number(String((await once(parent.stdout, "data"))[0]));
    await expect.poll(() => processEntry(pid)?.isZombie, { timeout: 15_000 }).toBe(true);
    const startTime = processEntry(pid)?.startTime;
    await writeFile(file, JSON.stringify({ pid, host: hostname(), startTime, since: "earlier", token: "x" }));
    expect((await acquireLock(file, now)).ok).toBe(true);
    parent.kill("SIGKILL");
  },
);

test("a holder on another host cannot be looked at, so it holds", async () => {
  await writeFile(file, JSON.stringify({ pid: 1, host: "elsewhere", since: "2026-02-01T00:00:00Z", token: "x" }));
  expect(await acquireLock(file, now)).toMatchObject({ ok: false, failure: { code: "state-locked" } });
});

test("a lock file that is no lock holds nobody up", async () => {
  for (const text of ["", "garbage", "null", "[]", `{"pid":-1,"host":"${hostname()}","token":"x"}`]) {
    await writeFile(file, text);
    const lock = await acquireLock(file, now);
    expect(lock.ok).toBe(true);
    if (lock.ok) await lock.value();
  }
  expect(await readdir(folder)).toEqual([]);
});

test("of many that try at once one gets it", async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => acquireLock(file, now)));
  expect(all.filter((one) => one.ok)).toHaveLength(1);
});

test("who only looks is told of a holder, and takes nothing", async () => {
  expect(await checkLock(file)).toEqual({ ok: true, value: undefined });
  const lock = await acquireLock(file, now);
  expect(await checkLock(file)).toMatchObject({ ok: false, failure: { code: "state-locked" } });
  if (lock.ok) await lock.value();
  expect(await checkLock(file)).toMatchObject({ ok: true });
  expect(await readdir(folder)).toEqual([]);
});
