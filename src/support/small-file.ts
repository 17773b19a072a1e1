/**
 * Reads files of a folder into which others write: whatever lies there under a name that counts must neither keep the reader
 * waiting nor fill its memory. Knows no format.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Text of a plain file of at most so many bytes; null for all else. A pipe would keep its reader waiting for ever. */
export function readSmall(path: string, largest: number): string | null {
  let file: number | null = null;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(file);
    return found.isFile() && found.size <= largest ? readFileSync(file, "utf8") : null;
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}
