/**
 * How a run shares its tasks with agents that it did not start: it claims what it investigates, waits for what others hold,
 * and takes up what they hand in while it lasts.
 */
import { ownerOf } from "../tasks/task-list.js";
import { type TakeUpContext, takeUpAll } from "./take-up.js";

export type Taken =
  | { readonly kind: "taken" }
  /** An agent has completed it meanwhile. */
  | { readonly kind: "completed" }
  | { readonly kind: "held"; readonly owner: string; readonly until: string | null; readonly token: number | null };

export interface Sharing {
  /** Claims a task for this run. */
  take(task: string): Promise<Taken>;
  /** Resolves when nobody else holds the task any more, or the signal is aborted. */
  free(task: string, signal: AbortSignal): Promise<void>;
  settle(task: string, how: "completed" | "failed" | "released"): Promise<void>;
  /** Ends the sharing: tasks.json is as it stays. */
  close(): Promise<void>;
}

export interface SharingOptions extends TakeUpContext {
  /** Told of tasks that agents have completed. */
  readonly onCompleted: (task: string) => Promise<void>;
  readonly warn: (message: string) => void;
}

/** Milliseconds between two looks at what others do. */
const interval = 250;

export function startSharing(options: SharingOptions): Sharing {
  const { shared, session } = options;
  const { claims } = shared;
  const tokens = new Map<string, number>();
  let waiters: (() => void)[] = [];
  let isClosed = false;

  const named = async (id: string) => {
    const catalogue = await shared.catalogue();
    const task = catalogue?.tasks.find((each) => each.id === id);
    if (!catalogue || task === undefined) throw new Error(`BUG: the task ${id} was never published`);
    return { task, edition: catalogue.edition };
  };

  const look = async (): Promise<void> => {
    for (const task of await takeUpAll(options)) await options.onCompleted(task);
    const awake = waiters;
    waiters = [];
    for (const wake of awake) wake();
    await shared.refresh();
  };

  // What the disk refuses here must not end the run, and is told once.
  let complained = "";
  const lookAndGoOn = async (): Promise<void> => {
    await look().catch((error: Error) => {
      if (error.message !== complained) options.warn(`claims/ cannot be looked at: ${error.message}`);
      complained = error.message;
    });
  };
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const next = (pause: number): void => {
    timer = setTimeout(() => {
      const start = performance.now();
      looking = lookAndGoOn().then(() => {
        // To look takes time where there are ten thousand tasks; most of the time is for them.
        if (!isClosed) next(Math.max(interval, 4 * (performance.now() - start)));
      });
    }, pause);
  };
  next(interval);

  return {
    async take(id) {
      const { task, edition } = await named(id);
      const claimant = { by: "run", owner: ownerOf(id), run: session.run.id } as const;
      const claimed = await claims.claim([task], claimant, { edition, failedToo: true });
      if (claimed !== null) {
        tokens.set(id, claimed.token);
        return { kind: "taken" };
      }
      const state = (await claims.states([task])).get(id);
      if (state?.status === "completed") return { kind: "completed" };
      const { owner, until = null, token = null } = state ?? { owner: null };
      return { kind: "held", owner: owner ?? "somebody", until, token };
    },

    async free(id, signal) {
      const { task } = await named(id);
      // One for all its looks: a swarm may hold a task for hours.
      let wake = (): void => undefined;
      const onAbort = (): void => wake();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        while (!signal.aborted && !isClosed) {
          const state = (await claims.states([task])).get(id);
          if (state?.status !== "in_progress") return;
          await new Promise<void>((resolve) => {
            wake = resolve;
            waiters.push(resolve);
            // It may have been aborted while the claims were looked at.
            if (signal.aborted) resolve();
          });
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },

    async settle(id, how) {
      const token = tokens.get(id);
      if (token === undefined) return;
      tokens.delete(id);
      const { task } = await named(id);
      await claims.end(task, token, how);
    },

    async close() {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      await looking;
      await lookAndGoOn();
    },
  };
}
