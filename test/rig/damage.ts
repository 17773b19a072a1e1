/**
 * Damages the files of an audit folder as a bad disk, a careless hand or a half-finished copy would, the same way for the
 * same number, and looks at what the next run makes of it.
 */
import { cp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { randomFrom } from "../crash/crash.js";
import { askedIn, findings, runs } from "./recovery.js";
import type { AuditFolder } from "./small-audit.js";

/** What was done, in words; one of: a bit flipped, a file cut off, a file deleted. */
export async function damage(folder: string, seed: number): Promise<string> {
  const random = randomFrom(seed);
  // Neighbouring numbers begin alike.
  for (let count = 0; count < 5; count += 1) random();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // Evidence packs are nearly all of it, and nobody reads them again: one file in three is of the state.
    .filter((file) => random() < 0.15 || !file.includes("/evidence/"))
    .sort();
  const file = files[Math.floor(random() * files.length)];
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

/**
 * From a finished audit: damages it and runs again. That run has to complete with the findings that a clean one has;
 * only damaged traces make it ask an agent again. `verify` notices what happened to them, and `clean` mends it.
 */
export async function surviveDamage(audit: AuditFolder, seed: number, undisturbed: unknown): Promise<void> {
  const folder = join(audit.folder, ".audit");
  const kept = join(audit.folder, "kept");
  await rm(folder, { recursive: true, force: true });
  await cp(kept, folder, { recursive: true });
  const before = await runs(audit);
  const what = await damage(folder, seed);
  const verified = await audit.run("verify");
  // Of a journal that was cut off between two lines, outputs are left that no line names.
  const noticed = what.startsWith("traces/") ? /damaged\. |unused/ : /all is as it was written/;
  expect(verified.stdout, what).toMatch(noticed);
  const end = await audit.run("--progress", "plain");
  expect(end, `${what}\n${end.stderr}`).toMatchObject({ exitCode: 0 });
  expect(await findings(audit), what).toEqual(undisturbed);
  const run = (await runs(audit)).find((name) => !before.includes(name)) ?? "";
  const asked = await askedIn(audit, run);
  if (asked.length > 0) expect(what).toMatch(/^traces\//);
  if (what.startsWith("traces/journal.jsonl: a bit")) expect(end.stderr, what).toContain("journal.jsonl");
  expect(await audit.run("clean")).toMatchObject({ exitCode: 0 });
  expect((await audit.run("verify")).stdout, what).toContain("all is as it was written");
}
