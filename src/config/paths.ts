/**
 * Paths as the config writes them → absolute ones; where they lead nowhere, what was probably meant.
 */
import { dirname, join, relative, resolve, sep } from "node:path";
import { closest } from "../support/suggest.js";
import type { ConfigFiles } from "./files.js";

export interface PathBase {
  /** The config's folder. */
  readonly baseDir: string;
  readonly homeDir: string;
}

/** `~` and `~/…` are the home folder; relative paths start at the config's folder. */
export function absolutePath(written: string, { baseDir, homeDir }: PathBase): string {
  if (written === "~") return resolve(homeDir);
  if (written.startsWith("~/")) return resolve(homeDir, written.slice(2));
  return resolve(baseDir, written);
}

/** Whether `inner` is `outer` or inside of it. Both absolute. */
export function contains(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}

/** The path as written, with its first missing part replaced by the closest name that exists there. */
export function nearestPath(written: string, absolute: string, files: ConfigFiles): string | undefined {
  let missing = absolute;
  while (dirname(missing) !== missing && files.kind(dirname(missing)) === "absent") missing = dirname(missing);
  const name = missing.slice(join(dirname(missing), "_").length - 1);
  const meant = closest(name, files.names(dirname(missing)));
  const parts = written.split("/");
  const index = parts.lastIndexOf(name);
  return meant === undefined || index < 0 ? undefined : parts.with(index, meant).join("/");
}
