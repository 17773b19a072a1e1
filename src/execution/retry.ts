/**
 * Tries again what may go through the next time. Which failures those are is named by code, in one table.
 * Knows no node.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Failure, FailureCode, Result } from "../model/result.js";

interface Patience {
  /** In all. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; four times as long before each later one. */
  readonly wait: number;
}

/** What is not here fails at once: a refused query or a wrong answer comes out the same each time, and an agent costs money. */
export const transient: Readonly<Partial<Record<FailureCode, Patience>>> = {
  // Somebody else writes to the database file, or the network was away.
  "warehouse-unreachable": { attempts: 4, wait: 1_000 },
  // git or the user's slot command lost a race with another program in the same repository.
  "slot-failed": { attempts: 2, wait: 1_000 },
};

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly onRetry: (failure: Failure, wait: number) => void;
  /** Injected by tests. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export async function withRetries<Value>(
  work: () => Promise<Result<Value>>,
  { signal, onRetry, pause = pauseFor }: RetryOptions,
): Promise<Result<Value>> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await work();
    if (result.ok) return result;
    const patience = transient[result.failure.code];
    if (patience === undefined || attempt >= patience.attempts || signal.aborted) return result;
    const wait = patience.wait * 4 ** (attempt - 1);
    onRetry(result.failure, wait);
    await pause(wait, signal);
  }
}

/** Ends early when the run is stopped; `work` then sees the signal itself. */
async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
