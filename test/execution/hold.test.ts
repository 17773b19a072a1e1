import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeFolder } from "../../src/execution/hold.js";
import { processEntry } from "../../src/support/process-table.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-hold-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const now = () => new Date("2026-02-03T14:15:00Z");

test("whoever takes the folder ends what a dead run left, and says so in one line", async () => {
  const children = ["investigate:VA", "summary"].map((what) => ({
    what,
    child: spawn("sleep", ["600"], { detached: true, stdio: "ignore" }),
  }));
  const ended = Promise.all(children.map(({ child }) => once(child, "exit")));
  const record = children.map(({ what, child: { pid = 0 } }) => {
    return JSON.stringify({ token: what, what, group: pid, startTime: processEntry(pid)?.startTime });
  });
  await writeFile(join(folder, "processes.jsonl"), `${record.join("\n")}\n`);
  const hold = await takeFolder(folder, now);
  if (!hold.ok) throw new Error(hold.failure.message);
  expect(hold.value.warnings).toEqual([
    "A run that was killed had left running, and it is ended now: investigate:VA, summary",
  ]);
  expect((await ended).map(([, signal]) => signal)).toEqual(["SIGTERM", "SIGTERM"]);
  await hold.value.giveBack();
  expect(await readdir(folder)).toEqual([]);
});

test("who is refused the folder ends nothing", async () => {
  // A run: whoever holds it for a moment only would be waited for.
  const first = await takeFolder(folder, now, "20260203-141500123");
  if (!first.ok) throw new Error(first.failure.message);
  const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  const { pid = 0 } = child;
  const line = { token: "a-1", what: "summary", group: pid, startTime: processEntry(pid)?.startTime };
  await writeFile(join(folder, "processes.jsonl"), `${JSON.stringify(line)}\n`);
  expect(await takeFolder(folder, now)).toMatchObject({ ok: false, failure: { code: "state-locked" } });
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  expect((await ended)[1], "not by a TERM that came before").toBe("SIGKILL");
  await first.value.giveBack();
});
