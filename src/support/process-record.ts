/**
 * Remembers in a file which processes run, so that whoever comes after us when we were killed can end them: they lead
 * groups of their own and live on. Knows files and processes, nothing of audits.
 *
 * A line goes out before a process is started, one when it has a number, one when its group has ended. Nothing is
 * fsynced: what a power cut takes from the file it takes from the processes too.
 */
import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { endGroup } from "./process-group.js";
import { isSameStart, type ProcessEntry, processTable, startTimeOfNew, wasStartedWith } from "./process-table.js";

/** A process that is about to start. */
export interface RecordedProcess {
  /** To be put into its environment: by this it is known again where its number alone is no proof. */
  readonly env: Readonly<Record<string, string>>;
  /** To be called in the same breath in which it was started. */
  started(pid: number): void;
  /** Its group has ended, or it could not be started. */
  ended(): void;
}

const variable = "AUDIT_RUN_PROCESS";

interface Line {
  readonly token: string;
  /** Such as `investigate:VA`. */
  readonly what?: string;
  readonly group?: number;
  readonly startTime?: string | null;
  readonly ended?: true;
}

interface Book {
  readonly file: string;
  readonly name: string;
  readonly running: Set<string>;
  handle: number | null;
  count: number;
}

/** One at a time, for a program holds one audit folder. */
let current: Book | null = null;

/** From now on what is started is recorded in `file`, which is empty while nothing runs. Returns the end of that. */
export function keepRecord(file: string): () => void {
  if (current !== null) close(current);
  const book: Book = { file, name: randomBytes(6).toString("hex"), running: new Set(), handle: null, count: 0 };
  current = book;
  return () => {
    if (current !== book) return;
    current = null;
    const hasWritten = book.handle !== null;
    close(book);
    if (hasWritten && book.running.size === 0) remove(book);
  };
}

/** @param what names it for a person, without anything that may be secret. */
export function recordProcess(what: string): RecordedProcess {
  const book = current;
  if (book === null) return { env: {}, started: () => {}, ended: () => {} };
  book.count += 1;
  const token = `${book.name}-${book.count}`;
  book.running.add(token);
  write(book, { token, what });
  return {
    env: { [variable]: token },
    started: (group) => write(book, { token, group, startTime: startTimeOfNew(group) }),
    ended: () => {
      if (!book.running.delete(token)) return;
      if (book.running.size === 0) empty(book);
      else write(book, { token, ended: true });
    },
  };
}

/** At once, so that a kill finds the line written. A disk that refuses it keeps nobody from working, or from cleaning up. */
function write(book: Book, line: Line): void {
  if (current !== book) return;
  try {
    book.handle ??= openSync(book.file, "a", 0o600);
    writeSync(book.handle, `${JSON.stringify(line)}\n`);
  } catch {
    // Only where we are killed as well, something is left that nobody knows of.
  }
}

/** Not removed: thousands of files that come and go make new ones slow, as some file systems keep their places free for a while. */
function empty(book: Book): void {
  if (current !== book || book.handle === null) return;
  try {
    ftruncateSync(book.handle);
  } catch {
    // It names what has ended: nothing will be found of it.
  }
}

/** The caller still has the folder. */
function remove(book: Book): void {
  try {
    rmSync(book.file, { force: true });
  } catch {
    // It names what has ended: nothing will be found of it.
  }
}

function close(book: Book): void {
  if (book.handle !== null) closeSync(book.handle);
  book.handle = null;
}

export interface Leftovers {
  /** What still ran, and has been ended. */
  readonly ended: readonly string[];
  /** What may still run, and is not ours to end for certain: what it is, and its group. */
  readonly unsure: readonly { readonly what: string; readonly group: number }[];
}

/**
 * Ends what the writer of `file` has left behind, and removes the file. The caller has made sure that the writer is dead.
 * @param grace milliseconds between TERM and KILL
 */
export async function endLeftovers(file: string, grace = 2_000): Promise<Leftovers> {
  const left = await readRecord(file);
  if (left === null) return { ended: [], unsure: [] };
  const table = left.length === 0 ? [] : await processTable();
  const ended: string[] = [];
  const unsure: Leftovers["unsure"][number][] = [];
  await Promise.all(
    left.map(async (line) => {
      const { what } = line;
      const group = await groupOf(line, table);
      if (group === null) return;
      if (typeof group === "object") unsure.push({ what, group: group.unsure });
      else if (await endGroup(group, grace)) ended.push(what);
      else unsure.push({ what, group });
    }),
  );
  // Not before: who is killed here leaves it to the next.
  await rm(file, { force: true });
  return { ended: ended.sort(), unsure };
}

type Recorded = Line & { readonly what: string };

/**
 * The group that is certainly the recorded process's and runs; null where it has ended.
 *
 * While a group has a member its number is given to no new process, so: a leader with the recorded start time is ours; a
 * process with this number and another start time says that ours had ended. Where the leader has ended the others may be
 * ours, or those of a later group whose leader is gone as well: then one of them must have been started with our token.
 */
async function groupOf(
  recorded: Recorded,
  table: readonly ProcessEntry[],
): Promise<number | { unsure: number } | null> {
  const { token, group, startTime } = recorded;
  if (group === undefined) return groupStartedWith(token, table);
  const members = table.filter((entry) => entry.group === group && !entry.isZombie);
  if (members.length === 0) return null;
  const leader = table.find(({ pid }) => pid === group);
  if (leader !== undefined && typeof startTime === "string")
    return isSameStart(leader.startTime, startTime) ? group : null;
  for (const { pid } of members) if (await wasStartedWith(pid, variable, token)) return group;
  return { unsure: group };
}

/** Of a process that was started when we were killed, before its number was written; its daemons began later. */
async function groupStartedWith(token: string, table: readonly ProcessEntry[]): Promise<number | null> {
  const found: ProcessEntry[] = [];
  for (const entry of table) {
    if (entry.pid === entry.group && !entry.isZombie && (await wasStartedWith(entry.pid, variable, token)))
      found.push(entry);
  }
  const ticks = ({ startTime }: ProcessEntry): number => Number(startTime.split("/").at(-1));
  return found.sort((one, other) => ticks(one) - ticks(other))[0]?.group ?? null;
}

/** What had not ended when the last line was written. Null where there is no file. A line that cannot be read says nothing. */
async function readRecord(file: string): Promise<readonly Recorded[] | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  const running = new Map<string, Recorded>();
  for (const line of text.split("\n")) {
    const entry = parseLine(line);
    if (entry === null) continue;
    if (entry.ended) running.delete(entry.token);
    else running.set(entry.token, { what: "a command", ...running.get(entry.token), ...entry });
  }
  return [...running.values()];
}

function parseLine(text: string): Line | null {
  try {
    const line = JSON.parse(text) as Line;
    if (typeof line.token !== "string") return null;
    // Zero, one and what is negative mean our own group, everybody, or nonsense.
    if (line.group !== undefined && !(Number.isInteger(line.group) && line.group > 1)) return null;
    if (line.what !== undefined && typeof line.what !== "string") return null;
    return line;
  } catch {
    return null;
  }
}
