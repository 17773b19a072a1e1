/**
 * last-run.json: how the last run ended, so that a retry can say what it takes over. Read for words, never for verdicts.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settled } from "../model/graph.js";
import { writeFileAtomic } from "../support/files.js";
import type { Session } from "../tasks/session.js";

export interface LastRun {
  readonly version: 1;
  readonly run: string;
  readonly at: string;
  readonly exitCode: number;
  readonly failed: readonly { readonly node: string; readonly message: string }[];
}

export async function writeLastRun(session: Session, exitCode: number, ends: readonly Settled[]): Promise<void> {
  // Who asked for what there is not has not had a run fail.
  const failed = ends.flatMap(({ node, failure }) =>
    failure === undefined || failure.code === "usage" ? [] : [{ node, message: failure.message }],
  );
  const last: LastRun = { version: 1, run: session.run.id, at: session.run.startedAt.toISOString(), exitCode, failed };
  await writeFileAtomic(fileIn(session.config.dir), `${JSON.stringify(last, null, 2)}\n`);
}

export async function readLastRun(dir: string): Promise<LastRun | null> {
  try {
    const last = JSON.parse(await readFile(fileIn(dir), "utf8")) as LastRun;
    return last.version === 1 ? last : null;
  } catch {
    return null;
  }
}

/** Clocks of machines that share a folder differ by a little. */
const tolerance = 60_000;

/** Reuse knows no times, but `maxAge` and the end of an exception do. */
export function clockComplaint(last: LastRun | null, now: Date): string | null {
  if (last === null || !(Date.parse(last.at) > now.getTime() + tolerance)) return null;
  return `the clock says ${now.toISOString()}, and the last run began at ${last.at}: if the clock is wrong, so is what ends on a day (exceptions, summary.maxAge)`;
}

function fileIn(dir: string): string {
  return join(dir, "last-run.json");
}
