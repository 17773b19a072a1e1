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
  "ENOSYS",
  "ENOTDIR",
  "ENOTEMPTY",
  "ENOTSUP",
  "ENXIO",
  "EOPNOTSUPP",
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

/** What file systems without hard links say of one (some FUSE mounts, exFAT): claims and the run's lock are such links. */
const noLinks: ReadonlySet<string> = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"]);
const linksStep = "Move the audit folder to a disk that has hard links, with `dir` in the config, and run again";

/** Null: it was none. Failure code: disk. */
export function diskRefusal(error: unknown): Failure | null {
  if (!(error instanceof Error)) return null;
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || !refusals.has(code)) return null;
  const step = syscall === "link" && noLinks.has(code) ? linksStep : (steps[code] ?? "Run again when it is mended");
  return { code: "disk", message, hint: `${step}; what was finished is kept.` };
}
