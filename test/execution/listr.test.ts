// The stage on the real listr2: the facts of listr2 that src/execution/listr.ts builds on are pinned here.
import { Listr, type ListrTaskObject, ListrTaskState } from "listr2";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createStage } from "../../src/execution/listr.js";
import type { Settled } from "../../src/model/graph.js";
import type { ProgressView } from "../../src/model/progress.js";

type AnyTask = ListrTaskObject<unknown, never, never>;

let lists: Listr[] = [];
beforeEach(() => {
  lists = [];
  const run = Listr.prototype.run;
  vi.spyOn(Listr.prototype, "run").mockImplementation(function (this: Listr, context) {
    lists.push(this);
    return run.call(this, context);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function taskOf(node: string): AnyTask {
  const task = lists.flatMap((list) => list.tasks as unknown as AnyTask[]).find(({ title }) => title === node);
  if (task === undefined) throw new Error(`no listr2 task ${node}`);
  return task;
}

function recordingView(): ProgressView & { readonly calls: string[] } {
  const calls: string[] = [];
  return { calls, open: () => calls.push("open"), event: () => undefined, close: () => calls.push("close") };
}

const executed = (node: string): Settled => ({ node, outcome: "executed", duration: 1 });
const refused = (node: string): Settled => ({
  node,
  outcome: "failed",
  duration: 1,
  failure: { code: "agent-failed", message: "the agent died" },
});

describe("a stage", () => {
  test("opens its view at once and closes it when it ends", async () => {
    const view = recordingView();
    const stage = await createStage(view);
    expect(view.calls).toEqual(["open"]);
    await stage.end();
    expect(view.calls).toEqual(["open", "close"]);
  });

  test("keeps a node waiting in listr2 until it is run, then shows it as started and completed", async () => {
    const stage = await createStage(recordingView());
    stage.add("setup");
    await turn();
    expect(taskOf("setup").state).toBe(ListrTaskState.WAITING);
    const states: string[] = [];
    const settled = await stage.run("setup", async () => {
      states.push(taskOf("setup").state);
      return executed("setup");
    });
    await stage.end();
    expect(settled).toEqual(executed("setup"));
    expect(states).toEqual([ListrTaskState.STARTED]);
    expect(taskOf("setup").state).toBe(ListrTaskState.COMPLETED);
  });

  test("lets nodes join while it runs, all below one root", async () => {
    const stage = await createStage(recordingView());
    stage.add("export");
    await stage.run("export", async () => {
      stage.add("investigate:VA");
      stage.add("investigate:TX");
      return executed("export");
    });
    const ends = await Promise.all(
      ["investigate:VA", "investigate:TX"].map((node) => stage.run(node, async () => executed(node))),
    );
    await stage.end();
    expect(ends.map(({ node }) => node)).toEqual(["investigate:VA", "investigate:TX"]);
    const roots = lists.filter((list) => list.isRoot());
    expect(roots).toHaveLength(1);
    expect(lists.filter((list) => list.isSubtask()).every((list) => list.parentTask?.listr === roots[0])).toBe(true);
  });

  test("runs what the scheduler started at the same time, with no limit of its own", async () => {
    const stage = await createStage(recordingView());
    const nodes = Array.from({ length: 50 }, (_, index) => `investigate:${index}`);
    for (const node of nodes) stage.add(node);
    let inside = 0;
    let all: () => void = () => undefined;
    const together = new Promise<void>((resolve) => {
      all = resolve;
    });
    await Promise.all(
      nodes.map((node) =>
        stage.run(node, async () => {
          inside += 1;
          if (inside === nodes.length) all();
          await together;
          return executed(node);
        }),
      ),
    );
    await stage.end();
    expect(inside).toBe(50);
  });

  test("hands a failed node to the loop as data, shows it as failed in listr2, and goes on", async () => {
    const stage = await createStage(recordingView());
    stage.add("investigate:VA");
    stage.add("investigate:TX");
    expect(await stage.run("investigate:VA", async () => refused("investigate:VA"))).toEqual(refused("investigate:VA"));
    await stage.run("investigate:TX", async () => executed("investigate:TX"));
    await stage.end();
    expect(taskOf("investigate:VA").state).toBe(ListrTaskState.FAILED);
    expect(taskOf("investigate:TX").state).toBe(ListrTaskState.COMPLETED);
  });

  test("rejects with the exception of a bug and can still be ended", async () => {
    const view = recordingView();
    const stage = await createStage(view);
    stage.add("collect");
    await expect(stage.run("collect", () => Promise.reject(new Error("BUG: no such case")))).rejects.toThrow("BUG");
    await stage.end();
    expect(view.calls).toEqual(["open", "close"]);
  });

  test("never starts a node that was not run, such as a blocked or reused one", async () => {
    const stage = await createStage(recordingView());
    stage.add("cleanup");
    await stage.end();
    expect(taskOf("cleanup").state).toBe(ListrTaskState.WAITING);
    expect(taskOf("cleanup").isEnabled()).toBe(false);
  });

  test("lets a node that has ended join once more, as another task of listr2", async () => {
    const stage = await createStage(recordingView());
    stage.add("investigate:VA");
    await stage.run("investigate:VA", async () => refused("investigate:VA"));
    stage.add("investigate:VA");
    const again = await stage.run("investigate:VA", async () => executed("investigate:VA"));
    await stage.end();
    expect(again).toEqual(executed("investigate:VA"));
    const tasks = lists.flatMap((list) => list.tasks as unknown as AnyTask[]);
    expect(tasks.filter(({ title }) => title === "investigate:VA").map(({ state }) => state)).toEqual([
      ListrTaskState.FAILED,
      ListrTaskState.COMPLETED,
    ]);
  });

  test("waits at its end for the nodes that still run", async () => {
    const view = recordingView();
    const stage = await createStage(view);
    stage.add("summary");
    let finish: (settled: Settled) => void = () => undefined;
    const run = stage.run("summary", () => new Promise((resolve) => (finish = resolve)));
    const end = stage.end();
    await turn();
    expect(view.calls).toEqual(["open"]);
    finish(executed("summary"));
    await run;
    await end;
    expect(view.calls).toEqual(["open", "close"]);
  });

  test("takes no signal handler, so that ours alone answers Ctrl-C", async () => {
    const before = process.listenerCount("SIGINT");
    const stage = await createStage(recordingView());
    stage.add("setup");
    expect(process.listenerCount("SIGINT")).toBe(before);
    await stage.end();
  });

  test("calls a misuse a bug", async () => {
    const stage = await createStage(recordingView());
    expect(() => stage.run("nowhere", async () => executed("nowhere"))).toThrow("BUG");
    stage.add("setup");
    expect(() => stage.add("setup")).toThrow("BUG");
    await stage.run("setup", async () => executed("setup"));
    await expect(stage.run("setup", async () => executed("setup"))).rejects.toThrow("BUG");
    await stage.end();
    expect(() => stage.add("late")).toThrow("BUG");
  });

  test("holds 5,000 nodes", async () => {
    vi.restoreAllMocks();
    const stage = await createStage(recordingView());
    const nodes = Array.from({ length: 5_000 }, (_, index) => `investigate:${index}`);
    for (const node of nodes) stage.add(node);
    const ends = await Promise.all(nodes.map((node) => stage.run(node, async () => executed(node))));
    await stage.end();
    expect(ends).toHaveLength(5_000);
  });
});

/** Lets everything that is ready to go on go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
