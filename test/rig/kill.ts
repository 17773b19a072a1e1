/**
 * Kills the built program at the n-th call of one kind that it makes to the system, by strace. With one thread for files
 * these calls come in the same order each time, so that every place where the state changes can be aimed at.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { askedIn, findings, finishedCases, runs } from "./recovery.js";
import { type AuditFolder, root } from "./small-audit.js";

export interface KillPoint {
  /** Name of a system call. */
  readonly call: string;
  /** Counted from 1, within the thread that works with files. */
  readonly ordinal: number;
  /** Only calls that concern this file are counted; null: all. */
  readonly path: string | null;
}

/** What changes names and makes them and their content durable: nothing else of the program calls these. */
const stateCalls = ["fsync", "fdatasync", "rename", "link", "unlink", "rmdir"];
/** What is written without a name of its own. */
const appended = [".audit/traces/journal.jsonl", ".audit/run.lock", ".audit/processes.jsonl"];

/** Every place, in a whole run of this audit, at which it can be killed while it changes its state. */
export async function killPoints(audit: AuditFolder): Promise<readonly KillPoint[]> {
  const points: KillPoint[] = [];
  const whole = async (calls: readonly string[], path: string | null): Promise<void> => {
    await forget(audit);
    const end = strace(audit, ["-e", `trace=${calls.join(",")}`, ...only(audit, path)]);
    if (end.status !== 0) throw new Error(`a whole run under strace ended with ${end.status}: ${end.stderr}`);
    for (const call of calls) {
      const perThread = new Map<string, number>();
      for (const [, thread = "main"] of end.stderr.matchAll(new RegExp(`^(?:\\[pid +(\\d+)\\] )?${call}\\(`, "gm")))
        perThread.set(thread, (perThread.get(thread) ?? 0) + 1);
      const most = Math.max(0, ...perThread.values());
      for (let ordinal = 1; ordinal <= most; ordinal += 1) points.push({ call, ordinal, path });
    }
  };
  await whole(stateCalls, null);
  for (const path of appended) await whole(["openat", "write"], path);
  return points;
}

/** Runs the program and kills it there; false where it ended before it came so far. */
export function runKilled(audit: AuditFolder, point: KillPoint): boolean {
  const end = strace(audit, injection(audit, point));
  if (end.signal === "SIGKILL") return true;
  if (end.status === 0) return false;
  throw new Error(`strace ended with ${end.status ?? end.signal}: ${end.stderr}`);
}

/**
 * The same, without waiting for what it has started: strace goes on with that. The number of strace's process, which lets
 * them go when it is ended.
 */
export function startKilled(audit: AuditFolder, point: KillPoint): ChildProcess {
  const { args, options } = command(audit, injection(audit, point));
  return spawn("strace", args, { ...options, stdio: "ignore" });
}

function injection(audit: AuditFolder, { call, ordinal, path }: KillPoint): readonly string[] {
  // Not with --seccomp-bpf: strace 6.1 counts nothing there.
  const inject = `inject=${call}:signal=SIGKILL:when=${ordinal}`;
  return ["-e", `trace=${call}`, "-e", inject, ...only(audit, path)];
}

function only(audit: AuditFolder, path: string | null): readonly string[] {
  return path === null ? [] : ["-P", join(audit.folder, path)];
}

function command(audit: AuditFolder, args: readonly string[]) {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  const program = [process.execPath, join(root, "dist/cli.js"), "--progress", "silent"];
  return {
    args: ["-f", "-e", "signal=none", ...args, "--", ...program],
    options: { cwd: audit.folder, env: { PATH, HOME, LANG, TMPDIR, UV_THREADPOOL_SIZE: "1" } },
  };
}

function strace(audit: AuditFolder, more: readonly string[]) {
  const { args, options } = command(audit, more);
  const end = spawnSync("strace", args, { ...options, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (end.error === undefined) return end;
  const missing = (end.error as NodeJS.ErrnoException).code === "ENOENT";
  throw missing ? new Error("this test needs strace: apt-get install strace") : end.error;
}

/** The audit as before its first run. */
async function forget(audit: AuditFolder): Promise<void> {
  await rm(join(audit.folder, ".audit"), { recursive: true, force: true });
}

/**
 * From nothing: runs that are killed there, as many as said, then one that is let through. No run may ask for a case that
 * is finished, and the report is that of a run which nobody disturbed. Resolves to whether the first was killed.
 */
export async function surviveKills(
  audit: AuditFolder,
  point: KillPoint,
  undisturbed: unknown,
  kills: number,
): Promise<boolean> {
  await forget(audit);
  const wasKilled = runKilled(audit, point);
  for (let kill = 2; kill <= kills + 1; kill += 1) {
    const finished = await finishedCases(audit);
    const before = await runs(audit);
    if (kill <= kills) runKilled(audit, point);
    else expect(await audit.run("--progress", "silent")).toMatchObject({ exitCode: 0 });
    for (const run of await runs(audit)) {
      if (before.includes(run)) continue;
      const again = (await askedIn(audit, run)).filter((id) => finished.includes(id));
      expect(again, "finished, and asked again").toEqual([]);
    }
  }
  expect(await findings(audit)).toEqual(undisturbed);
  expect(await audit.run("verify")).toMatchObject({ exitCode: 0 });
  return wasKilled;
}
