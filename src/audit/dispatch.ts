/**
 * Whether a task may start, and what follows when the agent's service refuses it: it waits, and fewer run at a time, or
 * nothing starts any more. Decisions are those of graph/budget.ts and graph/pace.ts; knows no agent.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { LoopControls } from "../execution/loop.js";
import type { Pools } from "../execution/pools.js";
import { usedUp } from "../graph/budget.js";
import { answered, type Pauses, refused, startingPace } from "../graph/pace.js";
import type { Budget } from "../model/config.js";
import type { AuditEvent } from "../model/events.js";
import type { AuditNode, NodeEnd } from "../model/graph.js";
import type { Failure, FailureCode } from "../model/result.js";
import type { Ledger } from "../model/spending.js";

export interface Dispatch {
  /** Why nothing new starts; null: it may. @param starting a task wants to. */
  refusal(starting?: boolean): Failure | null;
  /**
   * Works on a task: again, after a pause in which it holds no place, as long as the agent's service refuses and there is
   * patience left. The node holds its places when this is called, and when it resolves.
   */
  run(node: AuditNode, signal: AbortSignal, work: () => Promise<NodeEnd>): Promise<NodeEnd>;
  /** To be called once the loop tells how to interfere. */
  open(controls: Pick<LoopControls, "halt">): void;
  /** Ends a pause that nobody waits for any more. */
  close(): void;
}

export interface DispatchOptions {
  readonly pools: Pools;
  /** Agents at a time, at most. */
  readonly places: number;
  /** What the agent is called. */
  readonly agent: string;
  readonly budget: Budget | null;
  readonly ledger: Ledger;
  /** Milliseconds of pauses without an answer. */
  readonly patience: number;
  readonly emit: (event: AuditEvent) => void;
  /** Of the run. */
  readonly signal: AbortSignal;
  /** Injected by tests. Must not throw; ends early when the signal is aborted. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** The service had no time for it: what was asked may be asked again. */
const refusing: ReadonlySet<FailureCode> = new Set(["agent-rate-limited", "agent-overloaded"]);
/** Comes out the same for every task. */
const hopeless: ReadonlySet<FailureCode> = new Set(["agent-auth", "agent-not-found", "agent-too-old"]);
/** A task that failed for one of these was answered by the service all the same. */
const answering: ReadonlySet<FailureCode> = new Set(["answer-invalid", "agent-budget", "agent-turns"]);

export function openDispatch(options: DispatchOptions): Dispatch {
  const { pools, agent, budget, ledger, emit } = options;
  const pauses: Pauses = { first: 15_000, longest: 300_000, patience: options.patience };
  const ending = new AbortController();
  const over = AbortSignal.any([options.signal, ending.signal]);
  const { pause = pauseFor } = options;
  let pace = startingPace(options.places);
  /** The last pause. */
  let pausing = { ended: Promise.resolve(), length: 0 };
  let controls: Pick<LoopControls, "halt"> | null = null;
  let halted: Failure | null = null;
  /** Tasks that have stepped aside. */
  let waiting = 0;

  const halt = (failure: Failure, starting = false): void => {
    if (halted !== null) return;
    halted = failure;
    const left = waiting + (starting ? 1 : 0) + (controls?.halt(failure) ?? 0);
    // Where nothing was left to start, nobody misses anything.
    if (left > 0) emit({ type: "warning", message: `${failure.message}; nothing new starts` });
    // Nobody waits any longer for what will not be asked.
    ending.abort();
  };

  const refusal = (starting = false): Failure | null => {
    const why = halted === null && budget !== null ? usedUp(budget, ledger.total, ledger.estimated) : null;
    if (why !== null) halt({ code: "agent-budget", message: why }, starting);
    return halted;
  };

  const resized = (before: number): void => {
    if (pace.places === before) return;
    pools.resize("agent", pace.places);
    emit({ type: "pace", places: pace.places, most: pace.most });
  };

  /** False: patience is used up. */
  const slowDown = (began: number): boolean => {
    const before = pace.places;
    const next = refused(pace, began, pauses);
    pace = next.pace;
    resized(before);
    if (next.pause !== null) {
      pausing = { ended: pause(next.pause, over), length: next.pause };
      pools.hold("agent", pausing.ended);
    }
    return !next.isOver;
  };

  const speedUp = (began: number): void => {
    const before = pace.places;
    pace = answered(pace, began);
    resized(before);
  };

  /** @param waited milliseconds that this task has waited for the service already. */
  const attempt = async (
    node: AuditNode,
    signal: AbortSignal,
    work: () => Promise<NodeEnd>,
    waited: number,
  ): Promise<NodeEnd> => {
    if (halted !== null) return { outcome: "cancelled", failure: halted };
    if (signal.aborted) return { outcome: "cancelled", failure: stoppedWaiting };
    const began = pace.epoch;
    const end = await work();
    const { failure } = end;
    if (failure === undefined || answering.has(failure.code)) speedUp(began);
    const reason = refusal();
    if (failure === undefined || signal.aborted) return end;
    if (hopeless.has(failure.code)) {
      // One says what is wrong; the others end for the same reason.
      if (reason?.code === failure.code) return { ...end, outcome: "cancelled", failure: reason };
      halt({ code: failure.code, message: failure.message });
    }
    if (!refusing.has(failure.code)) return end;
    if (reason !== null) return { ...end, outcome: "cancelled", failure: reason };
    if (!slowDown(began)) {
      halt({ code: failure.code, message: `the service of ${agent} refuses, and patience is used up` });
      return end;
    }
    if (waited >= pauses.patience) return end;
    const { ended, length } = pausing;
    const how = `it waits up to ${Math.ceil(length / 1000)} s; ${pace.places} of ${pace.most} run at a time`;
    emit({ type: "progress", node: node.id, message: `${failure.message}: ${how}` });
    waiting += 1;
    const again = () => {
      waiting -= 1;
      return attempt(node, signal, work, waited + length);
    };
    return pools.stepAside(node.pools, () => unless(signal, ended), again);
  };

  return {
    refusal,
    run: (node, signal, work) => attempt(node, signal, work, 0),
    open(given) {
      controls = given;
      if (halted !== null) given.halt(halted);
    },
    close: () => ending.abort(),
  };
}

const stoppedWaiting: Failure = { code: "aborted", message: "it was stopped while it waited for the agent's service" };

async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Ends when the signal is aborted, too. */
async function unless(signal: AbortSignal, until: Promise<void>): Promise<void> {
  if (signal.aborted) return;
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener("abort", stop, { once: true });
  await Promise.race([until, stopped]);
  signal.removeEventListener("abort", stop);
}
