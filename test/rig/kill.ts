/**
 * Kills the built program as it makes a certain call to the system, by strace. steady.mjs gives its files the same names
 * each time, so that every call by which it changes the audit folder can be aimed at.
 */
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { expectTakenUp, failures, findings, printingAgent } from "./recovery.js";
import { type AuditFolder, smallAudit } from "./small-audit.js";
import { runProgram } from "./strace.js";

export interface KillPoint {
  /** Name of a system call. */
  readonly call: string;
  /** The file or folder that it concerns, in the audit's folder. */
  readonly path: string;
  /** Of such calls, counted from 1 within the thread that makes them. */
  readonly ordinal: number;
}

const silent = ["--progress", "silent"];

/** By which names and contents of files change, or are made durable. */
const calls = [
  "openat",
  "write",
  "writev",
  "pwrite64",
  "mkdir",
  "fsync",
  "fdatasync",
  "rename",
  "link",
  "unlink",
  "rmdir",
];

/** What an agent gets and says, and a database's copy whose name holds the process: nobody reads them again. */
const noState = /^\.audit\/(runs\/[^/]+\/tasks\/|scratch\/)/;

export interface KillTest {
  /** Holds `start`, the audit folder to start from, where there is one. */
  readonly audit: AuditFolder;
  readonly points: readonly KillPoint[];
  /** The number of the run that is killed. */
  readonly run: number;
  readonly undisturbed: unknown;
}

/** From nothing; and what a run does that takes over one which was killed at half its work, with a line torn by it. */
export async function killTests(): Promise<{
  readonly whole: KillTest;
  readonly recovery: KillTest;
  remove(): Promise<void>;
}> {
  const whole = await prepared();
  const recovery = await prepared();
  const points = await pointsOf(whole, 1);
  const undisturbed = await findings(whole);
  const half = points.find(({ call, path, ordinal }) => call === "write" && path === journal && ordinal === 4);
  if (half === undefined || !(await runKilled(recovery, half, 1)))
    throw new Error("no run was killed at half its work");
  await appendFile(join(recovery.folder, journal), '{"v":1,"subject":"torn');
  await cp(join(recovery.folder, ".audit"), join(recovery.folder, "start"), { recursive: true });
  const pointsAfter = await pointsOf(recovery, 2);
  await rm(join(whole.folder, ".audit"), { recursive: true });
  await rm(join(recovery.folder, ".audit"), { recursive: true });
  return {
    whole: { audit: whole, points, run: 1, undisturbed },
    recovery: { audit: recovery, points: pointsAfter, run: 2, undisturbed },
    async remove() {
      await whole.remove();
      await recovery.remove();
    },
  };
}

const journal = ".audit/traces/journal.jsonl";

export async function prepared(): Promise<AuditFolder> {
  const audit = await smallAudit(failures);
  // One agent at a time: then calls come in the same order each time, nearly.
  await audit.configure({ agent: await printingAgent(audit), concurrency: { warehouse: 1 } });
  return audit;
}

/**
 * Kills the program there, in a folder of its own, and lets the next run through. That may ask for no case that is
 * finished, has nothing damaged to complain about, and ends with what a run finds that nobody disturbed.
 * Resolves to whether the program came so far.
 */
export async function surviveKill({ audit, run, undisturbed }: KillTest, point: KillPoint): Promise<boolean> {
  const copy = await copyOf(audit);
  try {
    const wasKilled = await runKilled(copy, point, run);
    const end = await expectTakenUp(copy, undisturbed);
    if (run === 1) expect(end.stderr, "a false alarm").not.toContain("traces/");
    return wasKilled;
  } finally {
    await copy.remove();
  }
}

/** In a folder of its own; with `.audit` as it is in `start`, where there is one. */
export async function copyOf(audit: AuditFolder): Promise<AuditFolder> {
  const folder = await mkdtemp(join(tmpdir(), "audit-run-copy-"));
  await cp(audit.folder, folder, { recursive: true });
  await cp(join(folder, "start"), join(folder, ".audit"), { recursive: true }).catch(ignoreMissing);
  return {
    ...audit,
    folder,
    read: (path) => readFile(join(folder, path), "utf8"),
    write: (path, text) => writeFile(join(folder, path), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Every call of a whole run that changes the audit folder. */
async function pointsOf(audit: AuditFolder, run: number): Promise<readonly KillPoint[]> {
  const end = await runProgram(audit, { run, args: silent, strace: ["-y", "-e", `trace=${calls.join(",")}`] });
  if (end.exitCode !== 0) throw new Error(`a whole run under strace ended with ${end.exitCode}: ${end.stderr}`);
  const counts = new Map<string, number>();
  const points: KillPoint[] = [];
  for (const [, thread = "main", call = "", rest = ""] of end.stderr.matchAll(/^(?:\[pid +(\d+)\] )?(\w+)\((.*)$/gm)) {
    // Of a file that is open strace tells the path; a folder that a relative path starts from is none that it concerns.
    const paths = [...rest.replace(/^AT_FDCWD<[^>]*>/, "").matchAll(/^\d+<([^>]+)>|"([^"]+)"/g)].map(
      ([, open, named]) => open ?? named ?? "",
    );
    const inside = paths
      .filter((path) => path.startsWith(join(audit.folder, ".audit")))
      .map((path) => path.slice(audit.folder.length + 1));
    for (const path of inside)
      counts.set(`${thread} ${call} ${path}`, (counts.get(`${thread} ${call} ${path}`) ?? 0) + 1);
    const [path] = inside;
    const changes = !rest.includes("= -1 E") && (call !== "openat" || rest.includes("O_CREAT"));
    // Lines of the event log go out together, more or fewer of them each time; nothing decides by them.
    const isLog = call.startsWith("write") && path?.endsWith("/events.jsonl") === true;
    if (path === undefined || !changes || isLog || noState.test(path)) continue;
    points.push({ call, path, ordinal: counts.get(`${thread} ${call} ${path}`) ?? 1 });
  }
  return points;
}

async function runKilled(audit: AuditFolder, point: KillPoint, run: number): Promise<boolean> {
  const end = await runProgram(audit, { run, args: silent, strace: killing(audit, point) });
  if (end.signal === "SIGKILL") return true;
  if (end.exitCode === 0) return false;
  throw new Error(`strace ended with ${end.exitCode ?? end.signal}: ${end.stderr}`);
}

function killing(audit: AuditFolder, { call, path, ordinal }: KillPoint): readonly string[] {
  // Not with --seccomp-bpf: strace 6.1 counts nothing there.
  const inject = `inject=${call}:signal=SIGKILL:when=${ordinal}`;
  return ["-e", `trace=${call}`, "-e", inject, "-P", join(audit.folder, path)];
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
