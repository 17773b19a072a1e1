/**
 * A private copy of a DuckDB file. A reader's handle would keep dbt from writing, so audits read a copy.
 * Knows no SQL.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";

const prefix = "duckdb-";

/** Folders of copies that this process holds: a process id alone may have belonged to a dead process before. */
const held = new Set<string>();

export interface DatabaseCopy {
  readonly path: string;
  remove(): Promise<void>;
}

/** Keeps the file's name, since its stem is the catalog name in compiled SQL. Copy-on-write where the disk can. */
export async function copyDatabase(source: string, scratchDir: string): Promise<DatabaseCopy> {
  await removeAbandoned(scratchDir);
  const folder = join(scratchDir, `${prefix}${process.pid}-${randomBytes(6).toString("hex")}`);
  held.add(folder);
  const remove = async () => {
    await rm(folder, { recursive: true, force: true });
    held.delete(folder);
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, basename(source));
    // The log first: closing any handle on the database file gives up this process's lock on it (POSIX), and that
    // lock is what keeps writers out while the two are copied.
    await copyFile(`${source}.wal`, `${path}.wal`, constants.COPYFILE_FICLONE).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await copyFile(source, path, constants.COPYFILE_FICLONE);
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Removes copies whose process is gone. Copies of living processes, also of other audits, stay. */
async function removeAbandoned(scratchDir: string): Promise<void> {
  const names = await readdir(scratchDir).catch(() => []);
  for (const name of names) {
    const owner = new RegExp(`^${prefix}(\\d+)-[0-9a-f]+$`).exec(name)?.[1];
    if (owner === undefined) continue;
    const folder = join(scratchDir, name);
    const abandoned = Number(owner) === process.pid ? !held.has(folder) : !isAlive(Number(owner));
    if (abandoned) await rm(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ENOENT";
}
