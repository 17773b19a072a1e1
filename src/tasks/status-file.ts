/**
 * agent-va-status.txt in the audit folder: how one agent stands, in a word, as the pattern has it. A view: events.jsonl and
 * traces/ know it too, nothing reads it back but this file, and what the disk refuses of it harms nobody.
 */
import { randomBytes } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
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

export interface StatusFiles {
  /** Before anything else, once: nobody is at work when a run begins. Who was, was killed with the run before. */
  begin(): Promise<void>;
  /** A reader finds the old word or the new one. @param word see `statusWord`; redacted. */
  write(task: string, word: string): void;
  /**
   * What there is from earlier runs is made true of this one, which has just learned its tasks: those that still have to run
   * have no file until they do, and tasks that are no more have none.
   * @param tasks every task of the audit, and what becomes of it.
   */
  sort(tasks: ReadonlyMap<string, "runs" | "done" | "left-alone">): Promise<void>;
}

/** @param dir the audit folder, which is this process's */
export function openStatusFiles(dir: string): StatusFiles {
  /** By name; only those that are ours. */
  let words = new Map<string, string>();

  const put = (name: string, word: string): void => {
    words.set(name, word);
    try {
      write(dir, name, word);
    } catch {
      // It is only a view.
    }
  };

  return {
    async begin() {
      words = await wordsIn(dir);
      for (const [name, word] of words) if (word === "RUNNING") put(name, "FAILED: its run was killed");
    },
    write: (task, word) => put(statusFile(task), word),
    async sort(tasks) {
      const plans = new Map([...tasks].map(([task, plan]) => [statusFile(task), plan]));
      for (const [name, word] of [...words]) {
        const plan = plans.get(name) ?? "runs";
        if (plan === "done" && word !== "DONE") put(name, "DONE");
        if (plan !== "runs") continue;
        words.delete(name);
        await rm(join(dir, name), { force: true }).catch(() => undefined);
      }
    },
  };
}

/** Files that are read at a time: there may be ten thousand. */
const atATime = 100;

/** Those that are ours: by their name, and by how they begin. */
async function wordsIn(dir: string): Promise<Map<string, string>> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => /^agent-.+-status\.txt$/.test(name));
  const words = new Map<string, string>();
  for (let start = 0; start < names.length; start += atATime) {
    const some = names.slice(start, start + atATime);
    const read = await Promise.all(some.map(async (name) => [name, await wordIn(dir, name)] as const));
    for (const [name, word] of read) if (/^(RUNNING|DONE|FAILED: )/.test(word)) words.set(name, word);
  }
  return words;
}

async function wordIn(dir: string, name: string): Promise<string> {
  return (await readFile(join(dir, name), "utf8").catch(() => "")).trim();
}

function write(dir: string, name: string, word: string): void {
  const temporary = join(dir, `${temporaryPrefix}${randomBytes(8).toString("hex")}`);
  try {
    writeFileSync(temporary, `${word}\n`);
    renameSync(temporary, join(dir, name));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
