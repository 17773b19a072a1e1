/**
 * Reads files of a folder into which others write: whatever lies there under a name that counts must neither keep the reader
 * waiting nor fill its memory. Knows no format.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Text of a plain file of at most so many bytes; null for all else. A pipe would keep its reader waiting for ever. */
export async function readSmall(path: string, largest: number): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= largest ? await file.readFile("utf8") : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}
