/**
 * The few things that durable files need of a disk, in one place, so that a test can put a model of a disk there.
 * Knows nothing of what is written.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fsync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

export interface Disk {
  /** Makes a folder and those above it; resolves to the topmost one that was not there. */
  makeFolder(path: string): Promise<string | undefined>;
  /** `new` refuses a file that is there. */
  open(path: string, mode: "new" | "append"): Promise<DiskFile>;
  /** Rejects with ENOENT where there is no such file. */
  read(path: string): Promise<Buffer>;
  /** Names in a folder. */
  list(path: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or nothing. */
  remove(path: string): Promise<void>;
  /** Makes names that were put into a folder, or taken out of it, survive a power cut. */
  syncFolder(path: string): Promise<void>;
}

export interface DiskFile {
  append(content: string | Uint8Array): Promise<void>;
  /** What was appended survives a power cut; the file's name may not: that is its folder's. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * At once, all but waiting for the disk itself: files are small and many, and to ask the thread pool takes ten times as long
 * as the system does.
 */
export const realDisk: Disk = {
  makeFolder: async (path) => makeFolder(path),
  async open(path, mode) {
    const file = openSync(path, mode === "new" ? "wx" : "a", 0o644);
    return {
      append: async (content) => naming(path, () => writeAll(file, content)),
      sync: () => synced(fdatasync, file, path),
      close: async () => closeSync(file),
    };
  },
  read: async (path) => readFileSync(path),
  list: async (path) => readdirSync(path),
  rename: async (from, to) => renameSync(from, to),
  remove: async (path) => rmSync(path, { force: true }),
  async syncFolder(path) {
    const folder = openSync(path, "r");
    try {
      await synced(fsync, folder, path);
    } finally {
      closeSync(folder);
    }
  },
};

/** A disk that is nearly full takes a part. */
export function writeAll(file: number, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

function synced(sync: typeof fsync, file: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sync(file, (error) => (error === null ? resolve() : reject(named(error, path))));
  });
}

function naming(path: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    throw named(error as Error, path);
  }
}

/** What is done to an open file is refused without the file's name. */
function named(error: Error, path: string): Error {
  error.message += ` '${path}'`;
  return error;
}

/** Of a full or read-only disk a recursive mkdir says ENOENT; the plain one says what it is. */
function makeFolder(path: string): string | undefined {
  try {
    return mkdirSync(path, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    let missing = path;
    while (dirname(missing) !== missing && !existsSync(dirname(missing))) missing = dirname(missing);
    mkdirSync(missing);
    throw error;
  }
}
