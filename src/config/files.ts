/**
 * What the loader asks of the disk, as a port, and the real thing behind it. Only looks; writes nothing.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface ConfigFiles {
  kind(path: string): "folder" | "file" | "absent";
  /** Names in a folder; none where it cannot be read. */
  names(folder: string): readonly string[];
  /** With links followed, also where the last parts of the path do not exist yet. */
  realPath(path: string): string;
  isGitCheckout(path: string): boolean;
}

export const diskFiles: ConfigFiles = {
  kind(path) {
    const found = attempt(() => statSync(path));
    if (found === null) return "absent";
    return found.isDirectory() ? "folder" : "file";
  },
  names: (folder) => attempt(() => readdirSync(folder)) ?? [],
  realPath(path) {
    const real = attempt(() => realpathSync(path));
    if (real !== null) return real;
    const parent = dirname(path);
    return parent === path ? path : join(diskFiles.realPath(parent), basename(path));
  },
  isGitCheckout(path) {
    // `.git` is a file in worktrees and submodules.
    for (let folder = path; ; folder = dirname(folder)) {
      if (existsSync(join(folder, ".git"))) return true;
      if (dirname(folder) === folder) return false;
    }
  },
};

export type TextReading =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly reason: string };

/** A file that a person wrote; UTF-8, with or without a byte order mark. */
export function readTextFile(path: string): TextReading {
  try {
    const bytes = readFileSync(path);
    return { kind: "text", text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes) };
  } catch (problem) {
    if (problem instanceof TypeError) return { kind: "unreadable", reason: "it is not UTF-8 text" };
    const code = problem instanceof Error && "code" in problem ? String(problem.code) : "unknown";
    if (code === "ENOENT") return { kind: "absent" };
    const reasons: Readonly<Record<string, string>> = {
      EISDIR: "it is a folder",
      EACCES: "no permission",
      ENOTDIR: "a part of its path is a file",
    };
    return { kind: "unreadable", reason: reasons[code] ?? code };
  }
}

function attempt<Value>(look: () => Value): Value | null {
  try {
    return look();
  } catch {
    return null;
  }
}
