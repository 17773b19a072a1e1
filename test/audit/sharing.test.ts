// A run that waits for a task of somebody else's: how it listens for its own end meanwhile.
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Sharing, type SharingOptions, startSharing } from "../../src/audit/sharing.js";
import type { TaskState } from "../../src/model/claim.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const held: TaskState = { status: "in_progress", owner: "agent-7", by: "agent", token: 1, until: null };
const open: TaskState = { ...held, status: "pending", owner: null, by: null, token: null };

/** @param stateAt the task's state at the nth look */
function sharingOf(stateAt: (look: number) => TaskState): { readonly sharing: Sharing; readonly looks: () => number } {
  let looks = 0;
  const shared = {
    catalogue: async () => ({ edition: 1, tasks: [{ id: "VA" }] }),
    claims: { states: async () => new Map([["VA", stateAt(++looks)]]) },
    inbox: { waiting: async () => [] },
    refresh: async () => {},
  };
  const options = { shared, session: {}, onCompleted: async () => {}, warn: () => {} } as unknown as SharingOptions;
  return { sharing: startSharing(options), looks: () => looks };
}

it("has one listener however often it looks, and none when the task is free", async () => {
  const { signal } = new AbortController();
  const listeners: number[] = [];
  const { sharing, looks } = sharingOf((look) => {
    listeners.push(getEventListeners(signal, "abort").length);
    return look <= 20 ? held : open;
  });
  const free = sharing.free("VA", signal);
  while (looks() <= 20) await vi.advanceTimersToNextTimerAsync();
  await free;
  expect(new Set(listeners)).toEqual(new Set([1]));
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await sharing.close();
});

it("ends when the run is stopped, while it waits and while it looks", async () => {
  const waiting = new AbortController();
  const { sharing } = sharingOf(() => held);
  const free = sharing.free("VA", waiting.signal);
  await vi.advanceTimersToNextTimerAsync();
  waiting.abort();
  await free;

  const looking = new AbortController();
  const other = sharingOf(() => {
    looking.abort();
    return held;
  });
  await other.sharing.free("VA", looking.signal);
  await Promise.all([sharing.close(), other.sharing.close()]);
  expect(getEventListeners(waiting.signal, "abort")).toEqual([]);
});
