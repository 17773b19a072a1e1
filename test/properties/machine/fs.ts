/**
 * `node:fs` for the oracle (vitest.config.ts puts it there): as much of it as an audit calls, on the disk in memory.
 */
import { basename } from "node:path";
import { Readable } from "node:stream";
import {
  answerTakesTurns,
  changing,
  DiskError,
  type Folder,
  find,
  get,
  getFile,
  getFolder,
  type MemoryFile,
  makeFolder,
  newFile,
  put,
  rewritten,
  take,
} from "./files.js";

export const constants = { O_RDONLY: 0, O_NOFOLLOW: 0, O_NONBLOCK: 0 };

export const existsSync = (path: string): boolean => find(path) !== null;

export function readdirSync(path: string, options?: { readonly withFileTypes?: boolean }): unknown[] {
  const entries = [...getFolder(path)].sort(([left], [right]) => (left < right ? -1 : 1));
  if (options?.withFileTypes !== true) return entries.map(([name]) => name);
  return entries.map(([name, entry]) => ({ name, parentPath: path, ...statsOf(entry) }));
}

export const readFileSync = (file: string | number, encoding?: BufferEncoding): Buffer | string => {
  const { content } = getFile(typeof file === "number" ? pathOf(file) : file);
  return encoding === undefined ? content : content.toString(encoding);
};

/** There are no links. */
export function realpathSync(path: string): string {
  get(path);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

export function statSync(path: string, options?: { readonly throwIfNoEntry?: boolean }) {
  const entry = find(path);
  if (entry === null && options?.throwIfNoEntry === false) return undefined;
  return statsOf(get(path));
}

export const lstatSync = (path: string, options?: { readonly throwIfNoEntry?: boolean }) => statSync(path, options);

export function statsOf(entry: MemoryFile | Folder) {
  const file = entry instanceof Map ? { content: "", changed: 0, inode: 0 } : entry;
  return {
    isDirectory: () => entry instanceof Map,
    isFile: () => !(entry instanceof Map),
    isSymbolicLink: () => false,
    size: file.content.length,
    mtimeMs: file.changed,
    ctimeMs: file.changed,
    ino: file.inode,
  };
}

export const createReadStream = (path: string): Readable => Readable.from([getFile(path).content]);

/** Paths of open files. */
const opened = new Map<number, string>();
let handles = 100;

function pathOf(handle: number): string {
  const path = opened.get(handle);
  if (path === undefined) throw new DiskError("EBADF", String(handle));
  return path;
}

/** A view only: no change of state. */
function isView(path: string): boolean {
  return basename(path) === "events.jsonl";
}

export function openSync(path: string, flags: string | number): number {
  const known = find(path);
  if (flags === "wx" && known !== null) throw new DiskError("EEXIST", path);
  if (flags === "r" || typeof flags === "number") get(path);
  else {
    if (known instanceof Map) throw new DiskError("EISDIR", path);
    if (known === null) {
      if (!isView(path)) changing("write", path);
      put(path, newFile(Buffer.alloc(0)));
    }
  }
  opened.set(++handles, path);
  return handles;
}

export function closeSync(handle: number): void {
  pathOf(handle);
  opened.delete(handle);
}

export const fstatSync = (handle: number) => statsOf(get(pathOf(handle)));

/** All at once, at the end: as appended to. */
export function writeSync(handle: number, content: Uint8Array): number {
  const path = pathOf(handle);
  const bytes = Buffer.from(content);
  if (!isView(path)) changing("append", path, bytes);
  const file = getFile(path);
  put(path, rewritten(file, Buffer.concat([file.content, bytes])));
  return bytes.length;
}

function synced(handle: number, done: (error: Error | null) => void): void {
  pathOf(handle);
  void answerTakesTurns().then(() => done(null));
}

export const fsync = synced;
export const fdatasync = synced;

export function mkdirSync(path: string, options?: { readonly recursive?: boolean }): string | undefined {
  if (options?.recursive !== true && find(path) !== null) throw new DiskError("EEXIST", path);
  if (find(path) === null) changing("make", path);
  return makeFolder(path);
}

export function writeFileSync(path: string, content: string | Uint8Array, options?: { readonly flag?: string }): void {
  if (options?.flag?.includes("x") && find(path) !== null) throw new DiskError("EEXIST", path);
  const bytes = Buffer.from(content);
  changing("write", path, bytes);
  put(path, newFile(bytes));
}

export function linkSync(from: string, to: string): void {
  const file = getFile(from);
  if (find(to) !== null) throw new DiskError("EEXIST", to);
  changing("link", to);
  put(to, file);
}

export function renameSync(from: string, to: string): void {
  const entry = get(from);
  changing("rename", to);
  put(to, entry);
  take(from);
}

interface Removal {
  readonly recursive?: boolean;
  readonly force?: boolean;
}

export function rmSync(path: string, { recursive = false, force = false }: Removal = {}): void {
  const entry = find(path);
  if (entry === null && force) return;
  if (get(path) instanceof Map && !recursive) throw new DiskError("ERR_FS_EISDIR", basename(path));
  changing("remove", path);
  take(path);
}
