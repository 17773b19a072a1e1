/**
 * Signatures of files by what the file system says of them (size, times, inode), without reading them: equal signatures
 * mean that nobody has written to the file since. `changed` is the later of both times: the inode's own cannot be set back.
 * Knows nothing of what is in the files.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface FileSignature {
  /** Null: there is no such file or folder. */
  readonly signature: string | null;
  /** Milliseconds; when it was last written to, renamed or otherwise changed. */
  readonly changed: number;
}

/** Of a file, through links; of a folder only that it is one. */
export function fileSignature(path: string): FileSignature {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { signature: null, changed: 0 };
  if (found.isDirectory()) return { signature: "folder", changed: 0 };
  const { size, mtimeMs, ctimeMs, ino } = found;
  return { signature: `${size} ${mtimeMs} ${ctimeMs} ${ino}`, changed: Math.max(mtimeMs, ctimeMs) };
}

/** One digest of the names and signatures of everything directly in these folders, but for files of the names `but`. */
export function foldersDigest(folders: readonly string[], but: ReadonlySet<string>): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const names = readdirSync(folder).filter((name) => !but.has(name));
    hash.update(`${folder}\0${names.join("\0")}\0\0`);
    const numbers = new Float64Array(names.length * 4);
    let at = 0;
    for (const name of names) {
      const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
      const isFile = found?.isFile() === true;
      numbers[at++] = isFile ? found.size : -1;
      numbers[at++] = isFile ? found.mtimeMs : -1;
      numbers[at++] = isFile ? found.ctimeMs : -1;
      numbers[at++] = isFile ? found.ino : -1;
    }
    hash.update(numbers);
  }
  return hash.digest("hex");
}
