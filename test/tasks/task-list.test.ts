import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Catalogue, TaskState } from "../../src/model/claim.js";
import { createdBefore, openTaskList } from "../../src/tasks/task-list.js";
import { publishedTask } from "../rig/claims.js";

let dir: string;
let states: Map<string, TaskState>;
let warnings: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "audit-run-tasks-"));
  states = new Map();
  warnings = [];
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true });
});

const catalogue: Catalogue = {
  version: 1,
  project: "dbt-audit",
  created: "2026-02-03",
  run: "run",
  edition: 1,
  floor: 0,
  tasks: [
    publishedTask("VA", { number: 1, tests: ["total_wrong", "duplicate"], size: 2, failures: 6 }),
    publishedTask("TX", { number: 2, tests: ["duplicate"], size: 1, failures: 3 }),
  ],
  order: ["VA", "TX"],
  tests: {},
};
const free: TaskState = { status: "pending", owner: null, by: null, token: null, until: null };
const open = () =>
  openTaskList({
    file: join(dir, "tasks.json"),
    turns: join(dir, "claims"),
    look: async () => ({ catalogue, states: new Map(states) }),
    warn: (message) => warnings.push(message),
  });
const read = async () => JSON.parse(await readFile(join(dir, "tasks.json"), "utf8"));

test("tasks.json has the pattern's shape, and counts", async () => {
  await mkdir(join(dir, "results"));
  await writeFile(join(dir, "results/TX.md"), "");
  states.set("TX", { ...free, status: "completed" });
  await open().refresh();
  expect(await read()).toEqual({
    project: "dbt-audit",
    created: "2026-02-03",
    tasks: [
      {
        id: 1,
        state: "VA",
        tests: ["total_wrong", "duplicate"],
        status: "pending",
        owner: null,
        result: null,
        node: "investigate:VA",
        cases: 2,
        failures: 6,
      },
      {
        id: 2,
        state: "TX",
        tests: ["duplicate"],
        status: "completed",
        owner: "agent-tx",
        result: "results/TX.md",
        node: "investigate:TX",
        cases: 1,
        failures: 3,
      },
    ],
    sum: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

test("a task that an agent has completed has its owner's name, and no page before a run has written it", async () => {
  states.set("TX", { ...free, status: "completed", owner: "swarm-7", by: "agent" });
  await open().refresh();
  expect((await read()).tasks[1]).toMatchObject({ status: "completed", owner: "swarm-7", result: null });
});

test("whatever changed before a refresh is there after it, however many ask at once and however many processes there are", async () => {
  const lists = [open(), open(), open()];
  await Promise.all(
    Array.from({ length: 30 }, async (_, time) => {
      states.set("VA", { ...free, status: "in_progress", owner: `agent-${time}`, by: "agent", token: time + 1 });
      await lists[time % 3]?.refresh();
    }),
  );
  states.set("VA", { ...free, status: "failed", owner: "agent-va", by: "run" });
  await Promise.all(lists.map((list) => list.refresh()));
  expect((await read()).tasks[0]).toMatchObject({ status: "failed", owner: "agent-va", result: null });
  expect(warnings).toEqual([]);
});

test("a file that is as it should be is not written again", async () => {
  await open().refresh();
  const { ino } = await stat(join(dir, "tasks.json"));
  await open().refresh();
  expect((await stat(join(dir, "tasks.json"))).ino).toBe(ino);
});

test("a process that was suspended for a year writes at once, unless another has had a turn since", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const year = 365 * 24 * 3_600_000;
  let looks = 0;
  const suspended = (while_: () => Promise<void>) =>
    openTaskList({
      file: join(dir, "tasks.json"),
      turns: join(dir, "claims"),
      look: async () => {
        looks += 1;
        // It has its turn when it looks for the second time.
        if (looks % 2 === 0) await while_();
        return { catalogue, states: new Map(states) };
      },
      warn: (message) => warnings.push(message),
    });
  await suspended(async () => void vi.setSystemTime(Date.now() + year)).refresh();
  expect((await read()).tasks[0]).toMatchObject({ status: "pending" });
  states.set("VA", { ...free, status: "failed" });
  const others = async () => {
    vi.setSystemTime(Date.now() + year);
    await writeFile(join(dir, "claims", `.turn-${Math.floor(Date.now() / 250) - 20}`), "");
  };
  await suspended(others).refresh();
  expect((await read()).tasks[0]).toMatchObject({ status: "pending" });
});

test("an edit by hand is noticed and loses", async () => {
  await open().refresh();
  const text = await readFile(join(dir, "tasks.json"), "utf8");
  for (const edited of [text.replace('"pending"', '"completed"'), "{ half", "", "[]", "null"]) {
    await writeFile(join(dir, "tasks.json"), edited);
    await open().refresh();
    expect(await readFile(join(dir, "tasks.json"), "utf8")).toBe(text);
    expect(warnings.splice(0)).toEqual([expect.stringContaining("edited by hand")]);
  }
});

test("the day on which an audit was created is told by its file, unless it is none of ours", async () => {
  await open().refresh();
  expect(await createdBefore(join(dir, "tasks.json"))).toBe("2026-02-03");
  await writeFile(join(dir, "tasks.json"), "{ edited by hand");
  expect(await createdBefore(join(dir, "tasks.json"))).toBeNull();
});
