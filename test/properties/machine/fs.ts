/**
 * `node:fs` for the oracle (vitest.config.ts puts it there): as much of it as an audit calls, on the disk in memory.
 */
import { Readable } from "node:stream";
import { DiskError, type Folder, find, get, getFile, getFolder, type MemoryFile, newFile, put } from "./files.js";

export const constants = { O_RDONLY: 0, O_NOFOLLOW: 0, O_NONBLOCK: 0 };

export const existsSync = (path: string): boolean => find(path) !== null;

export function readdirSync(path: string, options?: { readonly withFileTypes?: boolean }): unknown[] {
  const entries = [...getFolder(path)].sort(([left], [right]) => (left < right ? -1 : 1));
  if (options?.withFileTypes !== true) return entries.map(([name]) => name);
  return entries.map(([name, entry]) => ({ name, parentPath: path, ...statsOf(entry) }));
}

export const readFileSync = (path: string, encoding?: BufferEncoding): Buffer | string => {
  const { content } = getFile(path);
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

/** A view only: no change of state. */
export function createWriteStream(path: string) {
  const chunks: string[] = [];
  return {
    on() {},
    write: (text: string) => void chunks.push(text),
    end(done: () => void) {
      try {
        put(path, newFile(Buffer.from(chunks.join(""))));
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
      }
      done();
    },
  };
}
