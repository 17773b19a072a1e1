/**
 * The tasks of the last export, for commands: what the disk refuses of a claim is a failure with a next step. Knows no command,
 * and no rule of claims.
 */
import { failed, type Result } from "../model/result.js";
import { diskRefusal } from "../support/disk-refusal.js";
import type { Coordination } from "./coordination.js";

export function tellingRefusals(coordination: Coordination): Coordination {
  return {
    shared: coordination.shared,
    list: () => told(coordination.list()),
    next: () => told(coordination.next()),
    claim: (request) => told(coordination.claim(request)),
    heartbeat: (request) => told(coordination.heartbeat(request)),
    release: (request) => told(coordination.release(request)),
    end: (request, how) => told(coordination.end(request, how)),
  };
}

async function told<Value>(work: Promise<Result<Value>>): Promise<Result<Value>> {
  try {
    return await work;
  } catch (error) {
    const failure = diskRefusal(error);
    if (failure === null) throw error;
    return failed(failure.code, failure.message, failure.hint === undefined ? {} : { hint: failure.hint });
  }
}
