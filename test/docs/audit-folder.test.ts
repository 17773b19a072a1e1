// docs/audit-folder.md names every type of event; its JSON can be read. That its files are there, test/e2e/docs.test.ts says.
import { expect, test } from "vitest";
import type { AuditEvent } from "../../src/model/events.js";
import type { TaskEntry, TasksFile } from "../../src/model/task.js";
import { codeBlocks, document } from "./documents.js";

const page = document("docs/audit-folder.md");

test("every type of event has its row, and no other has one", () => {
  // A new type that is missing here is a type error.
  const types: Record<AuditEvent["type"], true> = {
    "run-started": true,
    added: true,
    reused: true,
    reopened: true,
    request: true,
    started: true,
    progress: true,
    finding: true,
    "at-work": true,
    agent: true,
    pace: true,
    warning: true,
    settled: true,
    "run-settled": true,
  };
  const table = page.text.slice(page.text.indexOf("| type |"), page.text.indexOf("## What makes"));
  const rows = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, type]) => type);
  expect(rows.sort()).toEqual(Object.keys(types).sort());
});

test("the example of tasks.json has the fields that there are", () => {
  const fields: Record<keyof TaskEntry, true> = {
    id: true,
    state: true,
    tests: true,
    status: true,
    owner: true,
    result: true,
    node: true,
    failures: true,
    cases: true,
  };
  const [example] = codeBlocks(page, "json");
  const { tasks, ...rest } = JSON.parse(example?.code ?? "") as TasksFile;
  expect(Object.keys(rest)).toEqual(["project", "created", "sum"]);
  expect(Object.keys(tasks[0] ?? {}).sort()).toEqual(Object.keys(fields).sort());
});
