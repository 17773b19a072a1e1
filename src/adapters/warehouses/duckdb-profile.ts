/**
 * Settings out of a dbt-duckdb output of profiles.yml. Only the database itself is taken: an audit reads one file that is
 * there, and what dbt attaches or loads besides is not in it. Reads no file.
 */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";

const hint =
  "an audit reads a database file that dbt has left on disk: name one with `warehouse: { use: duckdb, path: … }`";

/** Relative paths are dbt's: from the project's folder. */
export function fromProfile(output: Readonly<Record<string, unknown>>, projectDir: string): Result<unknown> {
  const { path = ":memory:" } = output;
  if (typeof path !== "string" || path === "") {
    return failed("profile-unsupported", "the profile's `path` is no text", { hint });
  }
  if (path.startsWith(":memory:")) {
    return failed("profile-unsupported", "the profile's database is in memory, and gone when dbt ends", { hint });
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(path)?.[1]?.toLowerCase();
  if (scheme === "md" || scheme === "motherduck") {
    return failed("profile-unsupported", "the profile's database is MotherDuck's, which is not supported", { hint });
  }
  if (scheme !== undefined || output.is_ducklake === true) {
    const kind = scheme ?? "ducklake";
    return failed("profile-unsupported", `the profile's database is no plain file (${kind})`, { hint });
  }
  const own = path.startsWith("~/") ? resolve(homedir(), path.slice(2)) : path;
  return ok({ path: resolve(projectDir, own) });
}
