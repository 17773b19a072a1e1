/**
 * The few things that durable files need of a disk, in one place, so that a test can put a model of a disk there.
 * Knows nothing of what is written.
 */
import { constants, existsSync, readFileSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
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

export const realDisk: Disk = {
  makeFolder: (path) => mkdir(path, { recursive: true }).catch((error) => whyNoFolder(path, error)),
  async open(path, mode) {
    const file = await open(path, mode === "new" ? "wx" : "a", 0o644);
    return {
      append: (content) => file.appendFile(content).catch(naming(path)),
      sync: () => file.datasync().catch(naming(path)),
      close: () => file.close(),
    };
  },
  // At once: outputs are small and many, and for each the thread pool would be asked four times.
  read: async (path) => readFileSync(path),
  list: (path) => readdir(path),
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncFolder(path) {
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync().catch(naming(path));
    } finally {
      await handle.close();
    }
  },
};

/** What is done to an open file is refused without the file's name. */
function naming(path: string): (error: Error) => never {
  return (error) => {
    error.message += ` '${path}'`;
    throw error;
  };
}

/** Of a full or read-only disk a recursive mkdir says ENOENT; the plain one says what it is. */
async function whyNoFolder(path: string, error: NodeJS.ErrnoException): Promise<never> {
  if (error.code !== "ENOENT") throw error;
  let missing = path;
  while (dirname(missing) !== missing && !existsSync(dirname(missing))) missing = dirname(missing);
  await mkdir(missing);
  throw error;
}
