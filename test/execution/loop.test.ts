import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LoopControls, type LoopOptions, runGraph, type Stage } from "../../src/execution/loop.js";
import { createPools } from "../../src/execution/pools.js";
import { compile, expansion, union } from "../../src/graph/compile.js";
import type { AuditEvent } from "../../src/model/events.js";
import type { AuditGraph, Edge, NodeEnd, Outcome } from "../../src/model/graph.js";
import type { Failure } from "../../src/model/result.js";
import { graphOf } from "../rig/graph.js";

/** Shows nothing. */
const stage: Stage = { add: () => undefined, run: (_, work) => work(), end: async () => undefined };

/** A run whose nodes end when the test says so: order needs no sleeps. */
function start(graph: AuditGraph, more: Partial<LoopOptions> = {}) {
  const events: AuditEvent[] = [];
  const controller = new AbortController();
  const open = new Map<string, (end: NodeEnd) => void>();
  const signals = new Map<string, AbortSignal>();
  const waiting = new Map<string, () => void>();
  const done = runGraph({
    graph,
    runNode: (node, signal) =>
      new Promise<NodeEnd>((resolve) => {
        open.set(node.id, resolve);
        signals.set(node.id, signal);
        waiting.get(node.id)?.();
      }),
    pools: createPools({ agent: 8, slots: 2, warehouse: 2 }),
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
    signals,
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

/** A run that has come to its investigations `a`, `b` and `c`, of which two may run at a time. */
async function investigating(more: Partial<LoopOptions> = {}) {
  let controls: LoopControls | undefined;
  const run = start(compile(), {
    ...more,
    controls: (given) => {
      controls = given;
    },
  });
  for (const node of ["setup", "summary"]) await run.end(node);
  const tasks = ["a", "b", "c"].map((id) => ({ id, pools: ["slots"] as const }));
  await run.end("export", { outcome: "executed", adds: expansion(tasks) });
  await run.started("investigate:b");
  if (controls === undefined) throw new Error("the loop told no controls");
  return { ...run, controls };
}

/** Lets everything that is ready to go on go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const died: NodeEnd = { outcome: "failed", failure: { code: "agent-failed", message: "died" } };
const asked: Failure = { code: "stopped", message: "somebody asked for it" };

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

test("ten thousand reused nodes are one event, and the stage and the pools do not hear of them", async () => {
  const reused = Array.from({ length: 10_000 }, (_, index) => `investigate:${index}`);
  const staged: string[] = [];
  const run = start(compile(), { stage: { ...stage, add: (node) => staged.push(node) } });
  for (const node of ["setup", "summary"]) await run.end(node);
  await run.end("export", { outcome: "executed", adds: expansion([{ id: "VA", pools: ["slots"] }]), reused });
  for (const node of ["investigate:VA", "collect", "cleanup"]) await run.end(node);
  const ends = await outcomes(run.done);
  expect(Object.values(ends).filter((outcome) => outcome === "reused")).toHaveLength(10_000);
  expect(run.events.filter((event) => event.type === "reused")).toEqual([{ type: "reused", nodes: reused }]);
  expect(run.events.length).toBeLessThan(20);
  expect(staged).toEqual(["setup", "summary", "export", "collect", "cleanup", "investigate:VA"]);
});

describe("a single node", () => {
  test("that runs is stopped by its own signal, and the others go on", async () => {
    const run = await investigating();
    expect(run.controls.stop("investigate:a", asked)).toBe("running");
    expect(run.signals.get("investigate:a")?.reason).toBe(asked);
    expect(run.signals.get("investigate:b")?.aborted).toBe(false);
    await run.end("investigate:a", { outcome: "cancelled", failure: asked });
    for (const node of ["investigate:b", "investigate:c", "collect", "cleanup"]) await run.end(node);
    expect(await outcomes(run.done)).toMatchObject({ "investigate:a": "cancelled", "investigate:c": "executed" });
  });

  test("that waits for a place is cancelled at once, with the reason, and never runs", async () => {
    const run = await investigating();
    expect(run.controls.stop("investigate:c", asked)).toBe("waiting");
    expect(run.events.at(-1)).toMatchObject({ node: "investigate:c", outcome: "cancelled", failure: asked });
    for (const node of ["investigate:a", "investigate:b", "collect", "cleanup"]) await run.end(node);
    expect(await outcomes(run.done)).toMatchObject({ "investigate:c": "cancelled", collect: "executed" });
    expect(run.events).not.toContainEqual({ type: "started", node: "investigate:c" });
  });

  test("that failed runs once more, and collect waits for it", async () => {
    const run = await investigating();
    await run.end("investigate:a", died);
    await run.end("investigate:c");
    await turn();
    expect(run.controls.failed()).toEqual(["investigate:a"]);
    expect(run.controls.retry("investigate:a")).toBe("reopened");
    expect(run.controls.retry("investigate:a")).toBe("open");
    await run.end("investigate:b");
    await run.end("investigate:a");
    for (const node of ["collect", "cleanup"]) await run.end(node);
    expect(await outcomes(run.done)).toMatchObject({ "investigate:a": "executed", collect: "executed" });
    expect(
      run.events.flatMap((event) => ("node" in event && event.node === "investigate:a" ? [event.type] : [])),
    ).toEqual(["started", "settled", "reopened", "started", "settled"]);
  });

  test("that was stopped while it waited can be taken up again, and runs once", async () => {
    const run = await investigating();
    run.controls.stop("investigate:c", asked);
    expect(run.controls.retry("investigate:c")).toBe("reopened");
    for (const node of ["investigate:a", "investigate:b", "investigate:c", "collect", "cleanup"]) await run.end(node);
    expect(await outcomes(run.done)).toMatchObject({ "investigate:c": "executed" });
    expect(run.events.filter((event) => event.type === "started" && event.node === "investigate:c")).toHaveLength(1);
  });

  test("is not opened again when it ended well, is not there, or collect has begun", async () => {
    const run = await investigating();
    await run.end("investigate:a", died);
    await run.end("investigate:b");
    await turn();
    expect(run.controls.retry("investigate:b")).toBe("well");
    expect(run.controls.retry("investigate:z")).toBe("unknown");
    await run.end("investigate:c");
    await run.started("collect");
    expect(run.controls.retry("investigate:a")).toBe("late");
    expect(run.controls.stop("investigate:a", asked)).toBe("settled");
    expect(run.controls.stop("investigate:z", asked)).toBe("unknown");
    for (const node of ["collect", "cleanup"]) await run.end(node);
    expect(await outcomes(run.done)).toMatchObject({ "investigate:a": "failed" });
  });

  test("is not opened again after the run was stopped", async () => {
    const run = await investigating();
    await run.end("investigate:a", died);
    await turn();
    run.abort();
    expect(run.controls.retry("investigate:a")).toBe("late");
    for (const node of ["investigate:b", "investigate:c"]) await run.end(node, { outcome: "cancelled" });
    for (const node of ["collect", "cleanup"]) await run.end(node);
    expect(await outcomes(run.done)).toMatchObject({ "investigate:a": "failed", "investigate:c": "cancelled" });
  });
});

test("whatever is stopped and opened again, the run ends, no node runs twice at once, and none before what it needs", async () => {
  const ends: Outcome[] = ["executed", "failed", "cancelled"];
  const edge = fc.tuple(fc.nat(9), fc.nat(9), fc.constantFrom("needs", "after", "order"));
  const step = fc.record({
    pick: fc.nat(),
    act: fc.constantFrom("end", "end", "stop", "retry", "abort"),
    end: fc.constantFrom(...ends),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }),
      fc.array(edge, { maxLength: 20 }),
      fc.array(step, { maxLength: 60 }),
      async (size, pairs, steps) => {
        const nodes = Array.from({ length: size }, (_, index) => ({
          id: `n${index}`,
          kind: "investigate" as const,
          pools: index % 2 === 0 ? (["slots"] as const) : [],
        }));
        const edges = pairs
          .filter(([from, to]) => from < to && to < size)
          .map(([from, to, kind]): Edge => ({ from: `n${from}`, to: `n${to}`, kind: kind as Edge["kind"] }));
        const running = new Map<string, (end: NodeEnd) => void>();
        const last = new Map<string, Outcome>();
        const controller = new AbortController();
        let controls: LoopControls | undefined;
        const done = runGraph({
          graph: { nodes, edges },
          runNode: ({ id }) => {
            expect(running.has(id)).toBe(false);
            for (const { from, kind } of edges.filter(({ to }) => to === id)) {
              expect(last.get(from)).toBeDefined();
              if (kind !== "after") expect(last.get(from)).toBe("executed");
            }
            return new Promise((resolve) => running.set(id, resolve));
          },
          pools: createPools({ agent: 8, slots: 1, warehouse: 1 }),
          stage,
          emit: (event) => {
            if (event.type === "settled") last.set(event.node, event.outcome);
            if (event.type === "reopened") last.delete(event.node);
          },
          signal: controller.signal,
          clock: () => 0,
          controls: (given) => {
            controls = given;
          },
        });
        const end = (pick: number, outcome: Outcome): void => {
          const [id, resolve] = [...running][pick % Math.max(1, running.size)] ?? [];
          if (id === undefined) return;
          running.delete(id);
          resolve?.(outcome === "executed" ? { outcome } : { outcome: outcome as "failed", failure: asked });
        };
        for (const { pick, act, end: outcome } of steps) {
          await turn();
          if (act === "end") end(pick, outcome);
          if (act === "stop") controls?.stop(`n${pick % size}`, asked);
          if (act === "retry") controls?.retry(`n${pick % size}`);
          if (act === "abort" && pick % 7 === 0) controller.abort();
        }
        let over = false;
        const ended = done.finally(() => {
          over = true;
        });
        while (!over) {
          end(0, "executed");
          await turn();
        }
        const settled = await ended;
        expect([...settled.keys()].sort()).toEqual(nodes.map(({ id }) => id).sort());
        for (const [id, { outcome }] of settled) expect(last.get(id)).toBe(outcome);
      },
    ),
  );
});

test("a run that is halted cancels what waits at once and says why, lets what runs finish, and collects", async () => {
  const { controls, ...run } = await investigating();
  expect(controls.halt(asked)).toBe(1);
  const cancelled = () => run.events.filter((event) => event.type === "settled" && event.outcome === "cancelled");
  expect(cancelled()).toMatchObject([{ node: "investigate:c", failure: asked }]);
  expect(controls.halt(asked)).toBe(0);
  expect([cancelled().length, controls.retry("investigate:c")]).toEqual([1, "late"]);
  for (const node of ["investigate:a", "investigate:b", "collect", "cleanup"]) await run.end(node);
  expect(await outcomes(run.done)).toMatchObject({
    "investigate:a": "executed",
    "investigate:c": "cancelled",
    collect: "executed",
    cleanup: "executed",
  });
});
