/** Looks at the disk for a program's file, and for links that lead out of a folder. Knows no program. */
import { access, constants, readdir, realpath } from "node:fs/promises";
import { delimiter, isAbsolute, join, sep } from "node:path";

/** Where a program is, links followed; null where it is not found. */
export async function programFile(program: string, path: string): Promise<string | null> {
  const places = isAbsolute(program) ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    const found = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return realpath(place);
  }
  return null;
}

/** Links below the folder whose target is not below it, absolute; what git keeps for itself is left out. */
export async function linksOutOf(folder: string): Promise<readonly string[]> {
  const root = await realpath(folder).catch(() => null);
  if (root === null) return [];
  const found: string[] = [];
  const look = async (within: string): Promise<void> => {
    for (const entry of await readdir(within, { withFileTypes: true }).catch(() => [])) {
      const path = join(within, entry.name);
      if (entry.isDirectory() && entry.name !== ".git") await look(path);
      if (!entry.isSymbolicLink()) continue;
      const target = await realpath(path).catch(() => null);
      if (target === null || !`${target}${sep}`.startsWith(`${root}${sep}`)) found.push(path);
    }
  };
  await look(folder);
  return found;
}
