/** Real git repositories in temp folders for the tests of slots. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "audit slots é'"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function git(cwd: string, ...args: string[]): string {
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...identity, ...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export async function write(root: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

export async function committedRepository(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(root, { recursive: true });
  git(root, "init", "--quiet");
  await write(root, files);
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "first");
}

/** Path → mode and content of everything below a folder, without the named entries. Links are not followed. */
export async function content(root: string, without: readonly string[] = []): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = async (folder: string): Promise<void> => {
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (without.includes(path)) continue;
      const status = await lstat(join(root, path));
      if (status.isSymbolicLink()) found[path] = `link ${await readlink(join(root, path))}`;
      else if (status.isDirectory()) await walk(path);
      else {
        const digest = createHash("sha256").update(await readFile(join(root, path)));
        found[path] = `${(status.mode & 0o100) === 0 ? "file" : "program"} ${digest.digest("hex").slice(0, 12)}`;
      }
    }
  };
  await walk("");
  return found;
}
