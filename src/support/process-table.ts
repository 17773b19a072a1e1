/**
 * What the system tells of the processes that run: by /proc on Linux, by `ps` elsewhere.
 * Knows nothing of whose they are.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

export interface ProcessEntry {
  readonly pid: number;
  /** The number of its process group, which is that of the group's leader. */
  readonly group: number;
  /**
   * Together with its number this tells a process from a later one with the same number: boot id and clock ticks, as
   * `3470c73f-…/123456`, or seconds since 1970 where there is no /proc.
   */
  readonly startTime: string;
  /** It has ended, and whoever should collect it has not done so, which in a container may be never. */
  readonly isZombie: boolean;
}

/** Null where there is no /proc, or no such process. At once, so that nothing can come in between. */
export function processEntry(pid: number): ProcessEntry | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return null;
  }
}

/** The start time of a process that was started right now; without /proc by our own clock, in seconds. */
export function startTimeOfNew(pid: number): string | null {
  return process.platform === "linux" ? (processEntry(pid)?.startTime ?? null) : String(Math.floor(Date.now() / 1000));
}

/** Seconds may be off by the way from our clock to the system's; boot ids and ticks may not. */
export function isSameStart(one: string, other: string): boolean {
  if (one === other) return true;
  return /^\d+$/.test(one) && /^\d+$/.test(other) && Math.abs(Number(one) - Number(other)) <= 2;
}

/** Every process that can be seen; empty where the system tells of none. */
export async function processTable(): Promise<readonly ProcessEntry[]> {
  return (await processesByProc()) ?? parsePs(await ps());
}

/** The same without `ps`: null where there is no /proc. */
export async function processesByProc(): Promise<readonly ProcessEntry[] | null> {
  const names = await readdir("/proc").catch(() => null);
  if (names === null) return null;
  const pids = names.filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(
    pids.map(async (pid) => parseStat(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""))),
  );
  return entries.filter((entry) => entry !== null);
}

/** Whether a process was started with this variable. False where that cannot be told, as of other people's processes. */
export async function wasStartedWith(pid: number, name: string, value: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(`${name}=${value}`);
}

/** "pid (name) state ppid pgrp …"; the name may hold anything, also brackets. The start time is field 22. */
function parseStat(text: string): ProcessEntry | null {
  const [state, , group, ...more] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = more[16];
  if (ticks === undefined) return null;
  return {
    pid: Number.parseInt(text, 10),
    group: Number(group),
    startTime: `${bootId()}/${ticks}`,
    isZombie: state === "Z" || state === "X",
  };
}

let knownBootId: string | undefined;

function bootId(): string {
  if (knownBootId === undefined) {
    try {
      knownBootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    } catch {
      knownBootId = "";
    }
  }
  return knownBootId;
}

function ps(): Promise<string> {
  // lstart speaks the user's language and time zone otherwise; the zone is the same when it is read.
  const env = { ...process.env, LC_ALL: "C" };
  return new Promise((resolve) => {
    execFile("ps", ["-A", "-o", "pid=,pgid=,state=,lstart="], { env }, (error, stdout) => resolve(error ? "" : stdout));
  });
}

/** `  501   500 S    Tue Feb  3 14:15:00 2026` */
export function parsePs(text: string): readonly ProcessEntry[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, group, state = "", started = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
    const seconds = Date.parse(started) / 1000;
    if (Number.isNaN(seconds)) return [];
    return [{ pid: Number(pid), group: Number(group), startTime: String(seconds), isZombie: state.startsWith("Z") }];
  });
}
