import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runId } from "../../src/audit/run-folder.js";
import { oldRuns, pruneRuns } from "../../src/execution/runs.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-runs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const now = new Date("2026-06-30T12:00:00Z");
const daysAgo = (days: number): string => runId(new Date(now.getTime() - days * 24 * 60 * 60 * 1000));

test("the newest twenty runs stay, however old they are", () => {
  const names = Array.from({ length: 25 }, (_, index) => daysAgo(400 + index));
  expect(oldRuns(names, now)).toEqual(names.slice(20).reverse());
});

test("runs of the last thirty days stay, however many there are", () => {
  const names = Array.from({ length: 100 }, (_, index) => daysAgo(index / 4));
  expect(oldRuns(names, now)).toEqual([]);
  expect(oldRuns([...names, daysAgo(31)], now)).toEqual([daysAgo(31)]);
});

test("a clock that was set back removes nothing", () => {
  const names = Array.from({ length: 30 }, (_, index) => daysAgo(-10 - index));
  expect(oldRuns(names, now)).toEqual([]);
});

test("only folders that a run has made are removed", async () => {
  const runs = join(folder, "runs");
  const names = Array.from({ length: 22 }, (_, index) => daysAgo(40 + index));
  for (const name of names) await mkdir(join(runs, name, "tasks"), { recursive: true });
  await mkdir(join(runs, "keep-20250101"));
  await mkdir(join(folder, "elsewhere"));
  await symlink(join(folder, "elsewhere"), join(runs, daysAgo(500)));
  await writeFile(join(runs, daysAgo(501)), "a file of that name");
  expect(await pruneRuns(folder, now)).toEqual(names.slice(20).reverse());
  expect((await readdir(runs)).sort()).toEqual(
    [...names.slice(0, 20), "keep-20250101", daysAgo(500), daysAgo(501)].sort(),
  );
  expect(await readdir(folder)).toContain("elsewhere");
});

test("where nothing has run there is nothing to remove", async () => {
  expect(await pruneRuns(join(folder, "absent"), now)).toEqual([]);
});
