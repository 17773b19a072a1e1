/** Looks at the disk for a program's file, and for what an agent must not read in its folders. Knows no program. */
import { access, constants, readdir, realpath } from "node:fs/promises";
import { basename, delimiter, dirname, isAbsolute, join, sep } from "node:path";
import { globs } from "../../../support/glob.js";

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

/**
 * Names of files that hold credentials. A checkout has them only where they were committed; a repository that is read in
 * place has them as its owner left them.
 */
export const secretNames: readonly string[] = [
  ...[
    ".env",
    ".env.*",
    "*.env",
    "profiles.yml",
    "profiles.yaml",
    "connections.toml",
    "credentials",
    "*credentials*.json",
  ],
  ...[".netrc", ".pgpass", ".npmrc", ".pypirc", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "id_rsa*", "id_ed25519*"],
  "service-account*.json",
];

/** Absolute paths that an agent has no business with. */
export interface Hidden {
  /** Links whose target is in none of the folders. */
  readonly links: readonly string[];
  /** Files with a name as credentials have. */
  readonly secrets: readonly string[];
}

/** What git keeps for itself is left out: it holds what the checkout holds. */
export async function hiddenIn(folders: readonly string[]): Promise<Hidden> {
  const isSecret = globs(secretNames, { ignoreCase: true });
  const found = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
  const roots = found.filter((root) => root !== null);
  const isWithin = (path: string): boolean => roots.some((root) => `${path}${sep}`.startsWith(`${root}${sep}`));
  const links: string[] = [];
  const secrets: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && entry.name !== ".git") await look(path);
      if (entry.isFile() && isSecret(entry.name)) secrets.push(path);
      if (!entry.isSymbolicLink()) continue;
      const target = await realpath(path).catch(() => null);
      if (target === null || !isWithin(target)) links.push(path);
      else if (isSecret(basename(target)) || isSecret(entry.name)) secrets.push(path);
    }
  };
  for (const folder of folders) await look(folder);
  return { links, secrets };
}

/** Bytes that one argument or variable of a program may have, with room for what else stands in it: Linux takes 128 KiB. */
export const longestArgument = 100_000;

/** As many paths as fit: where there are too many, the folder that most of them are in stands for them. */
export function fewPaths(paths: readonly string[], bytes = longestArgument): readonly string[] {
  let few = [...paths];
  const length = (): number => few.reduce((sum, path) => sum + Buffer.byteLength(path) + 12, 0);
  while (length() > bytes && few.length > 1) {
    const counts = new Map<string, number>();
    for (const path of few) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    const [fullest = "/"] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one));
    few = [...few.filter((path) => !path.startsWith(`${fullest}${sep}`)), fullest];
  }
  return few;
}
