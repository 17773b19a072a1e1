/**
 * One audit-run at a time in an audit folder: run.lock names the process that holds it.
 * A holder that was killed is taken over; nobody has to unlock by hand.
 */
import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { failed, ok, type Result } from "../model/result.js";
import { processEntry } from "../support/process-table.js";
import { isRun } from "./runs.js";

export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells this process from a later one with the same number; null where the system does not say. */
  readonly startTime: string | null;
  readonly since: string;
  /** Id of its run; null where it holds the folder for something else. */
  readonly run: string | null;
  readonly token: string;
}

/** Resolves to the function that gives the lock back. Failure code: state-locked. */
export async function acquireLock(
  file: string,
  now: () => Date,
  run: string | null = null,
): Promise<Result<() => Promise<void>>> {
  const own: Holder = {
    pid: process.pid,
    host: hostname(),
    startTime: processEntry(process.pid)?.startTime ?? null,
    since: now().toISOString(),
    run,
    token: randomBytes(12).toString("hex"),
  };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await create(file, own)) return ok(() => release(file, own));
    const text = await readFile(file, "utf8").catch(() => null);
    if (text === null) continue;
    const holder = parse(text);
    if (holder !== null && isAlive(holder)) return heldBy(holder, file);
    await putAside(file, text);
  }
  return failed("state-locked", `${file} changes hands all the time`, { hint: "Run again." });
}

/** Who holds the lock and is alive; null where nobody does. */
export async function lockHolder(file: string): Promise<Holder | null> {
  const holder = parse(await readFile(file, "utf8").catch(() => ""));
  return holder !== null && isAlive(holder) ? holder : null;
}

/** For those who only read: fails where a run is under way, and takes nothing. Failure code: state-locked. */
export async function checkLock(file: string): Promise<Result<void>> {
  const holder = await lockHolder(file);
  return holder === null ? ok(undefined) : heldBy(holder, file);
}

function heldBy(holder: Holder, file: string): Result<never> {
  return failed(
    "state-locked",
    `Process ${holder.pid} on ${holder.host} has been running this audit since ${holder.since}`,
    {
      hint:
        holder.host === hostname()
          ? "Wait until it has ended, or end it; a killed run is taken over by the next one."
          : `Wait until it has ended. If that host is no more, delete ${file}.`,
    },
  );
}

/** Written first and linked then: nobody ever reads half a holder, and takes it for none. */
async function create(file: string, holder: Holder): Promise<boolean> {
  const draft = `${file}.${holder.token}`;
  await writeFile(draft, JSON.stringify(holder));
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Another process may have taken over in between: what was moved is put back unless it is what was read. */
async function putAside(file: string, text: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString("hex")}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  if ((await readFile(aside, "utf8").catch(() => null)) !== text) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function release(file: string, own: Holder): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text !== null && parse(text)?.token === own.token) await rm(file, { force: true });
}

function parse(text: string): Holder | null {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    if (typeof value?.host !== "string" || typeof value.token !== "string") return null;
    // Zero and negative numbers mean groups of processes, of which there always are some.
    if (typeof value.pid !== "number" || !Number.isInteger(value.pid) || value.pid < 1) return null;
    const run = isRun(value.run) ? value.run : null;
    return { startTime: null, since: "an unknown time", ...value, run } as Holder;
  } catch {
    return null;
  }
}

/** On another host nobody can tell, so it counts as alive. */
function isAlive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  if (!processExists(holder.pid)) return false;
  const found = processEntry(holder.pid);
  if (found === null) return true;
  return !found.isZombie && (holder.startTime === null || found.startTime === holder.startTime);
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
