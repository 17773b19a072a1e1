/**
 * Durable files: a reader sees the old content or the new one, and what was acknowledged survives a power cut.
 * Knows no file of an audit by name.
 */
import { randomBytes } from "node:crypto";
import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Disk, realDisk } from "./disk.js";

/** Temp file, fsync, rename, fsync of the folder: write-file-atomic leaves the last step out (its issue #64). */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  disk: Disk = realDisk,
): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder, disk);
  const temporary = join(folder, `${temporaryPrefix}${randomBytes(8).toString("hex")}`);
  try {
    const file = await disk.open(temporary, "new");
    try {
      await file.append(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(temporary, path);
  } catch (error) {
    await disk.remove(temporary);
    throw error;
  }
  await disk.syncFolder(folder);
}

/** What a killed process leaves behind of a file that it was writing begins so. */
export const temporaryPrefix = ".tmp-";

/** Makes a folder and those above it, and their names durable. */
export async function makeFolder(folder: string, disk: Disk = realDisk): Promise<void> {
  const topmost = await disk.makeFolder(folder);
  if (topmost === undefined) return;
  for (let made = folder; made.length >= topmost.length; made = dirname(made)) await disk.syncFolder(dirname(made));
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
