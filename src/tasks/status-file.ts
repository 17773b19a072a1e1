/**
 * agent-va-status.txt in the audit folder: how one agent stands, in a word, as the pattern has it. A view: events.jsonl and
 * traces/ know it too, nothing reads it back but this file, and what the disk refuses of it harms nobody.
 */
import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NodeEnd } from "../model/graph.js";
import { temporaryPrefix } from "../support/files.js";
import { ownerOf } from "./task-list.js";

export function statusFile(task: string): string {
  return `${ownerOf(task)}-status.txt`;
}

const longestReason = 500;

/** @param end null while the agent is at work. */
export function statusWord(end: NodeEnd | null): string {
  if (end === null) return "RUNNING";
  if (end.outcome === "executed" || end.outcome === "reused") return "DONE";
  const reason = end.failure?.message ?? "the run was stopped";
  return `FAILED: ${reason.slice(0, longestReason).replaceAll(/\s+/g, " ").trim()}`;
}

/** A reader finds the old word or the new one. @param word see `statusWord`; redacted. */
export async function writeStatusFile(dir: string, task: string, word: string): Promise<void> {
  await write(dir, statusFile(task), word).catch(() => undefined);
}

/** Nobody is at work when a run begins: who was, was killed with the one before. */
export async function endStatusFiles(dir: string): Promise<void> {
  for (const name of await statusFilesIn(dir)) {
    const isRunning = (await wordIn(dir, name)) === "RUNNING";
    if (isRunning) await write(dir, name, "FAILED: its run was killed").catch(() => undefined);
  }
}

/**
 * What there is from earlier runs is made true of this one, which has just learned its tasks: those that still have to run
 * have no file until they do, and tasks that are no more have none.
 * @param tasks every task of the audit, and what becomes of it.
 */
export async function sortStatusFiles(
  dir: string,
  tasks: ReadonlyMap<string, "runs" | "done" | "left-alone">,
): Promise<void> {
  const names = await statusFilesIn(dir);
  if (names.length === 0) return;
  const plans = new Map([...tasks].map(([task, plan]) => [statusFile(task), plan]));
  for (const name of names) {
    const plan = plans.get(name) ?? "runs";
    if (plan === "runs") await rm(join(dir, name), { force: true }).catch(() => undefined);
    else if (plan === "done" && (await wordIn(dir, name)) !== "DONE")
      await write(dir, name, "DONE").catch(() => undefined);
  }
}

/** Those that are ours: by their name, and by how they begin. */
async function statusFilesIn(dir: string): Promise<readonly string[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => /^agent-.+-status\.txt$/.test(name));
  const own: string[] = [];
  for (const name of names) {
    if (/^(RUNNING|DONE|FAILED: )/.test(await wordIn(dir, name))) own.push(name);
  }
  return own;
}

async function wordIn(dir: string, name: string): Promise<string> {
  return (await readFile(join(dir, name), "utf8").catch(() => "")).trim();
}

async function write(dir: string, name: string, word: string): Promise<void> {
  const temporary = join(dir, `${temporaryPrefix}${randomBytes(8).toString("hex")}`);
  try {
    await writeFile(temporary, `${word}\n`);
    await rename(temporary, join(dir, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
