/**
 * The nodes of a run as tasks of one Listr2: the only home of listr2.
 * Knows neither which node may start (the loop's schedule and pools do) nor what a person sees (the view does).
 *
 * Facts of listr2 9.0.5 that shape this (its dist/index.js):
 * - `Listr.run` maps over `this.tasks` once: what `root.add()` brings while it runs is listed and never started
 *   (https://github.com/listr2/listr2/pull/734). So the root holds one task that stays open as long as the run,
 *   and each node joins as a list of one below that task.
 * - Before it starts a task, `Task.check` awaits its `enabled`, and until then the task is WAITING. So `enabled` is the
 *   gate that our scheduler opens. A node whose gate is shut instead is disabled and never runs.
 * - A list below the root inherits the root's renderer and would draw a second time, hence `silentRendererCondition`.
 * - The default renderer repaints every row at every event (1,000 tasks: minutes of CPU), so ours is a view of events.
 */
import type { NodeId, Settled } from "../model/graph.js";
import type { ProgressView } from "../model/progress.js";
import type { Stage } from "./loop.js";

type Body = () => Promise<void>;

/** Opens the view. The stage's `end()` waits for what runs and closes it; nodes that were never run stay waiting. */
export async function createStage(view: ProgressView): Promise<Stage> {
  const { Listr } = await import("listr2");
  const gates = new Map<NodeId, Deferred<Body | null>>();
  const lists: Promise<unknown>[] = [];
  /** May join once more: a task of listr2 runs once, so each time it is a new one. */
  const over = new Set<NodeId>();
  const finish = defer<void>();
  let ended = false;

  class ViewRenderer {
    static readonly rendererOptions = {};
    static readonly rendererTaskOptions = {};
    /** Else listr2 takes another renderer wherever stdout is no terminal. Ours writes to stderr and decides itself. */
    static readonly nonTTY = true;
    readonly render = (): void => view.open();
    readonly end = (): void => view.close();
  }

  const options = { renderer: ViewRenderer, concurrent: true, exitOnError: false, registerSignalListeners: false };
  const untilTheEnd = async (): Promise<void> => {
    await finish.promise;
    await Promise.all(lists);
  };
  const root = new Listr([{ title: "nodes", task: untilTheEnd }], options);
  const parent = root.tasks[0];
  const running = root.run();

  return {
    add(node) {
      if (ended) throw new Error(`BUG: ${node} joins a stage that has ended`);
      if (gates.has(node) && !over.delete(node)) throw new Error(`BUG: ${node} joins the stage twice`);
      const gate = defer<Body | null>();
      gates.set(node, gate);
      const task = {
        title: node,
        enabled: async () => (await gate.promise) !== null,
        task: async () => (await gate.promise)?.(),
      };
      lists.push(new Listr(task, { ...options, silentRendererCondition: true }, parent).run());
    },

    run(node, work) {
      const gate = gates.get(node);
      if (gate === undefined) throw new Error(`BUG: ${node} is not on the stage`);
      return new Promise<Settled>((resolve, reject) => {
        const first = gate.settle(async () => {
          try {
            const settled = await work();
            over.add(node);
            resolve(settled);
            // With exitOnError off, this tells listr2 how the node ended and stops nothing else.
            if (settled.outcome === "failed") throw new Error(settled.failure?.message ?? "failed");
          } catch (error) {
            reject(error); // Of no effect where the promise is resolved already.
            throw error;
          }
        });
        if (!first) reject(new Error(`BUG: ${node} is run twice, or after the end of the stage`));
      });
    },

    async end() {
      ended = true;
      for (const gate of gates.values()) gate.settle(null);
      finish.settle();
      await running;
    },
  };
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  /** Only the first call counts; says whether this was it. */
  readonly settle: (value: Value) => boolean;
}

function defer<Value>(): Deferred<Value> {
  let settled = false;
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolvePromise) => {
    resolve = resolvePromise;
  });
  const settle = (value: Value): boolean => {
    if (settled) return false;
    settled = true;
    resolve(value);
    return true;
  };
  return { promise, settle };
}
