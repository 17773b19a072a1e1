/**
 * A disk in memory, for thousands of audits in a minute: whole folders are copied, taken away and put back at once, and a
 * test may stand before every change. Knows nothing of audits. What survives a power cut is test/crash's matter.
 */
import { basename, dirname } from "node:path";

export interface MemoryFile {
  /** Replaced as a whole: a copy of a folder may share it. */
  readonly content: Buffer;
  /** No two changes have the same; a thousand of them pass in a second of 1970, long before any audit. */
  readonly changed: number;
  readonly inode: number;
}
export type Folder = Map<string, MemoryFile | Folder>;
type Entry = MemoryFile | Folder;

/** A change that is about to happen. */
export interface Change {
  readonly what: "write" | "append" | "make" | "rename" | "remove" | "link";
  readonly path: string;
  /** What is to be written, as far as there is something. */
  readonly content: Buffer | null;
}

const root: Folder = new Map();
let before: (change: Change) => void = () => undefined;
let turns = 0;
let ticks = 0;

/** Is called before each change to the disk; what it throws, the one who wanted the change gets. */
export function watchChanges(watch: (change: Change) => void): void {
  before = watch;
}

/** As long as this disk takes to answer: a different number of turns each time, so that neighbours overtake one another. */
export async function answerTakesTurns(): Promise<void> {
  turns = (turns * 1103515245 + 12345) % 2 ** 31;
  for (let left = (turns >> 16) % 4; left > 0; left -= 1) await null;
}

/** From here on it answers as quickly or slowly as it did after the last call with this number. */
export function beginTurns(seed: number): void {
  turns = seed;
}

export function changing(what: Change["what"], path: string, content: Buffer | null = null): void {
  before({ what, path, content });
}

export class DiskError extends Error {
  constructor(
    readonly code: string,
    path: string,
  ) {
    super(`${code}: ${path}`);
  }
}

export function find(path: string): Entry | null {
  let entry: Entry = root;
  for (const name of partsOf(path)) {
    if (!(entry instanceof Map)) return null;
    const next = entry.get(name);
    if (next === undefined) return null;
    entry = next;
  }
  return entry;
}

export function get(path: string): Entry {
  const entry = find(path);
  if (entry === null) throw new DiskError("ENOENT", path);
  return entry;
}

export function getFolder(path: string): Folder {
  const entry = get(path);
  if (!(entry instanceof Map)) throw new DiskError("ENOTDIR", path);
  return entry;
}

export function getFile(path: string): MemoryFile {
  const entry = get(path);
  if (entry instanceof Map) throw new DiskError("EISDIR", path);
  return entry;
}

export function newFile(content: Buffer): MemoryFile {
  return { content, changed: ++ticks, inode: ticks };
}

/** The file as it is after somebody has written to it. */
export function rewritten(file: MemoryFile, content: Buffer): MemoryFile {
  return { ...file, content, changed: ++ticks };
}

/** Puts something there, whatever was there before. */
export function put(path: string, entry: Entry): void {
  getFolder(dirname(path)).set(basename(path), entry);
}

export function take(path: string): void {
  getFolder(dirname(path)).delete(basename(path));
}

/** Makes a folder and those above it; the topmost one that was not there. */
export function makeFolder(path: string): string | undefined {
  let folder = root;
  let topmost: string | undefined;
  let at = "";
  for (const name of partsOf(path)) {
    at += `/${name}`;
    let next = folder.get(name);
    if (next === undefined) {
      next = new Map();
      folder.set(name, next);
      topmost ??= at;
    }
    if (!(next instanceof Map)) throw new DiskError("EEXIST", at);
    folder = next;
  }
  return topmost;
}

/** Files of a copy change apart from those of the original: a change replaces a file. */
export function copyOf(folder: Folder): Folder {
  const copy: Folder = new Map();
  for (const [name, entry] of folder) {
    copy.set(name, entry instanceof Map ? copyOf(entry) : entry);
  }
  return copy;
}

/** Paths of all files below a folder, sorted. */
export function filesIn(path: string): readonly string[] {
  const entry = find(path);
  if (!(entry instanceof Map)) return [];
  return [...entry]
    .flatMap(([name, below]) => (below instanceof Map ? filesIn(`${path}/${name}`) : [`${path}/${name}`]))
    .sort();
}

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
