/**
 * Files of the audited repositories, by name: whether they are there, and their digests.
 * Never follows a link out of a repository.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";

/** Absolute path of a regular file inside `root`; null where there is none. */
export async function fileInside(root: string, file: string): Promise<string | null> {
  try {
    const base = await realpath(root);
    const path = await realpath(resolve(base, file));
    if (!path.startsWith(base + sep)) return null;
    return (await stat(path)).isFile() ? path : null;
  } catch {
    return null;
  }
}

/** sha256 of a file inside `root`; null where there is none. */
export async function fileDigest(root: string, file: string): Promise<string | null> {
  const path = await fileInside(root, file);
  if (path === null) return null;
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
  } catch {
    return null;
  }
}
