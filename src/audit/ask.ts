/**
 * Asks something of the audit that runs in a folder, from another terminal: leaves a request and waits a little for the
 * answer. Takes no lock and starts nothing.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Holder, lockHolder } from "../execution/lock.js";
import { leaveRequest, takeAnswer, withdrawRequest } from "../execution/requests.js";
import type { Answer, AuditRequested } from "../model/request.js";
import { requestsFolder } from "./run-folder.js";

export type Asked =
  /** No audit runs here. */
  | { readonly kind: "idle" }
  | { readonly kind: "answered"; readonly run: string; readonly answer: Answer }
  /** The run has it, or will have it, and has said nothing in time. */
  | { readonly kind: "left"; readonly run: string }
  /** The run ended before it took the request, which is withdrawn. */
  | { readonly kind: "ended"; readonly run: string };

export interface Patience {
  /** Milliseconds to wait for the answer; 0: none. */
  readonly wait: number;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** Milliseconds between looks for the answer, and every how many looks the run is looked for. */
const pause = 50;
const looksPerSign = 10;

/** @param dir the audit folder */
export async function askRun(dir: string, asked: AuditRequested, patience: Patience): Promise<Asked> {
  const run = await runningHere(dir);
  if (run === null) return { kind: "idle" };
  const folder = requestsFolder(dir, run);
  const id = await leaveRequest(folder, asked, patience.now());
  for (let look = 1; (look - 1) * pause < patience.wait && !patience.signal.aborted; look += 1) {
    const answer = await takeAnswer(folder, id);
    if (answer !== null) return { kind: "answered", run, answer };
    if (look % looksPerSign === 0 && (await runningHere(dir)) !== run) return withdrawn(folder, id, run);
    await sleep(pause, undefined, { signal: patience.signal }).catch(() => undefined);
  }
  return { kind: "left", run };
}

/** It may have been taken and answered just before the end. */
async function withdrawn(folder: string, id: string, run: string): Promise<Asked> {
  const isWithdrawn = await withdrawRequest(folder, id);
  const answer = isWithdrawn ? null : await takeAnswer(folder, id);
  return answer === null ? { kind: "ended", run } : { kind: "answered", run, answer };
}

/** Id of the run that goes on in this audit folder; null where none does. */
async function runningHere(dir: string): Promise<string | null> {
  return (await runHolder(dir))?.run ?? null;
}

export function runHolder(dir: string): Promise<Holder | null> {
  return lockHolder(join(dir, "run.lock"));
}
