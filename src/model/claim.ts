/**
 * Claims: how agents that this program did not start share an audit's tasks with it and with one another.
 * Types only. Knows no disk and no clock.
 */
import type { TaskStatus } from "./task.js";

/** When a lease ends, as the process that wrote it saw its clocks. */
export interface Deadline {
  /** Milliseconds since 1970. */
  readonly wall: number;
  /** Milliseconds since the machine was started, which no step of its clock changes; null where the system does not say. */
  readonly up: number | null;
  readonly host: string;
  /** Tells this start of the machine from others; null where the system does not say. */
  readonly boot: string | null;
}

/** Who works on a task: a run of this program, or an agent of somebody else. */
export type Claimant =
  /** Holds its task as long as the process runs that holds run.lock. */
  | { readonly by: "run"; readonly owner: string; readonly run: string }
  /** Holds its task until its lease ends. `lease` in milliseconds. */
  | { readonly by: "agent"; readonly owner: string; readonly lease: number };

/** How a claim ended, but for leases that ran out. */
export type ClaimEnd = "released" | "completed" | "failed";

/** A task as claims know it. */
export interface ClaimableTask {
  /** The task's id: safe as a file name. */
  readonly id: string;
  /** Tokens below it are of the past, whatever files there are. */
  readonly first: number;
  /** The edition of the catalogue in which its cases were last other ones: claims made by an earlier edition are void. */
  readonly edition: number;
  /** All its cases had a finding when the tasks were published. */
  readonly done: boolean;
}

/** How a task stands. */
export interface TaskState {
  readonly status: TaskStatus;
  readonly owner: string | null;
  readonly by: Claimant["by"] | null;
  /** The fencing token of the claim that holds it; null where nobody does. */
  readonly token: number | null;
  /** When the holder's lease ends (ISO); null where nobody holds it, or a run does. */
  readonly until: string | null;
}

/** A case of a task as it was published. */
export interface PublishedCase {
  /** `test@group` */
  readonly id: string;
  readonly test: string;
  readonly group: string;
  readonly failures: number;
  readonly rows: number;
  readonly fingerprint: string;
  /** It needs a finding. */
  readonly open: boolean;
}

export interface PublishedTask extends ClaimableTask {
  /** Its number in tasks.json. */
  readonly number: number;
  readonly state: string;
  readonly tests: readonly string[];
  readonly failures: number;
  /** How many cases it has. */
  readonly size: number;
  /** Digest of its cases' fingerprints: where it changes, claims of the task before are void. */
  readonly digest: string;
  /** Those of a task that is done are left out. */
  readonly cases: readonly PublishedCase[];
}

/** What a test is, for those who investigate its cases. */
export interface PublishedTest {
  readonly kind: string;
  readonly severity: string;
  readonly description: string;
  readonly attachedTo: string | null;
  readonly file: string | null;
  /** A SELECT that gives its failing rows over all groups. */
  readonly sql: string;
  readonly groupColumn: string | null;
}

/** claims/catalogue.json: the tasks of the last export, written by the run that made it. Claims of other tasks count for nothing. */
export interface Catalogue {
  readonly version: 1;
  readonly project: string;
  /** ISO date of the audit's first day. */
  readonly created: string;
  readonly run: string;
  /** Counts how often it was written. */
  readonly edition: number;
  /** No token above it was ever given to a task that is no longer there. */
  readonly floor: number;
  /** Tasks in the order of tasks.json. */
  readonly tasks: readonly PublishedTask[];
  /** Ids of open tasks, those that should be claimed first in front. */
  readonly order: readonly string[];
  /** By test name; only tests of open cases. */
  readonly tests: Readonly<Record<string, PublishedTest>>;
}
