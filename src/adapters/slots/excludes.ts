/**
 * What no slot may hold: the audit folder, and files that the audit names, such as the warehouse's own.
 * Knows no provider.
 */
import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SlotContext } from "../../model/slot.js";
import { isInside } from "./copy-tree.js";

/** The context's folders and files by their real paths; of one that is a link both what it is and where it leads. */
export interface Excluded {
  readonly auditDir: string;
  readonly paths: readonly string[];
}

export async function excludedPaths(context: SlotContext): Promise<Excluded> {
  const spellings = await Promise.all(
    context.excludes.map(async (path) => [join(await real(dirname(path)), basename(path)), await real(path)]),
  );
  return { auditDir: await real(context.auditDir), paths: [...new Set(spellings.flat())] };
}

/** Whether something below `from`, both by their real paths, is to be left out. */
export function isExcluded(path: string, from: string, { auditDir, paths }: Excluded): boolean {
  if (paths.some((each) => isInside(path, each))) return true;
  // What the summary left in the audit folder is given to agents by its own name.
  return isInside(path, auditDir) && !isInside(from, auditDir);
}

function real(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
