import { expect, test } from "vitest";
import { openDispatch } from "../../src/audit/dispatch.js";
import { openLedger } from "../../src/audit/ledger.js";
import { createPools } from "../../src/execution/pools.js";
import type { Budget } from "../../src/model/config.js";
import type { AuditEvent } from "../../src/model/events.js";
import type { AuditNode, NodeEnd } from "../../src/model/graph.js";
import type { Failure, FailureCode } from "../../src/model/result.js";

const done: NodeEnd = { outcome: "executed" };
const failing = (code: FailureCode, message: string = code): NodeEnd => ({
  outcome: "failed",
  failure: { code, message },
});
const limited = failing("agent-rate-limited", "too many requests");

/** Lets everything that is ready to go on go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Tasks on some places, whose attempts and pauses end when the test says so. */
function dispatching({ places = 4, patience = 1_800_000, budget = null as Budget | null, left = 1 } = {}) {
  const events: AuditEvent[] = [];
  const halts: Failure[] = [];
  const pauses: { readonly length: number; readonly end: () => void }[] = [];
  const attempts: { readonly task: string; readonly end: (end: NodeEnd) => void }[] = [];
  const run = new AbortController();
  const ledger = openLedger(budget);
  const pools = createPools({ agent: places, slots: 99, warehouse: 1 });
  const dispatch = openDispatch({
    ...{ pools, places, agent: "claude", budget, ledger, patience, signal: run.signal },
    emit: (event) => events.push(event),
    pause: (length, signal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve());
        pauses.push({ length, end: resolve });
      }),
  });
  dispatch.open({
    halt: (failure) => {
      halts.push(failure);
      return left;
    },
  });
  return {
    ...{ events, halts, ledger, dispatch, pauses },
    running: () => attempts.map(({ task }) => task),
    start(task: string, signal: AbortSignal = run.signal): Promise<NodeEnd> {
      const node: AuditNode = { id: `investigate:${task}`, kind: "investigate", pools: ["agent", "slots"] };
      const work = () => new Promise<NodeEnd>((end) => attempts.push({ task, end }));
      return pools.use(node.pools, () => dispatch.run(node, signal, work));
    },
    /** The first attempt of those that run, or of a task. */
    async end(end: NodeEnd, task?: string): Promise<void> {
      const at = task === undefined ? 0 : attempts.findIndex((each) => each.task === task);
      attempts.splice(at, 1)[0]?.end(end);
      await turn();
    },
    async endPause(): Promise<number | undefined> {
      const pause = pauses.shift();
      pause?.end();
      await turn();
      return pause?.length;
    },
    async abort(): Promise<void> {
      run.abort();
      await turn();
    },
  };
}

const paces = (events: readonly AuditEvent[]) =>
  events.flatMap((event) => (event.type === "pace" ? [event.places] : []));

test("a task that is refused waits without a place, is asked again, and only half as many run meanwhile", async () => {
  const rig = dispatching({ places: 4 });
  const ends = ["a", "b", "c", "d", "e", "f"].map((task) => rig.start(task));
  await turn();
  expect(rig.running()).toEqual(["a", "b", "c", "d"]);
  await rig.end(limited, "a");
  // Three run, and two places are left of four: nobody takes the one that it gave back.
  expect([rig.running(), paces(rig.events)]).toEqual([["b", "c", "d"], [2]]);
  await rig.end(limited, "b");
  await rig.end(done, "c");
  expect([rig.running(), paces(rig.events), rig.pauses.length]).toEqual([["d"], [2], 1]);
  expect(await rig.endPause()).toBe(15_000);
  expect(rig.running()).toEqual(["d", "e"]);
  await rig.end(done, "d");
  await rig.end(done, "e");
  for (const task of ["f", "a", "b"]) await rig.end(done, task);
  expect(await Promise.all(ends)).toEqual([done, done, done, done, done, done]);
  expect(paces(rig.events)).toEqual([2, 3]);
  expect(rig.halts).toEqual([]);
});

test("nobody asks while a pause is on, whoever has a place", async () => {
  const rig = dispatching({ places: 2 });
  const ends = ["a", "b"].map((task) => rig.start(task));
  await turn();
  await rig.end(limited, "a");
  await rig.end(done, "b");
  const third = rig.start("c");
  await turn();
  expect(rig.running()).toEqual([]);
  await rig.endPause();
  expect(rig.running()).toHaveLength(1);
  await rig.end(done);
  await rig.end(done);
  expect(await Promise.all([...ends, third])).toEqual([done, done, done]);
});

test("pauses get longer while nothing is answered; then patience ends, one task fails, and nothing new starts", async () => {
  const rig = dispatching({ places: 2, patience: 50_000 });
  const ends = ["a", "b", "c"].map((task) => rig.start(task));
  await turn();
  const lengths: (number | undefined)[] = [];
  while (rig.halts.length === 0) {
    while (rig.running().length > 0) await rig.end(limited);
    if (rig.pauses.length > 0) lengths.push(await rig.endPause());
  }
  while (rig.running().length > 0) await rig.end(limited);
  const outcomes = (await Promise.all(ends)).map(({ outcome }) => outcome).sort();
  expect([lengths, outcomes]).toEqual([
    [15_000, 30_000, 5_000],
    ["cancelled", "cancelled", "failed"],
  ]);
  expect(rig.halts).toMatchObject([{ code: "agent-rate-limited" }]);
});

