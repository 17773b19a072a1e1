/**
 * tasks.json: the view of all tasks that people and other programs read. Always whole, never read back by us
 * but for the day on which the audit was created.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Task, TaskEntry, TaskStatus, TasksFile } from "../model/task.js";
import { writeFileAtomic } from "../support/files.js";
import { resultFile } from "./result-file.js";

export interface TaskList {
  update(taskId: string, status: TaskStatus): void;
  /** Resolves when all updates are on disk. */
  flush(): Promise<void>;
}

export async function createTaskList(options: {
  readonly file: string;
  readonly project: string;
  readonly today: string;
  readonly tasks: readonly { readonly task: Task; readonly status: TaskStatus }[];
}): Promise<TaskList> {
  const { file, project, tasks } = options;
  const created = (await createdBefore(file)) ?? options.today;
  const status = new Map(tasks.map(({ task, status }) => [task.id, status]));
  const content = (): string => {
    const entries = tasks.map(({ task }, index) => entry(task, index + 1, status.get(task.id) ?? "pending"));
    return `${JSON.stringify({ project, created, tasks: entries } satisfies TasksFile, null, 2)}\n`;
  };

  // One write at a time, at most four a second; updates that arrive meanwhile go together into the next one.
  let dirty = false;
  let writing: Promise<void> | null = null;
  const hurry = new AbortController();
  const write = async (): Promise<void> => {
    while (dirty) {
      dirty = false;
      await writeFileAtomic(file, content());
      await sleep(interval, undefined, { signal: hurry.signal, ref: false }).catch(() => undefined);
    }
  };
  const start = (): Promise<void> => {
    writing ??= write().finally(() => {
      writing = null;
    });
    return writing;
  };

  await writeFileAtomic(file, content());
  return {
    update(taskId, next) {
      status.set(taskId, next);
      dirty = true;
      // A disk that refuses is reported by flush; the view alone must not end an investigation.
      start().catch(() => undefined);
    },
    async flush() {
      hurry.abort();
      await writing?.catch(() => undefined);
      if (dirty) await start();
    },
  };
}

/** Milliseconds between two versions of the view. */
const interval = 250;

function entry(task: Task, id: number, status: TaskStatus): TaskEntry {
  return {
    id,
    state: [...new Set(task.cases.map((item) => item.group.key))].join(", "),
    tests: [...new Set(task.cases.map((item) => item.test.name))],
    status,
    owner: status === "pending" ? null : ownerOf(task.id),
    result: status === "completed" ? resultFile(task.id, "md") : null,
    node: `investigate:${task.id}`,
    cases: task.cases.length,
    failures: task.cases.reduce((sum, item) => sum + item.failures, 0),
  };
}

/** The agent's name, as in the pattern: `agent-va`. */
export function ownerOf(taskId: string): string {
  return `agent-${taskId.toLowerCase()}`;
}

async function createdBefore(file: string): Promise<string | null> {
  try {
    const { created } = JSON.parse(await readFile(file, "utf8")) as Partial<TasksFile>;
    return typeof created === "string" && /^\d{4}-\d{2}-\d{2}$/.test(created) ? created : null;
  } catch {
    return null;
  }
}
