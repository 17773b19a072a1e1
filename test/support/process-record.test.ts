import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runProcess } from "../../src/support/process.js";
import { endLeftovers, keepRecord } from "../../src/support/process-record.js";
import { isSameStart, parsePs, processEntry, processTable } from "../../src/support/process-table.js";
import { shell } from "../../src/support/shell.js";

let folder: string;
let file: string;
const groups: number[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-record-"));
  file = join(folder, "processes.jsonl");
});
afterEach(async () => {
  for (const group of groups.splice(0)) {
    try {
      process.kill(-group, "SIGKILL");
    } catch {
      // As it should be.
    }
  }
  await rm(folder, { recursive: true, force: true });
});

const env = { PATH: process.env.PATH };

/** What a dead run has left: a group of its own that prints a line when it is up. Resolves to its leader and that line. */
async function orphan(script: string, more: Record<string, string> = {}): Promise<{ group: number; said: string }> {
  const child: ChildProcess = spawn("sh", ["-c", script], {
    detached: true,
    env: { ...env, ...more },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const group = child.pid ?? 0;
  groups.push(group);
  const [said] = await once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
  return { group, said: String(said).trim() };
}

function runs(pid: number): boolean {
  const entry = processEntry(pid);
  if (entry !== null) return !entry.isZombie;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const startTime = (pid: number): string | null => processEntry(pid)?.startTime ?? null;
const lines = (...all: object[]): Promise<void> =>
  writeFile(file, all.map((line) => `${JSON.stringify(line)}\n`).join(""));

describe("the record", () => {
  test("names what runs while it runs, is empty when nothing does, and gone in the end", async () => {
    const stop = keepRecord(file);
    const copy = join(folder, "copy.jsonl");
    const end = await runProcess({
      command: `cp ${file} ${copy}; echo $$ $AUDIT_RUN_PROCESS`,
      purpose: "investigate:VA",
      cwd: folder,
      env,
    });
    const [pid = "", token = ""] = end.ok ? end.value.stdout.head.toString().trim().split(" ") : [];
    const [announced, started] = (await readFile(copy, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(announced).toEqual({ token, what: "investigate:VA" });
    expect(started).toMatchObject({ token, group: Number(pid), startTime: expect.any(String) });
    expect(await readFile(file, "utf8")).toBe("");
    stop();
    expect(existsSync(file)).toBe(false);
  });

  test("knows short commands too, and is no part of their environment when nobody keeps it", async () => {
    const say = shell({ cwd: folder, env, name: "git worktree" });
    expect(await say`echo "<$AUDIT_RUN_PROCESS>"`).toMatchObject({ ok: true, value: { stdout: "<>\n" } });
    const stop = keepRecord(file);
    expect(await say`cat processes.jsonl`).toMatchObject({
      ok: true,
      value: { stdout: expect.stringContaining('"what":"git worktree"') },
    });
    stop();
    expect(existsSync(file)).toBe(false);
  });

  test("keeps nobody from working where it cannot be written", async () => {
    const stop = keepRecord(join(folder, "no", "such", "folder"));
    expect(await runProcess({ command: "exit 3", cwd: folder, env })).toMatchObject({ value: { exitCode: 3 } });
    stop();
  });

  test("forgets what could not be started", async () => {
    const stop = keepRecord(file);
    expect((await runProcess({ command: ["no-such-program-anywhere"], cwd: folder, env })).ok).toBe(false);
    expect(await readFile(file, "utf8")).toBe("");
    stop();
  });
});

describe("what a dead run has left", () => {
  test("is ended with its children, also where they ignore TERM", async () => {
    const { group, said } = await orphan("trap '' TERM; sleep 600 & echo $!; wait");
    await lines({ token: "a-1", what: "investigate:VA" }, { token: "a-1", group, startTime: startTime(group) });
    expect(await endLeftovers(file, 50)).toEqual({ ended: ["investigate:VA"], unsure: [] });
    expect([runs(group), runs(Number(said))]).toEqual([false, false]);
    expect(existsSync(file)).toBe(false);
  });

  test("is not looked for where it had ended, and nothing is said of it", async () => {
    const { group } = await orphan("echo up; sleep 600");
    const start = startTime(group);
    await lines(
      { token: "a-1", what: "summary" },
      { token: "a-1", group, startTime: start },
      { token: "a-1", ended: true },
    );
    expect(await endLeftovers(file)).toEqual({ ended: [], unsure: [] });
    expect(runs(group)).toBe(true);
  });

  test("is nothing where there is no record", async () => {
    expect(await endLeftovers(file)).toEqual({ ended: [], unsure: [] });
  });

  test("is not what a line says that was cut off, or that means everybody", async () => {
    const { group } = await orphan("echo up; sleep 600");
    await lines(
      { token: "a-1", what: "x" },
      { token: "a-1", group: -1 },
      { token: "a-1", group: 0 },
      { token: "a-1", group: 1, startTime: startTime(1) },
      { group, startTime: startTime(group) },
      { token: "a-2", group: "17" },
    );
    await appendFile(file, `null\n{"token":"a-3","group":${group},"startTi`);
    expect(await endLeftovers(file)).toEqual({ ended: [], unsure: [] });
    expect(runs(group)).toBe(true);
  });
});

// Elsewhere than on Linux nobody tells a process's environment, and start times are whole seconds of the clock.
describe.skipIf(process.platform !== "linux")("a number that may be another's by now", () => {
  test("is left alone where its process began at another time, or after another start of the machine", async () => {
    const { group } = await orphan("echo up; sleep 600", { AUDIT_RUN_PROCESS: "a-2" });
    const [boot, ticks] = (startTime(group) ?? "").split("/");
    await lines(
      { token: "a-1", what: "summary", group, startTime: `${boot}/${Number(ticks) - 1}` },
      { token: "a-2", what: "summary", group, startTime: `another-boot/${ticks}` },
    );
    expect(await endLeftovers(file)).toEqual({ ended: [], unsure: [] });
    expect(runs(group)).toBe(true);
  });

  test("of a group whose leader has gone is ours where a member was started by us", async () => {
    const { group, said } = await orphan("sleep 600 & echo $!", { AUDIT_RUN_PROCESS: "a-1" });
    await expect.poll(() => runs(group)).toBe(false);
    await lines({ token: "a-1", what: "investigate:VA", group, startTime: "boot/1" });
    expect(await endLeftovers(file)).toEqual({ ended: ["investigate:VA"], unsure: [] });
    expect(runs(Number(said))).toBe(false);
  });

  test("of a group whose leader has gone is told, and left alone, where nothing proves that it is ours", async () => {
    const { group, said } = await orphan("sleep 600 & echo $!", { AUDIT_RUN_PROCESS: "another-1" });
    await expect.poll(() => runs(group)).toBe(false);
    await lines({ token: "a-1", what: "investigate:VA", group, startTime: "boot/1" });
    expect(await endLeftovers(file)).toEqual({ ended: [], unsure: [{ what: "investigate:VA", group }] });
    expect(runs(Number(said))).toBe(true);
  });

  test("need not be known: killed before it was written, we know the process by our token, and not its daemons", async () => {
    const daemon = `const { spawn } = require("child_process");
      const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
      console.log(child.pid); setInterval(() => {}, 1000);`;
    const { group, said } = await orphan(`exec '${process.execPath}' -e '${daemon}'`, { AUDIT_RUN_PROCESS: "a-1" });
    groups.push(Number(said));
    await lines({ token: "a-1", what: "investigate:VA" });
    expect(await endLeftovers(file)).toEqual({ ended: ["investigate:VA"], unsure: [] });
    expect([runs(group), runs(Number(said))]).toEqual([false, true]);
  });
});

describe("what the system tells of processes", () => {
  test("holds our own, with its group", async () => {
    const { group } = await orphan("echo up; sleep 600");
    expect(await processTable()).toContainEqual(expect.objectContaining({ pid: group, group, isZombie: false }));
  });

  test("is read from ps where there is no /proc", () => {
    const printed = "    1     1 Ss   Tue Feb  3 14:15:00 2026\n  501   500 Z    Tue Feb  3 14:15:09 2026\nnonsense\n";
    const at = Date.parse("2026-02-03T14:15:00") / 1000;
    expect(parsePs(printed)).toEqual([
      { pid: 1, group: 1, startTime: String(at), isZombie: false },
      { pid: 501, group: 500, startTime: String(at + 9), isZombie: true },
    ]);
  });

  test("may be off by a second where it is our clock, and not by a tick where it is the system's", () => {
    expect(isSameStart("1770128100", "1770128101")).toBe(true);
    expect(isSameStart("1770128100", "1770128105")).toBe(false);
    expect(isSameStart("boot/100", "boot/101")).toBe(false);
    expect(isSameStart("boot/100", "boot/100")).toBe(true);
  });
});
