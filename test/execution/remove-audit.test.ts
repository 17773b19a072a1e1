import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeAudit } from "../../src/execution/remove-audit.js";
import { openTraceStore } from "../../src/execution/traces.js";

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "audit-run-remove-"));
  folder = join(root, ".audit");
  const store = await openTraceStore(join(folder, "traces"));
  if (!store.ok) throw new Error(store.failure.message);
  const trace = { subject: "a", fingerprint: "f", parts: {}, observed: {}, run: "r", at: "2026-02-03T00:00:00Z" };
  await store.value.commit(trace, { finding: "a" });
  await store.value.close();
  await write(
    "tasks.json",
    JSON.stringify({ tasks: [{ result: "results/VA.md" }, { result: null, node: "investigate:TX" }] }),
  );
  // TX has failed, and its page says so.
  for (const path of ["results/TX.md", "results/TX.json", "whole-trace.json"]) await write(path, "x");
  for (const path of ["results/VA.md", "results/VA.json", "results/.tmp-12-ab", ".gitignore", "last-run.json"])
    await write(path, "*\n");
  for (const path of ["full-report.md", "findings.json", "runs/20260203-141500123/events.jsonl", "run.lock"])
    await write(path, "x");
  await write("agent-va-status.txt", "DONE\n");
  await write("tmux.json", "{}");
  for (const path of ["dbt-target/compiled/a.sql", "slots/archive/slot-1/dbt.patch", "scratch/duckdb-7-0af/x.duckdb"])
    await write(path, "x");
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

async function files(): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

test("nothing of an audit is left but the lock, which its holder gives back", async () => {
  expect(await removeAudit(folder)).toEqual([]);
  expect(await readdir(folder)).toEqual(["run.lock"]);
});

test("files of the user stay, wherever they are, and are named", async () => {
  const own = [
    "agent-of-mine-status.txt",
    "notes.md",
    "results/VA-comments.md",
    "runs/2025/events.jsonl",
    "scratch/query.sql",
    "slots/readme.txt",
    "traces/journal-backup.jsonl",
    "traces/objects/00/notes.json",
  ];
  for (const path of own) await write(path, "mine");
  expect(await removeAudit(folder)).toEqual([
    "agent-of-mine-status.txt",
    "notes.md",
    "results",
    "runs",
    "scratch",
    "slots",
    "traces",
  ]);
  expect(await files()).toEqual([...own, "run.lock"].sort());
});

test("slots that the ledger lists stay with it, and what agents changed", async () => {
  await write("slots/ledger.json", JSON.stringify({ version: 1, slots: [{ number: 1, paths: {} }] }));
  await write("slots/1/dbt/model.sql", "x");
  expect(await removeAudit(folder)).toEqual(["slots"]);
  expect(await files()).toEqual([
    "run.lock",
    "slots/1/dbt/model.sql",
    "slots/archive/slot-1/dbt.patch",
    "slots/ledger.json",
  ]);
});

test("no link is followed", async () => {
  const elsewhere = join(root, "elsewhere");
  const inside = ["20260203-141500123", "journal.jsonl", "VA.md", "duckdb-7-0af"];
  for (const name of ["runs", "traces", "results", "dbt-target", "scratch", "slots"]) {
    await rm(join(folder, name), { recursive: true });
    for (const each of inside) await mkdir(join(elsewhere, name, each), { recursive: true });
    await symlink(join(elsewhere, name), join(folder, name));
  }
  const before = await readdir(elsewhere, { recursive: true });
  await removeAudit(folder);
  expect(await readdir(elsewhere, { recursive: true })).toEqual(before);
});
