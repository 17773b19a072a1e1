import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Task } from "../../src/model/task.js";
import { createTaskList } from "../../src/tasks/task-list.js";
import { caseOf } from "../rig/cases.js";

let file: string;
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), "audit-run-tasks-")), "tasks.json");
});
afterEach(() => rm(join(file, ".."), { recursive: true }));

const task = (id: string, ...tests: string[]): Task => ({
  id,
  title: id,
  axis: "group",
  cases: tests.map((name) => caseOf(name, id, 3)),
});
const open = (today = "2026-02-03") =>
  createTaskList({
    file,
    project: "dbt-audit",
    today,
    tasks: [
      { task: task("VA", "total_wrong", "duplicate"), status: "pending" },
      { task: task("TX", "duplicate"), status: "completed" },
    ],
  });
const read = async () => JSON.parse(await readFile(file, "utf8"));

test("tasks.json has the pattern's shape, and counts", async () => {
  await open();
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
  });
});

test("all updates are there after a flush, however many came at once", async () => {
  const list = await open();
  for (let time = 0; time < 100; time += 1) list.update("VA", "in_progress");
  list.update("VA", "failed");
  await list.flush();
  expect((await read()).tasks[0]).toMatchObject({ status: "failed", owner: "agent-va", result: null });
});

test("the day on which the audit was created stays, unless the file is no longer ours", async () => {
  await open("2026-02-03");
  await open("2026-03-04");
  expect((await read()).created).toBe("2026-02-03");
  await writeFile(file, "{ edited by hand");
  await open("2026-03-04");
  expect((await read()).created).toBe("2026-03-04");
});
