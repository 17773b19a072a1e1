import { expect, test } from "vitest";
import { type LoopOptions, runGraph, type Stage } from "../../src/execution/loop.js";
import { createPools } from "../../src/execution/pools.js";
import { compile, expansion, union } from "../../src/graph/compile.js";
import type { AuditEvent } from "../../src/model/events.js";
import type { AuditGraph, NodeEnd } from "../../src/model/graph.js";
import { graphOf } from "../rig/graph.js";

/** Shows nothing. */
const stage: Stage = { add: () => undefined, run: (_, work) => work(), end: async () => undefined };

/** A run whose nodes end when the test says so: order needs no sleeps. */
function start(graph: AuditGraph, more: Partial<LoopOptions> = {}) {
  const events: AuditEvent[] = [];
  const controller = new AbortController();
  const open = new Map<string, (end: NodeEnd) => void>();
  const waiting = new Map<string, () => void>();
  const done = runGraph({
    graph,
    runNode: (node) =>
      new Promise<NodeEnd>((resolve) => {
        open.set(node.id, resolve);
        waiting.get(node.id)?.();
      }),
    pools: createPools({ slots: 2, warehouse: 2 }),
    stage,
    emit: (event) => events.push(event),
    signal: controller.signal,
    clock: () => 0,
    ...more,
  });
  const started = async (id: string): Promise<void> => {
    if (!open.has(id)) await new Promise<void>((resolve) => waiting.set(id, resolve));
  };
  return {
    events,
    done,
    abort: () => controller.abort(),
    running: () => [...open.keys()],
    started,
    /** Waits until the node runs, then ends it. */
    async end(id: string, end: NodeEnd = { outcome: "executed" }): Promise<void> {
      await started(id);
      const resolve = open.get(id);
      open.delete(id);
      resolve?.(end);
    },
  };
}

const outcomes = async (done: ReturnType<typeof runGraph>) =>
  Object.fromEntries([...(await done)].map(([node, end]) => [node, end.outcome]));

test("an audit runs from setup to cleanup, with the nodes that export adds", async () => {
  const run = start(compile());
  await run.end("setup");
  await run.end("summary");
  await run.end("export", {
    outcome: "executed",
    adds: expansion([
      { id: "VA", pools: ["slots"] },
      { id: "TX", pools: ["slots"] },
    ]),
  });
  await run.end("investigate:TX", { outcome: "failed", failure: { code: "agent-failed", message: "died" } });
  await run.end("investigate:VA");
  await run.end("collect");
  await run.end("cleanup");
  expect(await outcomes(run.done)).toEqual({
    setup: "executed",
    summary: "executed",
    export: "executed",
    "investigate:VA": "executed",
    "investigate:TX": "failed",
    collect: "executed",
    cleanup: "executed",
  });
  expect(run.events.filter((event) => event.type === "settled")).toHaveLength(7);
});

test("a pool holds no more nodes than it has places, and starts them in the order given", async () => {
  const graph = expansion(["a", "b", "c"].map((id) => ({ id, pools: ["slots"] })));
  const run = start({ nodes: graph.nodes, edges: [] });
  await run.end("investigate:a");
  await run.end("investigate:c");
  expect(run.running()).toEqual(["investigate:b"]);
  await run.end("investigate:b");
  expect(Object.values(await outcomes(run.done))).toEqual(["executed", "executed", "executed"]);
  const started = run.events.flatMap((event) => (event.type === "started" ? [event.node] : []));
  expect(started).toEqual(["investigate:a", "investigate:b", "investigate:c"]);
});

test("after an abort what waits is cancelled, what runs is awaited, and cleanup runs", async () => {
  const run = start(
    graphOf("setup ~> summary -> export -> collect, setup => cleanup, summary => cleanup, collect => cleanup"),
  );
  await run.end("setup");
  await run.started("summary");
  run.abort();
  await run.end("summary", { outcome: "cancelled" });
  await run.end("cleanup");
  expect(await outcomes(run.done)).toEqual({
    setup: "executed",
    summary: "cancelled",
    export: "cancelled",
    collect: "cancelled",
    cleanup: "executed",
  });
});

test("a bug in a node's work ends the run and is not mistaken for a failure", async () => {
  const done = start(graphOf("setup ~> summary"), {
    runNode: async () => {
      throw new Error("BUG: planted");
    },
  }).done;
  await expect(done).rejects.toThrow("BUG: planted");
});

test("fail-fast starts nothing after the first failure, lets what runs finish, and still collects", async () => {
  const investigations = expansion(["a", "b", "c"].map((id) => ({ id, pools: ["slots"] })));
  const graph = union(compile(), investigations);
  const run = start(graph, { failFast: true });
  for (const node of ["setup", "summary", "export"]) await run.end(node);
  await run.started("investigate:b");
  await run.end("investigate:a", { outcome: "failed", failure: { code: "agent-failed", message: "died" } });
  await run.end("investigate:b");
  await run.end("collect");
  await run.end("cleanup");
  expect(await outcomes(run.done)).toMatchObject({
    "investigate:a": "failed",
    "investigate:b": "executed",
    "investigate:c": "cancelled",
    collect: "executed",
    cleanup: "executed",
  });
});
