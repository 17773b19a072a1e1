/**
 * traces/objects/: outputs as files that are named by the digest of their content, in 256 folders.
 * Knows no traces.
 */
import { join } from "node:path";
import { sha256 } from "../model/digest.js";
import type { Disk } from "../support/disk.js";
import { temporaryPrefix, writeFileAtomic } from "../support/files.js";

export interface Objects {
  /** Resolves to the content's digest when it is durable. One that is there but damaged is mended. */
  write(content: string): Promise<string>;
}

export type ReadObject =
  | { readonly kind: "whole"; readonly text: string }
  | { readonly kind: "missing" }
  /** It holds something else than what was written. */
  | { readonly kind: "damaged" };

/**
 * Rejects where the disk refuses for another reason than the file (too many open files, no permission): what is finished
 * must not look lost, and be paid for again, because of that.
 */
export async function readObject(folder: string, digest: string, disk: Disk): Promise<ReadObject> {
  const content = await disk.read(join(folder, objectName(digest))).catch((error: NodeJS.ErrnoException) => error);
  if (!(content instanceof Error))
    return sha256(content) === digest ? { kind: "whole", text: content.toString("utf8") } : { kind: "damaged" };
  if (content.code === "ENOENT" || content.code === "ENOTDIR") return { kind: "missing" };
  // A bad sector, or a folder in its place.
  if (content.code === "EIO" || content.code === "EISDIR") return { kind: "damaged" };
  throw content;
}

/** Opens (or makes) the folder for writing. */
export async function openObjects(folder: string, disk: Disk): Promise<Objects> {
  await disk.makeFolder(folder);
  // A process that was killed may have made folders in it without an fsync.
  await disk.syncFolder(folder);
  const shards = new Map((await disk.list(folder)).map((name) => [name, Promise.resolve()]));

  /** Its name is durable before anybody relies on a file in it, also where two ask at once. */
  const makeShard = (name: string): Promise<void> => {
    const making = shards.get(name) ?? disk.makeFolder(join(folder, name)).then(() => disk.syncFolder(folder));
    shards.set(name, making);
    making.catch(() => shards.delete(name));
    return making;
  };

  return {
    async write(content) {
      const digest = sha256(content);
      await makeShard(shardOf(digest));
      // What is there may be of a process that was killed before its last fsync.
      const there = await readObject(folder, digest, disk);
      if (there.kind === "whole") await disk.syncFolder(join(folder, shardOf(digest)));
      else await writeFileAtomic(join(folder, objectName(digest)), content, disk);
      return digest;
    },
  };
}

export interface ObjectFile {
  readonly file: string;
  /** Null: it is none of ours by its name. */
  readonly digest: string | null;
  /** Left by a process that was killed while it wrote. */
  readonly isTemporary: boolean;
}

export async function listObjects(folder: string, disk: Disk): Promise<readonly ObjectFile[]> {
  const found: ObjectFile[] = [];
  for (const shard of [...(await disk.list(folder))].sort()) {
    // A file instead of a folder is none of ours.
    for (const name of [...(await disk.list(join(folder, shard)).catch(() => []))].sort()) {
      const digest = shard + name.slice(0, -".json".length);
      found.push({
        file: join(folder, shard, name),
        digest: name.endsWith(".json") && /^[0-9a-f]{64}$/.test(digest) ? digest : null,
        isTemporary: name.startsWith(temporaryPrefix),
      });
    }
  }
  return found;
}

function shardOf(digest: string): string {
  return digest.slice(0, 2);
}

/** Its file, within the folder. */
export function objectName(digest: string): string {
  return `${shardOf(digest)}/${digest.slice(2)}.json`;
}
