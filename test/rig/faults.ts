/** What a disk or a system may refuse, as options of strace. */
import { join } from "node:path";
import type { KillPoint } from "./kill.js";
import type { AuditFolder } from "./small-audit.js";

export interface Fault {
  /** System calls, with commas between. */
  readonly calls: string;
  readonly error: string;
  /** From which on they fail, and all after it; counted from 1 within a thread. Default: 1. */
  readonly from?: number;
  /** Only calls that concern this file. Default: all. */
  readonly path?: string;
}

export function refusing(audit: AuditFolder, { calls, error, from = 1, path }: Fault): readonly string[] {
  const only = path === undefined ? [] : ["-P", join(audit.folder, path)];
  return ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=${error}:when=${from}+`, ...only];
}

/** What that call would be refused with. */
export function faultAt({ call, path, ordinal }: KillPoint): Fault {
  const error = call.endsWith("sync") || call === "unlink" || call === "rmdir" ? "EIO" : "ENOSPC";
  return { calls: call, error, from: ordinal, path };
}
