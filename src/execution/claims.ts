/**
 * Who works on which task, for any number of processes that share a folder and nothing else. Each change of a task is a
 * file `<task>.<number>` that is made exclusively; the highest number counts, and the number of a claim is its fencing
 * token. Whoever comes too late finds that the next number is taken. Knows no audit, and no folder of another machine
 * whose names are seen late (NFS): there, exclusive names are not kept.
 */
import { randomBytes } from "node:crypto";
import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClaimableTask, Claimant, ClaimEnd, Deadline, TaskState } from "../model/claim.js";
import { temporaryPrefix } from "../support/files.js";
import { count, either, exactly, number, object, readShape, type Shape, text, within } from "../support/shape.js";
import { readSmall } from "../support/small-file.js";
import { deadlineIn, isDeadline, isOver, type LeaseClock } from "./lease-clock.js";

/** Content of a file of claims/. Which task it is of and its number are in the file's name. */
type Step =
  | {
      readonly kind: "claim";
      readonly claimant: Claimant;
      readonly edition: number;
      /** When it was claimed, in milliseconds since 1970. */
      readonly since: number;
      readonly until: Deadline | null;
    }
  | {
      readonly kind: ClaimEnd;
      readonly owner: string;
      readonly by: Claimant["by"];
      /** Digest of what an agent completed it with. */
      readonly answer?: string | undefined;
    };

export interface Claimed {
  readonly task: string;
  readonly token: number;
  /** ISO; null for a run's. */
  readonly until: string | null;
}

/**
 * Why a token gives no right to its task: there is no such claim; it is of another owner; it was given back, or has been
 * completed; its lease has run out; somebody else has claimed the task since; the task's cases are others than then.
 */
export type Fence = (typeof fences)[number];
export const fences = ["unknown", "other-owner", "released", "completed", "expired", "superseded", "changed"] as const;

export type Held<Value> =
  | ({ readonly held: true } & Value)
  | { readonly held: false; readonly fence: Fence; readonly by: string | null };

export interface Claims {
  /** How the tasks stand now, by id. */
  states(tasks: readonly ClaimableTask[]): Promise<ReadonlyMap<string, TaskState>>;
  /** Claims the first of these tasks that nobody holds and that is not finished; null where there is none. */
  claim(
    tasks: readonly ClaimableTask[],
    claimant: Claimant,
    options: { readonly edition: number; readonly failedToo?: boolean },
  ): Promise<Claimed | null>;
  /** Whether the token gives a right to the task at that time, which is now unless said otherwise. */
  check(
    task: ClaimableTask,
    token: number,
    options?: { readonly owner?: string | null; readonly at?: Deadline },
  ): Promise<Held<{ readonly owner: string; readonly since: number }>>;
  /** Prolongs a lease: from now on by as long as it was, or as said. */
  heartbeat(
    task: ClaimableTask,
    token: number,
    options?: { readonly owner?: string | null; readonly lease?: number | null },
  ): Promise<Held<{ readonly until: string }>>;
  /** Ends a claim; false where the token no longer was the newest. Does not ask for the lease: who holds run.lock may finish. */
  end(task: ClaimableTask, token: number, how: ClaimEnd, answer?: string): Promise<boolean>;
  /** The digest of what the claim was completed with; null where it was not, or nobody said with what. */
  answerOf(task: ClaimableTask, token: number): Promise<string | null>;
  readonly now: () => Deadline;
}

export interface ClaimsOptions {
  /** `<audit folder>/claims` */
  readonly folder: string;
  readonly clock: LeaseClock;
  /** Id of the run whose process lives; null where there is none. A run's claims end with it. */
  readonly runNow: () => Promise<string | null>;
  /** A random number below `limit`. Injected by tests. */
  readonly pick?: (limit: number) => number;
}

