/**
 * What the disk, or the system at large, refuses: known by its code, and told as a failure. Anything else that is thrown
 * is a bug. Knows no file by name.
 */
import type { Failure } from "../model/result.js";

const refusals: ReadonlySet<string> = new Set([
  "EACCES",
  "EAGAIN",
  "EBUSY",
  "EDQUOT",
  "EFBIG",
  "EIO",
  "EISDIR",
  "ELOOP",
  "EMFILE",
  "ENAMETOOLONG",
  "ENFILE",
  "ENODEV",
  "ENOENT",
  "ENOMEM",
  "ENOSPC",
  "ENOTDIR",
  "ENOTEMPTY",
  "ENXIO",
  "EPERM",
  "EROFS",
  "ESTALE",
  "ETIMEDOUT",
  "ETXTBSY",
]);

const steps: Readonly<Record<string, string>> = {
  EDQUOT: "Make room and run again",
  ENOSPC: "Make room and run again",
  EMFILE: "Raise the limit of open files (ulimit -n) and run again",
  ENFILE: "Close other programs, or raise the system's limit of open files, and run again",
  EROFS: "Make it writable, or move the audit folder with `dir` in the config, and run again",
  EACCES: "Make it writable, or move the audit folder with `dir` in the config, and run again",
};

/** Null: it was none. Failure code: disk. */
export function diskRefusal(error: unknown): Failure | null {
  if (!(error instanceof Error)) return null;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || !refusals.has(code)) return null;
  const step = steps[code] ?? "Run again when it is mended";
  return { code: "disk", message, hint: `${step}; what was finished is kept.` };
}
