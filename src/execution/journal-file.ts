/**
 * traces/journal.jsonl and traces/journal.end on disk: reading both, appending lines, noting where they end.
 * Knows no outputs' content and no verdicts.
 */
import { join } from "node:path";
import type { Trace } from "../model/graph.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Disk, DiskFile } from "../support/disk.js";
import { writeFileAtomic } from "../support/files.js";
import { readJournal } from "./journal.js";
import { type EndNote, endComplaint, endNoteText, endOf, type JournalEnd, readEndNote } from "./journal-end.js";
import { listObjects } from "./objects.js";

export interface LoadedJournal {
  /** Oldest first. */
  readonly traces: readonly Trace[];
  /** One message for each thing that could not be trusted. */
  readonly damage: readonly string[];
  readonly content: Buffer;
  readonly note: EndNote;
}

/** The journal of the store in `folder`; an empty one where there is none. Failure code: state-unreadable. */
export async function loadJournal(folder: string, disk: Disk): Promise<Result<LoadedJournal>> {
  const file = journalFile(folder);
  const read = await readNoteAndJournal(folder, disk).catch((error: NodeJS.ErrnoException) => error);
  if (read instanceof Error) {
    if (read.code === undefined) throw read;
    return failed("state-unreadable", `${file} cannot be read: ${read.message}`, {
      hint: "Make it readable, or move the folder `traces` away: then everything is investigated anew.",
    });
  }
  const { note, content, complaint } = read;
  const { traces, damage, newer } = readJournal(content.toString("utf8"));
  const newest = Math.max(newer ?? 0, note.kind === "newer" ? note.version : 0);
  if (newest > 0) {
    // Never ignored: everything would be paid for again, and what the newer one has finished might be lost.
    return failed("state-unreadable", `${file} was written by a newer audit-run (version ${newest} of its lines)`, {
      hint: "Upgrade audit-run, or move the folder `traces` away: then everything is investigated anew.",
    });
  }
  return ok({ traces, damage: [...damage, ...(complaint === null ? [] : [complaint])], content, note });
}

interface NoteAndJournal {
  readonly note: EndNote;
  readonly content: Buffer;
  readonly complaint: string | null;
}

/** A reader holds no lock: where a run rewrites both in between, they are read again. */
export async function readNoteAndJournal(folder: string, disk: Disk): Promise<NoteAndJournal> {
  for (let before = await readNote(folder, disk); ; ) {
    const content = await readOr(Buffer.alloc(0), journalFile(folder), disk);
    const note: EndNote = before === null ? { kind: "absent" } : readEndNote(before);
    const hasOutputs =
      content.length === 0 && (await listObjects(objectsFolder(folder), disk).catch(() => [])).length > 0;
    const complaint = endComplaint(note, content, hasOutputs);
    if (complaint === null) return { note, content, complaint };
    const after = await readNote(folder, disk);
    if (after === before) return { note, content, complaint };
    before = after;
  }
}

async function readNote(folder: string, disk: Disk): Promise<string | null> {
  return (await readOr(null, endFile(folder), disk))?.toString("utf8") ?? null;
}

async function readOr<Missing>(missing: Missing, path: string, disk: Disk): Promise<Buffer | Missing> {
  return disk.read(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return missing;
    throw error;
  });
}

export interface Appender {
  /** Lines come in the order in which they were given; each is durable when its promise resolves. */
  append(line: string): Promise<void>;
  /** Of what is durable; null after a line that may be torn. */
  end(): JournalEnd | null;
}

export function appender(file: DiskFile, content: Buffer): Appender {
  let tail: Promise<void> = Promise.resolve();
  let isWhole = content.length === 0 || content[content.length - 1] === 0x0a;
  let end = endOf(content);
  let bytes = content.length;
  // How much there is of a line that failed, nobody knows.
  let hasFailed = false;
  let waiting: string[] = [];
  let next: Promise<void> | null = null;
  const write = async (lines: string): Promise<void> => {
    // What a crash or a full disk cut off must not swallow these lines.
    const text = Buffer.from(isWhole ? lines : `\n${lines}`);
    isWhole = false;
    await file.append(text);
    await file.sync();
    isWhole = true;
    bytes += text.length;
    end = { bytes, last: endOf(text)?.last ?? null };
  };
  return {
    append(line) {
      waiting.push(line);
      // Lines that come while others are made durable share the next fsync.
      if (next === null) {
        next = tail.then(() => {
          const lines = waiting.join("");
          waiting = [];
          next = null;
          return write(lines);
        });
        tail = next.catch(() => {
          hasFailed = true;
        });
      }
      return next;
    },
    end: () => (hasFailed ? null : end),
  };
}

export function writeEnds(folder: string, ends: readonly JournalEnd[], disk: Disk): Promise<void> {
  return writeFileAtomic(endFile(folder), endNoteText(ends), disk);
}

export function objectsFolder(folder: string): string {
  return join(folder, "objects");
}

export function journalFile(folder: string): string {
  return join(folder, "journal.jsonl");
}

function endFile(folder: string): string {
  return join(folder, "journal.end");
}