test("a task that is refused again and again while others are answered fails alone", async () => {
  const rig = dispatching({ places: 1, patience: 20_000 });
  const unlucky = rig.start("a");
  await turn();
  for (let round = 0; round < 9 && !rig.events.some(({ type }) => type === "settled"); round += 1) {
    if (rig.running()[0] !== "a") break;
    const other = rig.start(`other-${round}`);
    await rig.end(limited);
    await rig.endPause();
    await rig.end(done);
    await other;
    await turn();
  }
  expect(await unlucky).toEqual(limited);
  expect([rig.halts, rig.dispatch.refusal()]).toEqual([[], null]);
});

test("where nobody is logged in one task fails, the others that ran are cancelled for that reason, and nothing starts", async () => {
  for (const code of ["agent-auth", "agent-not-found", "agent-too-old"] as const) {
    const rig = dispatching({ places: 2 });
    const ends = ["a", "b", "c"].map((task) => rig.start(task));
    await turn();
    await rig.end(failing(code, "nobody is logged in"));
    await rig.end(failing(code, "nobody is logged in"));
    const reason = { code, message: "nobody is logged in" };
    expect(await Promise.all(ends)).toEqual([
      failing(code, "nobody is logged in"),
      { outcome: "cancelled", failure: reason },
      { outcome: "cancelled", failure: reason },
    ]);
    expect([rig.halts, rig.running()]).toEqual([[reason], []]);
    expect(rig.events.filter(({ type }) => type === "warning")).toHaveLength(1);
  }
});

test("who waits for the service waits no longer when nothing starts any more", async () => {
  const rig = dispatching({ places: 2, left: 0 });
  const ends = ["a", "b"].map((task) => rig.start(task));
  await turn();
  await rig.end(limited, "a");
  await rig.end(failing("agent-auth", "the login has ended"), "b");
  const reason = { code: "agent-auth", message: "the login has ended" };
  expect(await Promise.all(ends)).toMatchObject([{ outcome: "cancelled", failure: reason }, { outcome: "failed" }]);
  // The one that waited was left.
  expect(rig.events.filter(({ type }) => type === "warning")).toHaveLength(1);
});

test("a budget that is used up halts at the end of a task, also where nothing came of it; what runs finishes", async () => {
  const rig = dispatching({ places: 2, budget: { audit: 5, task: null, tokens: null } });
  const ends = ["a", "b", "c"].map((task) => rig.start(task));
  await turn();
  rig.ledger.note("a", { input: 1, output: 1, cached: 0, cost: 6, turns: 1 });
  await rig.end(failing("answer-invalid"));
  expect([rig.running(), rig.halts.map(({ code }) => code)]).toEqual([["b"], ["agent-budget"]]);
  await rig.end(done);
  expect((await Promise.all(ends)).map(({ outcome }) => outcome)).toEqual(["failed", "executed", "cancelled"]);
});

test("a budget that the last task has used up is no news: nothing was left to start", async () => {
  const budget = { audit: 5, task: null, tokens: null };
  const rig = dispatching({ budget, left: 0 });
  const end = rig.start("a");
  await turn();
  rig.ledger.note("a", { input: 1, output: 1, cached: 0, cost: 6, turns: 1 });
  await rig.end(done);
  expect([await end, rig.events]).toEqual([done, []]);
  expect(rig.dispatch.refusal(true)).toMatchObject({ code: "agent-budget" });
});

test("a task that finds the budget used up when it starts says so", () => {
  const rig = dispatching({ budget: { audit: 5, task: null, tokens: null }, left: 0 });
  rig.ledger.note("a", { input: 1, output: 1, cached: 0, cost: 6, turns: 1 });
  rig.dispatch.refusal(true);
  expect(rig.events).toMatchObject([{ type: "warning" }]);
});

test("who runs when the budget is used up, and is refused, is asked no more", async () => {
  const rig = dispatching({ places: 1, budget: { audit: 5, task: null, tokens: null } });
  const end = rig.start("a");
  await turn();
  rig.ledger.note("a", { input: 1, output: 1, cached: 0, cost: 6, turns: 1 });
  await rig.end(limited);
  expect(await end).toMatchObject({ outcome: "cancelled", failure: { code: "agent-budget" } });
  expect(rig.pauses).toEqual([]);
});

test("a task that is stopped while it waits, and a run that is, wait no longer", async () => {
  const rig = dispatching({ places: 2 });
  const stop = new AbortController();
  const ends = [rig.start("a", stop.signal), rig.start("b")];
  await turn();
  await rig.end(limited);
  await rig.end(limited);
  stop.abort();
  await turn();
  await rig.abort();
  expect((await Promise.all(ends)).map(({ outcome }) => outcome)).toEqual(["cancelled", "cancelled"]);
  expect(rig.running()).toEqual([]);
});
