/**
 * Which files of a git checkout are the user's work: what git tracks or would track. What it ignores (databases, logs,
 * secrets) is not. Changes nothing.
 */
import { dirname, join } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";
import { exists } from "../../support/files.js";
import { git } from "../../support/git.js";

/**
 * Absolute paths of the files below a folder of a checkout that git does not ignore, and of the folders on the way to
 * them. Repositories inside it, submodules and others, are asked themselves. Failure codes: slot-failed, aborted.
 */
export async function trackedPaths(root: string, signal: AbortSignal): Promise<Result<ReadonlySet<string>>> {
  const paths = new Set<string>([root]);
  const open = [root];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const files = await listed(folder, ["--cached", "--others", "--exclude-standard"], signal);
    if (!files.ok) return files;
    const staged = await listed(folder, ["--stage"], signal);
    if (!staged.ok) return staged;
    const modules = staged.value
      .filter((line) => line.startsWith("160000 "))
      .map((line) => line.replace(/^[^\t]*\t/, ""));
    // git ends the name of another repository with a slash.
    const others = files.value.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
    for (const path of [...files.value, ...others]) addWithFolders(paths, join(folder, path), root);
    for (const path of [...modules, ...others]) {
      if (await exists(join(folder, path, ".git"))) open.push(join(folder, path));
    }
  }
  return ok(paths);
}

async function listed(folder: string, args: readonly string[], signal: AbortSignal): Promise<Result<string[]>> {
  const output = await git(folder, ["ls-files", "-z", ...args], { signal });
  if (output.ok) return ok(output.value.stdout.split("\0").filter((path) => path !== ""));
  if (output.failure.code === "aborted") return output;
  const { message, detail = "" } = output.failure;
  return failed("slot-failed", `git cannot say which files of ${folder} are its own: ${message}`, { detail });
}

function addWithFolders(paths: Set<string>, path: string, root: string): void {
  for (let each = path; each !== root && !paths.has(each); each = dirname(each)) paths.add(each);
}
