/**
 * Keeps what an agent changed in a slot before the slot is removed: one patch a repository.
 */
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ok, type Result } from "../../model/result.js";
import { diskFailure } from "./mark.js";
import { type WorkTree, writePatch } from "./state.js";

export interface ArchivedTree extends WorkTree {
  /** Safe as a file name. */
  readonly name: string;
  /** The tree of the slot's first content. */
  readonly base: string;
}

/**
 * Writes `<archiveDir>/slot-<n>[-<k>]/<name>.patch` for each tree that changed. Resolves to the patch, to its folder where
 * there are several, or to null where nothing changed. Never overwrites an older archive.
 */
export async function archive(
  trees: readonly ArchivedTree[],
  number: number,
  archiveDir: string,
): Promise<Result<string | null>> {
  try {
    const folder = await newFolder(archiveDir, `slot-${number}`);
    for (const tree of trees) {
      const written = await writePatch(tree, tree.base, join(folder, `${tree.name}.patch`));
      if (!written.ok) return written;
    }
    const patches = await readdir(folder);
    const [first] = patches;
    if (first === undefined) {
      await rmdir(folder);
      return ok(null);
    }
    return ok(patches.length === 1 ? join(folder, first) : folder);
  } catch (error) {
    return diskFailure(archiveDir, error);
  }
}

async function newFolder(parent: string, name: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (let count = 1; ; count += 1) {
    const folder = join(parent, count === 1 ? name : `${name}-${count}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
