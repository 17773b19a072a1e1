/**
 * Copies a folder into a slot: files (cloned where the file system can), modes and links.
 * Knows nothing of git. Never follows a link, so nothing outside the folder is read.
 */
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";

export interface CopyTreeOptions {
  /** Absolute folder. */
  readonly from: string;
  readonly to: string;
  /** An absolute link that points into `links.from` is turned to the same place in `links.to`. */
  readonly links: { readonly from: string; readonly to: string };
  /** Called with absolute paths. */
  readonly excludes: (path: string) => boolean;
  readonly signal: AbortSignal;
}

/** Throws what the file system throws, and the signal's reason. A `to` that exists is written into. */
export async function copyTree(options: CopyTreeOptions): Promise<void> {
  const { from, to } = options;
  options.signal.throwIfAborted();
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (options.excludes(source)) continue;
    if (entry.isDirectory()) await copyTree({ ...options, from: source, to: target });
    else if (entry.isSymbolicLink()) await copyLink(source, target, options.links);
    // Sockets, pipes and devices are nothing that can be copied.
    else if (entry.isFile()) await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}

/** `dbt deps` links local packages by absolute paths: as they are, an agent would write into the user's own tree. */
async function copyLink(source: string, target: string, links: CopyTreeOptions["links"]): Promise<void> {
  const text = await readlink(source);
  const moved = isAbsolute(text) && isInside(text, links.from) ? join(links.to, relative(links.from, text)) : text;
  if ((await lstat(target).catch(() => null)) === null) await symlink(moved, target);
}

/** Whether `path` is `folder` or below it, as text. */
export function isInside(path: string, folder: string): boolean {
  const inner = resolve(path);
  const outer = resolve(folder);
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}
