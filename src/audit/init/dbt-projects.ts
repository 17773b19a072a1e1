/**
 * Finds dbt projects from a folder: in it, above it, below it; and the git repositories around one. Reads no artifact and
 * knows no warehouse.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { git } from "../../support/git.js";

const file = "dbt_project.yml";
/** Folders that hold other people's projects, or copies of this one. */
const ignored = new Set(["node_modules", "dbt_packages", "dbt_modules", "target", "site-packages", "venv", "logs"]);
const deepest = 4;
const mostFolders = 2_000;

/** Absolute folders, the most likely first: the folder's own, the nearest above, then those below. */
export function dbtProjects(from: string): readonly string[] {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, file))) return [folder];
    if (folder === dirname(folder)) return projectsBelow(from);
  }
}

/** Breadth first, so that a package's project inside of another stays behind it. */
function projectsBelow(from: string): readonly string[] {
  const found: string[] = [];
  let level = [from];
  let seen = 0;
  for (let depth = 0; depth < deepest && level.length > 0 && seen < mostFolders; depth++) {
    level = level.flatMap((folder) => foldersIn(folder)).slice(0, mostFolders);
    seen += level.length;
    const projects = level.filter((folder) => existsSync(join(folder, file)));
    found.push(...projects);
    level = level.filter((folder) => !projects.includes(folder));
  }
  return found;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !ignored.has(entry.name))
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch {
    return [];
  }
}

/** Absolute root of the git repository that holds the folder; null where there is none, or no git. */
export async function repositoryOf(folder: string): Promise<string | null> {
  const told = await git(folder, ["rev-parse", "--show-toplevel"], { timeout: 10_000 });
  return told.ok ? told.value.stdout.trim() || null : null;
}

export interface Neighbour {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Where it comes from, without a login; null where it has no remote. */
  readonly remote: string | null;
}

/** Repositories beside this one: among them may be the code that loads its sources. */
export async function neighbours(repository: string): Promise<readonly Neighbour[]> {
  const beside = foldersIn(dirname(repository))
    .filter((path) => path !== repository && existsSync(join(path, ".git")))
    .slice(0, 50);
  return Promise.all(
    beside.map(async (path) => {
      const told = await git(path, ["config", "--get", "remote.origin.url"], { timeout: 10_000, okCodes: [0, 1] });
      const url = told.ok ? told.value.stdout.trim() : "";
      return { name: basename(path), path, remote: url === "" ? null : withoutLogin(url) };
    }),
  );
}

function withoutLogin(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^@/]*@/i, "$1");
}
