/**
 * Damages the files of an audit folder as a bad disk, a careless hand or a half-finished copy would, the same way for the
 * same number, and looks at what the next run makes of it.
 */
import { readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { randomFrom } from "../crash/crash.js";
import { copyOf, prepared } from "./kill.js";
import { askedIn, findings, runs } from "./recovery.js";
import type { AuditFolder } from "./small-audit.js";
import { runProgram } from "./strace.js";

/** What was done, in words; one of: a bit flipped, a file cut off, a file deleted. */
export async function damage(folder: string, seed: number): Promise<string> {
  const random = randomFrom(seed);
  // Neighbouring numbers begin alike.
  for (let count = 0; count < 5; count += 1) random();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  // What decides on reuse half of the time: it is the smaller part of the folder.
  const isState = random() < 0.5;
  const those = files.filter((path) => path.startsWith(join(folder, "traces")) === isState);
  const file = those[Math.floor(random() * those.length)];
  if (file === undefined) throw new Error("there is nothing to damage");
  const bytes = await readFile(file);
  const name = file.slice(folder.length + 1);
  const kind = bytes.length === 0 ? 2 : Math.floor(random() * 3);
  const place = Math.floor(random() * bytes.length);
  if (kind === 0) {
    const bit = 1 << Math.floor(random() * 8);
    bytes[place] = (bytes[place] ?? 0) ^ bit;
    await writeFile(file, bytes);
    return `${name}: a bit of byte ${place} is flipped`;
  }
  if (kind === 1) {
    await truncate(file, place);
    return `${name}: cut off after ${place} of ${bytes.length} bytes`;
  }
  await rm(file);
  return `${name}: deleted`;
}

export interface DamageTest {
  /** Holds `start`, the audit folder of a finished audit. */
  readonly audit: AuditFolder;
  /** What people and programs read of it after another run, byte for byte. */
  readonly views: unknown;
  readonly undisturbed: unknown;
}

/** A finished audit, and what another run makes of it that nobody has damaged. */
export async function damageTest(): Promise<DamageTest> {
  const audit = await prepared();
  expect(await runProgram(audit, { run: 1 })).toMatchObject({ exitCode: 0 });
  await rename(join(audit.folder, ".audit"), join(audit.folder, "start"));
  const copy = await copyOf(audit);
  await rm(join(copy.folder, ".audit/whole-trace.json"));
  expect(await runProgram(copy, { run: 2 })).toMatchObject({ exitCode: 0 });
  const test = { audit, views: await viewsOf(copy), undisturbed: await findings(copy) };
  await copy.remove();
  return test;
}

/**
 * Damages a finished audit and runs again. Whatever was damaged, that run completes with the findings that there were, and
 * with the same pages. What decides on reuse is named when it is damaged, by `verify` and by the run that needs it; only
 * then an agent is asked again.
 */
export async function surviveDamage({ audit, views, undisturbed }: DamageTest, seed: number): Promise<string> {
  const copy = await copyOf(audit);
  try {
    const what = await damage(join(copy.folder, ".audit"), seed);
    const [file = ""] = what.split(": ");
    const before = await runs(copy);
    const isState = file.startsWith("traces/");
    const verified = await runProgram(copy, { run: 2, args: ["verify"] });
    expect(verified.exitCode, what).toBe(isState ? 3 : 0);
    const needed = await neededOutputs(audit);
    const end = await runProgram(copy, { run: 2, args: ["--progress", "plain"] });
    expect(end, `${what}\n${end.stderr}`).toMatchObject({ exitCode: 0 });
    // What is left of earlier runs nobody reads; of anything else it is seen that it is not as it was.
    if (!file.startsWith("runs/")) expect(end.stderr, what).not.toContain("Nothing has changed");
    if (isState) expect(verified.stdout, what).toContain(file);
    if (isState && (!file.includes("objects/") || needed.has(file))) expect(end.stderr, what).toContain(`⚠ ${file}`);
    expect(await findings(copy), what).toEqual(undisturbed);
    const run = (await runs(copy)).find((name) => !before.includes(name));
    const asked = run === undefined ? [] : await askedIn(copy, run);
    if (asked.length > 0) expect(end.stderr, what).toContain("⚠ traces/");
    else if (run !== undefined) expect(await viewsOf(copy), what).toEqual(views);
    expect(await runProgram(copy, { run: 3, args: ["clean"] })).toMatchObject({ exitCode: 0 });
    expect((await runProgram(copy, { run: 3, args: ["verify"] })).stdout, what).toContain("all is as it was written");
    return what;
  } finally {
    await copy.remove();
  }
}

/** Files of outputs that a run reads again: all but what the summary has said, of which the digest is enough. */
async function neededOutputs(audit: AuditFolder): Promise<ReadonlySet<string>> {
  const lines = (await audit.read("start/traces/journal.jsonl")).trim().split("\n");
  const traces = lines.map((line) => JSON.parse(line) as { readonly subject: string; readonly output: string });
  const needed = traces.filter(({ subject }) => subject !== "summary");
  return new Set(needed.map(({ output }) => `traces/objects/${output.slice(0, 2)}/${output.slice(2)}.json`));
}

async function viewsOf(audit: AuditFolder): Promise<unknown> {
  const results = (await readdir(join(audit.folder, ".audit/results"))).map((name) => `results/${name}`);
  const names = ["tasks.json", "full-report.md", "findings.json", ...results].sort();
  return Promise.all(names.map(async (name) => [name, await audit.read(`.audit/${name}`)]));
}
