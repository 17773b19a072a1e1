/** Names and folders of one run in the audit folder. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../support/files.js";

export interface AuditFolders {
  readonly root: string;
  readonly traces: string;
  readonly slots: string;
  readonly scratch: string;
  readonly results: string;
  readonly claims: string;
  readonly tasksFile: string;
  readonly lockFile: string;
  readonly run: string;
}

/** `20260203-141500123`: sorts by time. A folder has one run at a time, and no two in a millisecond. */
export function runId(now: Date): string {
  return now
    .toISOString()
    .replaceAll(/[-:.Z]/g, "")
    .replace("T", "-");
}

export function auditFolders(root: string, run: string): AuditFolders {
  return {
    root,
    traces: join(root, "traces"),
    slots: join(root, "slots"),
    scratch: join(root, "scratch"),
    results: join(root, "results"),
    claims: join(root, "claims"),
    tasksFile: join(root, "tasks.json"),
    lockFile: join(root, "run.lock"),
    run: join(root, "runs", run),
  };
}

/** Where other terminals leave what they ask of a run. */
export function requestsFolder(root: string, run: string): string {
  return join(root, "runs", run, "requests");
}

export async function makeFolders(folders: AuditFolders): Promise<void> {
  for (const folder of [folders.run, folders.results, folders.scratch, folders.slots]) {
    await makeFolder(folder);
  }
  // Nothing in it is meant to be committed; who does want something removes the line, and it stays removed.
  await writeFile(join(folders.root, ".gitignore"), "*\n", { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
