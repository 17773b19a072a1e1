// What of an agent's activity reaches the event log: everything of a quiet one, bounded of one that chatters.
import { describe, expect, test } from "vitest";
import type { AgentActivity, Usage } from "../../src/model/agent.js";
import { activityFilter } from "../../src/tasks/activity.js";

const says: AgentActivity = { type: "says", text: "hm" };
const started: AgentActivity = { type: "started", model: null, version: "a 1", conversation: null };
const ended: AgentActivity = { type: "ended", outcome: "ok", message: "done" };
const spent = (more: Partial<Usage>): AgentActivity => ({
  type: "spent",
  usage: { input: 1, output: 0, cached: 0, cost: null, turns: 1, ...more },
});

function filtered() {
  let now = 0;
  const told: { readonly activity: AgentActivity; readonly leftOut: number }[] = [];
  const filter = activityFilter(
    (activity, leftOut) => told.push({ activity, leftOut }),
    () => now,
  );
  return {
    ...filter,
    told,
    pass: (milliseconds: number): void => {
      now += milliseconds;
    },
  };
}

const inputOf = (told: readonly { readonly activity: AgentActivity }[]): number =>
  told.reduce((sum, { activity }) => sum + (activity.type === "spent" ? activity.usage.input : 0), 0);

describe("the activity of an agent", () => {
  test("that is quiet is told as it is, in its order", () => {
    const agent = filtered();
    const all = [started, says, spent({}), says, ended];
    for (const activity of all) {
      agent.take(activity);
      agent.pass(1_000);
    }
    expect(agent.told).toEqual(all.map((activity) => ({ activity, leftOut: 0 })));
  });

  test("that chatters is told in part, and how much is missing stands where it is missing", () => {
    const agent = filtered();
    for (let count = 0; count < 1_000; count += 1) agent.take(says);
    const atOnce = agent.told.length;
    expect(atOnce).toBeLessThan(100);
    agent.pass(1_000);
    agent.take(says);
    expect(agent.told).toHaveLength(atOnce + 1);
    expect(agent.told.at(-1)?.leftOut).toBe(1_000 - atOnce);
    agent.take(ended);
    expect(agent.told.at(-1)).toEqual({ activity: ended, leftOut: 0 });
  });

  test("that goes on for days fills no log, and its beginnings and ends are told all the same", () => {
    const agent = filtered();
    for (let count = 0; count < 20_000; count += 1) {
      agent.take(says);
      agent.pass(1_000);
    }
    expect(agent.told.length).toBeLessThan(10_000);
    agent.take(ended);
    agent.take(started);
    expect(agent.told.slice(-2).map(({ activity }) => activity.type)).toEqual(["ended", "started"]);
  });

  test("is never left out where it is money", () => {
    const agent = filtered();
    for (let count = 0; count < 10_000; count += 1) agent.take(spent({ cost: count % 2 === 0 ? 0.5 : null }));
    agent.flush();
    expect(agent.told.length).toBeLessThan(100);
    expect(inputOf(agent.told)).toBe(10_000);
    const cost = agent.told.reduce(
      (sum, { activity }) => sum + (activity.type === "spent" ? (activity.usage.cost ?? 0) : 0),
      0,
    );
    expect(cost).toBe(2_500);
    agent.flush();
    expect(inputOf(agent.told)).toBe(10_000);
  });

  test("whose cost nobody states has none", () => {
    const agent = filtered();
    for (let count = 0; count < 100; count += 1) agent.take(spent({}));
    agent.take(ended);
    expect(agent.told.every(({ activity }) => activity.type !== "spent" || activity.usage.cost === null)).toBe(true);
    expect(inputOf(agent.told)).toBe(100);
  });
});
