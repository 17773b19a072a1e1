/**
 * A task: the cases that one agent owns. And tasks.json, the view of all tasks that people and other programs read.
 */
import type { Case } from "./case.js";

export interface Task {
  /** Safe as a file name, a tmux session and a git ref part; unique without regard to case. `VA`, `TX-2`. */
  readonly id: string;
  /** Shown in headings: the group's key, or the test's name. */
  readonly title: string;
  /** What the task was cut by: its group (per-group), its test (per-test), or neither (balanced). */
  readonly axis: "group" | "test" | "mixed";
  readonly cases: readonly Case[];
}

export type TaskStatus = "pending" | "in_progress" | "completed" | "failed";

/** One line of tasks.json: the pattern's fields first, then ours. */
export interface TaskEntry {
  readonly id: number;
  readonly state: string;
  readonly tests: readonly string[];
  readonly status: TaskStatus;
  readonly owner: string | null;
  readonly result: string | null;
  /** Node id, `investigate:VA`. */
  readonly node: string;
  readonly failures: number;
  readonly cases: number;
}

export interface TasksFile {
  readonly project: string;
  /** ISO date, `2026-02-03`. */
  readonly created: string;
  readonly tasks: readonly TaskEntry[];
  /** Checksum of the rest: tells an edit by hand, which would be lost, from what was written. */
  readonly sum: string;
}
