// Claims by many processes at once, some of which are killed or stopped.
import { once } from "node:events";
import { expect, test } from "vitest";
import { claimAll, claimants, ended } from "../rig/claimants.js";

test("eight processes claim 300 tasks: nothing twice, nothing lost", async () => {
  const { claimed, completed } = await claimAll({ tasks: 300, processes: 8, kills: 0 });
  expect(claimed).toHaveLength(300);
  expect(new Set(claimed).size).toBe(300);
  expect([...completed].sort()).toEqual([...claimed].sort());
});

test("though some are killed, every task is completed, and none is said to be twice", async () => {
  const { completed, killed } = await claimAll({ tasks: 200, processes: 6, kills: 4 });
  expect(killed).toBeGreaterThan(0);
  expect(new Set(completed).size).toBe(completed.length);
  // What a killed one had completed and not noted is no note.
  expect(completed.length).toBeGreaterThanOrEqual(200 - killed);
});

test("a process that is stopped for longer than its lease is fenced when it goes on", async () => {
  const many = await claimants(1);
  try {
    const paused = many.start("paused", 300, "hold");
    await once(paused.stdout ?? paused, "data");
    paused.kill("SIGSTOP");
    await ended(many.start("quick", 60_000));
    paused.kill("SIGCONT");
    paused.stdin?.write("go on\n");
    await ended(paused);
    const notes = await many.notes();
    expect(
      notes
        .filter(({ what }) => what !== "claimed")
        .map(({ what, token }) => `${what} ${token}`)
        .sort(),
    ).toEqual(["completed 2", "fenced 1"]);
  } finally {
    await many.remove();
  }
});