export function openClaims(options: ClaimsOptions): Claims {
  const { folder, clock } = options;
  const pick = options.pick ?? ((limit: number) => Math.floor(Math.random() * limit));
  /** Steps do not change, but for a lease that is prolonged: one that was not over is not over. */
  const known = new Map<string, Step | null>();

  const read = (name: string): Step | null => {
    const cached = known.get(name);
    if (cached && !(cached.kind === "claim" && cached.until !== null && isOver(cached.until, clock()))) return cached;
    const step = readStep(join(folder, name));
    known.set(name, step);
    return step;
  };

  /** Without a look at the disk: what is known to be finished, or held for a while yet. */
  const isTaken = ({ id, first, edition }: ClaimableTask, top: number | undefined): boolean => {
    const step = top === undefined || top < first ? null : known.get(nameOf(id, top));
    if (!step) return false;
    if (step.kind === "claim") return step.until !== null && step.edition >= edition && !isOver(step.until, clock());
    return step.kind === "completed";
  };

  const standing = (task: ClaimableTask, top: number | undefined, runNow: string | null): TaskState => {
    if (top === undefined || top < task.first) return task.done ? finished : open;
    const step = read(nameOf(task.id, top));
    // Half a file is what a power cut left: whoever wrote it is gone.
    if (step === null || step.kind === "released") return task.done ? finished : open;
    if (step.kind !== "claim") return { ...open, status: step.kind, owner: step.owner, by: step.by };
    const { claimant, until } = step;
    const isHeld = claimant.by === "run" ? claimant.run === runNow : until !== null && !isOver(until, clock());
    if (step.edition < task.edition || !isHeld) return task.done ? finished : open;
    const { owner, by } = claimant;
    return { status: "in_progress", owner, by, token: top, until: until === null ? null : isoOf(until) };
  };

  /**
   * The newest number of each task that has any. Of one task alone it is felt for, number by number, from the first or
   * from where it was: to list a folder takes longer the more tasks there are.
   */
  const felt = new Map<string, number>();
  let listed: Map<string, number> | null = null;
  const topsOf = (tasks: readonly ClaimableTask[], isFresh: boolean): ReadonlyMap<string, number> => {
    const [task, ...others] = tasks;
    if (task === undefined || others.length > 0) {
      if (isFresh || listed === null) listed = topNumbers(names(folder));
      return listed;
    }
    let next = Math.max(task.first, felt.get(task.id) ?? 0);
    while (isNamed(join(folder, nameOf(task.id, next)))) next += 1;
    felt.set(task.id, next - 1);
    return next > task.first ? new Map([[task.id, next - 1]]) : new Map();
  };

  const draft = (step: Step): string => {
    const file = join(folder, `${temporaryPrefix}${randomBytes(8).toString("hex")}`);
    const text = JSON.stringify({ v: 1, ...step });
    try {
      writeFileSync(file, text, { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, text, { flag: "wx" });
    }
    return file;
  };

  /** Nobody ever reads half a step: it is written first and named then, and a name can be given once. */
  const name = (file: string, task: string, number: number): boolean => {
    try {
      linkSync(file, join(folder, nameOf(task, number)));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  };

  const check: Claims["check"] = async (task, token, { owner = null, at = clock() } = {}) => {
    const step = readStep(join(folder, nameOf(task.id, token)));
    const fenced = (fence: Fence, by: string | null = null) => ({ held: false, fence, by }) as const;
    if (step === null || step.kind !== "claim") return fenced(token < task.first ? "changed" : "unknown");
    if (owner !== null && step.claimant.owner !== owner) return fenced("other-owner", step.claimant.owner);
    if (token < task.first || step.edition < task.edition) return fenced("changed");
    const next = join(folder, nameOf(task.id, token + 1));
    if (isNamed(next)) {
      const later = readStep(next);
      if (later === null || later.kind === "claim") return fenced("superseded", later?.claimant.owner ?? null);
      return fenced(later.kind === "completed" ? "completed" : "released");
    }
    if (step.until !== null && isOver(step.until, at)) return fenced("expired");
    return { held: true, owner: step.claimant.owner, since: step.since };
  };

  return {
    now: clock,
    check,
    async states(tasks) {
      const [tops, runNow] = [topsOf(tasks, true), await options.runNow()];
      return new Map(tasks.map((task) => [task.id, standing(task, tops.get(task.id), runNow)]));
    },

    async claim(tasks, claimant, { edition, failedToo = false }) {
      const runNow = await options.runNow();
      let file: string | null = null;
      const take = (task: ClaimableTask, top: number | undefined): Claimed | "taken" | null => {
        const { status } = standing(task, top, runNow);
        if (status !== "pending" && !(failedToo && status === "failed")) return null;
        const token = Math.max(task.first, (top ?? 0) + 1);
        // Somebody else's file stands where no number of ours comes: the task is nobody's until it is removed.
        if (token > highestNumber) return null;
        const until = claimant.by === "agent" ? deadlineIn(claimant.lease, clock()) : null;
        file ??= draft({ kind: "claim", claimant, edition, since: clock().wall, until });
        if (!name(file, task.id, token)) return "taken";
        listed?.set(task.id, token);
        return { task: task.id, token, until: until && isoOf(until) };
      };
      try {
        // What was listed for the claim before will mostly do: a name that is taken by now cannot be given again.
        for (let isFresh = listed === null || tasks.length === 1; ; isFresh = true) {
          const tops = topsOf(tasks, isFresh);
          const candidates = tasks.filter((task) => !isTaken(task, tops.get(task.id)));
          let collisions = 0;
          while (candidates.length > 0 && collisions < 8) {
            // The first one; where others are quicker, further and further behind it, so that many do not fight for each.
            const [task] = candidates.splice(pick(Math.min(candidates.length, 8 ** collisions)), 1);
            const claimed = task === undefined ? null : take(task, tops.get(task.id));
            if (claimed === "taken") collisions += 1;
            else if (claimed !== null) return claimed;
          }
          if (isFresh && collisions === 0) return null;
        }
      } finally {
        if (file !== null) rmSync(file, { force: true });
      }
    },

    async heartbeat(task, token, { owner = null, lease = null } = {}) {
      const checked = await check(task, token, { owner });
      if (!checked.held) return checked;
      const file = join(folder, nameOf(task.id, token));
      const step = readStep(file);
      if (step?.kind !== "claim" || step.claimant.by !== "agent") return { held: false, fence: "unknown", by: null };
      const claimant = { ...step.claimant, lease: lease ?? step.claimant.lease };
      const until = deadlineIn(claimant.lease, clock());
      const fresh = draft({ ...step, claimant, until });
      renameSync(fresh, file);
      // Whoever saw the lease run out in between has the next number: then this prolonged nothing.
      const after = await check(task, token, { owner });
      return after.held ? { held: true, until: isoOf(until) } : after;
    },

    async end(task, token, how, answer) {
      const step = readStep(join(folder, nameOf(task.id, token)));
      if (step?.kind !== "claim") return false;
      const { owner, by } = step.claimant;
      const file = draft({ kind: how, owner, by, answer });
      try {
        return name(file, task.id, token + 1);
      } finally {
        rmSync(file, { force: true });
      }
    },

    async answerOf(task, token) {
      const step = readStep(join(folder, nameOf(task.id, token + 1)));
      return step?.kind === "completed" ? (step.answer ?? null) : null;
    },
  };
}

const open: TaskState = { status: "pending", owner: null, by: null, token: null, until: null };
const finished: TaskState = { ...open, status: "completed" };

function isoOf({ wall }: Deadline): string {
  return new Date(wall).toISOString();
}

/** What a task's id is like: safe as a file's name. */
export const taskName = /^[A-Za-z0-9][\w.-]*$/;

/** A task's id may hold dots, its number does not. */
function nameOf(task: string, number: number): string {
  if (!taskName.test(task)) throw new Error(`BUG: ${JSON.stringify(task)} cannot be a file's name`);
  return `${task}.${number}`;
}

/** Nobody claims a task a billion times: a higher number is none of ours. */
const highestNumber = 999_999_999;

export function parseName(name: string): { readonly task: string; readonly number: number } | null {
  const match = /^([A-Za-z0-9][\w.-]*)\.([1-9]\d{0,8})$/.exec(name);
  return match?.[1] === undefined ? null : { task: match[1], number: Number(match[2]) };
}

/** Whether claims/ holds a file of this name: the tasks, a step, or a turn at writing tasks.json. */
export function isClaimsFile(name: string): boolean {
  return name === "catalogue.json" || /^\.turn-\d+$/.test(name) || parseName(name) !== null;
}

export function topNumbers(names: readonly string[]): Map<string, number> {
  const tops = new Map<string, number>();
  for (const name of names) {
    const parsed = parseName(name);
    if (parsed !== null && parsed.number > (tops.get(parsed.task) ?? 0)) tops.set(parsed.task, parsed.number);
  }
  return tops;
}

/** Whether the name is given, also to a link that leads nowhere. */
function isNamed(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

export function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Bytes; ours have a few hundred. */
const largest = 64 * 1024;

/** Null for what is none of ours: whoever puts it there holds no task, and nobody up. */
function readStep(path: string): Step | null {
  return readShape(readSmall(path, largest), isStep);
}

type Versioned<Kind> = Kind & { readonly v: 1 };
type AgentStep = Extract<Step, { kind: "claim" }> & { claimant: { by: "agent" }; until: Deadline };
type RunStep = Extract<Step, { kind: "claim" }> & { claimant: { by: "run" }; until: null };
const claim = { v: exactly(1), kind: exactly("claim"), edition: count, since: number };
const byAgent = object<Claimant & { by: "agent" }>({ by: exactly("agent"), owner: text, lease: within(1e15) });
const byRun = object<Claimant & { by: "run" }>({ by: exactly("run"), owner: text, run: text });
const isStep: Shape<Step> = either(
  either(
    object<Versioned<AgentStep>>({ ...claim, claimant: byAgent, until: isDeadline }),
    object<Versioned<RunStep>>({ ...claim, claimant: byRun, until: exactly(null) }),
  ),
  object<Versioned<Required<Extract<Step, { kind: ClaimEnd }>>>>({
    v: exactly(1),
    kind: exactly<ClaimEnd>("released", "completed", "failed"),
    owner: text,
    by: exactly<Claimant["by"]>("run", "agent"),
    answer: either(text, exactly(undefined)),
  }),
);
