/** Names and folders of one run in the audit folder. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

export interface AuditFolders {
  readonly root: string;
  readonly traces: string;
  readonly slots: string;
  readonly scratch: string;
  readonly results: string;
  readonly tasksFile: string;
  readonly lockFile: string;
  readonly run: string;
}

/** `20260203-141500-x7f3`: sorts by time, and two runs in one second differ. */
export function runId(now: Date, random: string): string {
  const [day = "", time = ""] = now.toISOString().split("T");
  return `${day.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}-${random}`;
}

export function auditFolders(root: string, run: string): AuditFolders {
  return {
    root,
    traces: join(root, "traces"),
    slots: join(root, "slots"),
    scratch: join(root, "scratch"),
    results: join(root, "results"),
    tasksFile: join(root, "tasks.json"),
    lockFile: join(root, "run.lock"),
    run: join(root, "runs", run),
  };
}

export async function makeFolders(folders: AuditFolders): Promise<void> {
  for (const folder of [folders.run, folders.results, folders.scratch, folders.slots]) {
    await mkdir(folder, { recursive: true });
  }
}
