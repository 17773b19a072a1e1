/**
 * tasks.json: the view of all tasks that people and other programs read. Always whole, never read back by us: what counts
 * are claims. However many processes change something, it is written at most four times a second.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Catalogue, PublishedTask, TaskState } from "../model/claim.js";
import { sha256 } from "../model/digest.js";
import type { TaskEntry, TasksFile } from "../model/task.js";
import { makeFolder, writeFileAtomic } from "../support/files.js";
import { resultFile } from "./result-file.js";

export interface TaskListing {
  readonly catalogue: Catalogue;
  /** By task id. */
  readonly states: ReadonlyMap<string, TaskState>;
}

export interface TaskList {
  /** Resolves when what is so now is in tasks.json, written by us or by somebody who looked after this was called. */
  refresh(): Promise<void>;
}

export interface TaskListOptions {
  readonly file: string;
  /** Folder for the files by which processes take turns. */
  readonly turns: string;
  /** How the tasks stand now; null where nothing was exported. */
  readonly look: () => Promise<TaskListing | null>;
  /** Told of an edit by hand before it is written over. */
  readonly warn: (message: string) => void;
}

export function openTaskList(options: TaskListOptions): TaskList {
  const { file, turns, look } = options;
  /** What this process has written last: nobody has edited that by hand. */
  let written: string | null = null;

  const write = async (turn: number): Promise<void> => {
    const listing = await look();
    if (listing === null) return;
    const before = await readFile(file, "utf8").catch(() => null);
    const text = tasksText(listing, await resultsIn(file));
    if (before === text) return;
    if (before !== null && before !== written && !isOurs(before)) options.warn(editedByHand);
    // A process that was slow leaves it to the one whose turn has come since: what it wrote would be older.
    const taken = await turnsIn(turns);
    const now = turnAt(Date.now());
    if (taken.some((other) => other > turn && other <= now)) return;
    await writeFileAtomic(file, text);
    written = text;
    await forgetTurns(turns, taken, turn);
  };

  const refresh = async (): Promise<void> => {
    const listing = await look();
    if (listing === null) return;
    const before = await readFile(file, "utf8").catch(() => null);
    if (before !== null && tasksText(listing, await resultsIn(file)) === before) return;
    const turn = turnAt(Date.now());
    if (await takeTurn(turns, turn)) return write(turn);
    await sleep((turn + 1) * interval - Date.now());
    const next = turnAt(Date.now());
    // Who has taken that turn looks after we changed what we changed.
    if (await takeTurn(turns, next)) await write(next);
  };

  // In one process those who ask while it waits for its turn share the next.
  let running: Promise<void> | null = null;
  let queued: Promise<void> | null = null;
  return {
    refresh() {
      if (running === null) {
        running = refresh().finally(() => {
          running = null;
        });
        return running;
      }
      queued ??= running
        .catch(() => undefined)
        .then(() => {
          queued = null;
          running = refresh().finally(() => {
            running = null;
          });
          return running;
        });
      return queued;
    },
  };
}

/** Milliseconds between two versions of the view. */
const interval = 250;
const editedByHand =
  "tasks.json was edited by hand; it is a view and is written anew. To take or give back a task: audit-run tasks --help";

function turnAt(time: number): number {
  return Math.floor(time / interval);
}

function turnName(turn: number): string {
  return `.turn-${turn}`;
}

async function takeTurn(folder: string, turn: number): Promise<boolean> {
  const take = () => writeFile(join(folder, turnName(turn)), "", { flag: "wx" });
  try {
    await take().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      await makeFolder(folder);
      await take();
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Those of two seconds ago, and those of a clock that was set back. */
async function forgetTurns(folder: string, taken: readonly number[], turn: number): Promise<void> {
  for (const other of taken) if (Math.abs(other - turn) > 8) await rm(join(folder, turnName(other)), { force: true });
}

/** One look at the folder, however long a process was suspended: a day has 345,600 turns. */
async function turnsIn(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => /^\.turn-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

/** Names of the pages that there are. */
async function resultsIn(file: string): Promise<ReadonlySet<string>> {
  return new Set(await readdir(join(file, "..", "results")).catch(() => []));
}

/** @param pages names in results/: a task that an agent has completed has its page when a run has written it. */
export function taskEntries({ catalogue, states }: TaskListing, pages: ReadonlySet<string>): readonly TaskEntry[] {
  return catalogue.tasks.map((task) => entry(task, states.get(task.id), pages));
}

function tasksText(listing: TaskListing, pages: ReadonlySet<string>): string {
  const { project, created } = listing.catalogue;
  const content = { project, created, tasks: taskEntries(listing, pages) };
  return `${JSON.stringify({ ...content, sum: sumOf(content) } satisfies TasksFile, null, 2)}\n`;
}

/** What tells an edit by hand from what was written here. */
function sumOf(content: Omit<TasksFile, "sum">): string {
  return sha256(JSON.stringify(content)).slice(0, 16);
}

function isOurs(text: string): boolean {
  try {
    const { sum, ...content } = JSON.parse(text) as TasksFile;
    return sumOf(content) === sum;
  } catch {
    return false;
  }
}

function entry(task: PublishedTask, state: TaskState | undefined, pages: ReadonlySet<string>): TaskEntry {
  const { status = "pending", owner = null } = state ?? {};
  const page = resultFile(task.id, "md");
  return {
    id: task.number,
    state: task.state,
    tests: task.tests,
    status,
    owner: status === "pending" ? null : (owner ?? ownerOf(task.id)),
    result: status === "completed" && pages.has(page.slice("results/".length)) ? page : null,
    node: `investigate:${task.id}`,
    cases: task.size,
    failures: task.failures,
  };
}

/** The name of the agent that a run starts for a task, as in the pattern: `agent-va`. */
export function ownerOf(taskId: string): string {
  return `agent-${taskId.toLowerCase()}`;
}

/** The day on which the audit of an older version was created; null where the file is none of ours. */
export async function createdBefore(file: string): Promise<string | null> {
  try {
    const { created } = JSON.parse(await readFile(file, "utf8")) as Partial<TasksFile>;
    return typeof created === "string" && /^\d{4}-\d{2}-\d{2}$/.test(created) ? created : null;
  } catch {
    return null;
  }
}
