// agent-va-status.txt: what it says of an agent, and what becomes of those of earlier runs.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStatusFiles, type StatusFiles, statusFile, statusWord } from "../../src/tasks/status-file.js";

let dir: string;
let files: StatusFiles;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "audit-run-words-"));
  files = openStatusFiles(dir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function onDisk(): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), "utf8")] as const)),
  );
}

test("it says in a line whether the agent works, is done, or why it has failed", async () => {
  expect(statusWord(null)).toBe("RUNNING");
  expect(statusWord({ outcome: "executed" })).toBe("DONE");
  const failure = { code: "agent-failed", message: "claude died:\n\t  no  luck" } as const;
  expect(statusWord({ outcome: "failed", failure })).toBe("FAILED: claude died: no luck");
  expect(statusWord({ outcome: "cancelled" })).toBe("FAILED: the run was stopped");
  const long = { ...failure, message: "x".repeat(10_000) };
  expect(statusWord({ outcome: "failed", failure: long }).length).toBeLessThan(600);
  await files.write("VA", "RUNNING");
  await files.write("VA", "DONE");
  expect(await onDisk()).toEqual({ "agent-va-status.txt": "DONE\n" });
});

test("where it cannot be written, nobody is harmed", async () => {
  const nowhere = openStatusFiles(join(dir, "nowhere"));
  await nowhere.begin();
  await nowhere.write("VA", "DONE");
  await nowhere.sort(new Map());
  expect(await onDisk()).toEqual({});
});

test("who was at work in a run that was killed is so no more", async () => {
  await files.write("VA", "RUNNING");
  await files.write("TX", "DONE");
  await openStatusFiles(dir).begin();
  expect(await onDisk()).toEqual({
    "agent-tx-status.txt": "DONE\n",
    "agent-va-status.txt": "FAILED: its run was killed\n",
  });
});

test("a run leaves what is still true, and nothing of tasks that are to run or are no more; other files are not its own", async () => {
  for (const task of ["runs", "done", "aside", "gone"]) await files.write(task, "FAILED: it died");
  await writeFile(join(dir, "agent-mine-status.txt"), "my notes");
  const next = openStatusFiles(dir);
  await next.begin();
  await next.sort(
    new Map([
      ["runs", "runs"],
      ["done", "done"],
      ["aside", "left-alone"],
      ["never-ran", "done"],
    ]),
  );
  expect(await onDisk()).toEqual({
    "agent-aside-status.txt": "FAILED: it died\n",
    "agent-done-status.txt": "DONE\n",
    "agent-mine-status.txt": "my notes",
  });
  expect(statusFile("task-1")).toBe("agent-task-1-status.txt");
});
