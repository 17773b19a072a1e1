/**
 * What of an agent's activity goes into the event log: everything of a quiet agent; of one that chatters, so much in a
 * second and so much in all. What it spends is added up and never lost. Knows no clock of its own and no file.
 */
import type { AgentActivity, Usage } from "../model/agent.js";

export type Told = (activity: AgentActivity, leftOut: number) => void;

export interface ActivityFilter {
  take(activity: AgentActivity): void;
  /** Tells what is still held back. */
  flush(): void;
}

/** At once, and then in a second; and in all, for a task's whole time. */
const atOnce = 40;
const inSecond = 4;
const inAll = 5_000;

/** @param clock monotonic milliseconds */
export function activityFilter(tell: Told, clock: () => number): ActivityFilter {
  let room = atOnce;
  let since = clock();
  let told = 0;
  let leftOut = 0;
  /** With a price, and without: who adds it up tells them apart. */
  const held: { priced: Usage | null; unpriced: Usage | null } = { priced: null, unpriced: null };

  const mayTell = (): boolean => {
    const now = clock();
    room = Math.min(atOnce, room + ((now - since) / 1_000) * inSecond);
    since = now;
    if (room < 1 || told >= inAll) return false;
    room -= 1;
    told += 1;
    return true;
  };
  const pass = (activity: AgentActivity): void => {
    tell(activity, leftOut);
    leftOut = 0;
  };
  const flush = (): void => {
    for (const kind of ["priced", "unpriced"] as const) {
      const usage = held[kind];
      held[kind] = null;
      if (usage !== null) pass({ type: "spent", usage });
    }
  };

  return {
    take(activity) {
      switch (activity.type) {
        case "started":
        case "ended":
          // A few in a task, and what others are understood by.
          flush();
          pass(activity);
          return;
        case "spent": {
          const kind = activity.usage.cost === null ? "unpriced" : "priced";
          held[kind] = sum(held[kind], activity.usage);
          if (mayTell()) flush();
          return;
        }
        default:
          if (!mayTell()) leftOut += 1;
          else {
            flush();
            pass(activity);
          }
      }
    },
    flush,
  };
}

function sum(one: Usage | null, other: Usage): Usage {
  if (one === null) return other;
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cached: one.cached + other.cached,
    cost: one.cost === null || other.cost === null ? null : one.cost + other.cost,
    turns: one.turns + other.turns,
  };
}
