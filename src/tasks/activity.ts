/**
 * What of an agent's activity goes into the event log: everything of a quiet agent; of one that chatters, so much in a
 * second and so much in all. What it spends is added up and never lost. Knows no clock of its own and no file.
 */
import type { AgentActivity, Usage } from "../model/agent.js";
import { addUsage } from "../model/usage.js";

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
  let spent: Usage | null = null;

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
    if (spent === null) return;
    const usage = spent;
    spent = null;
    pass({ type: "spent", usage });
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
        case "spent":
          spent = spent === null ? activity.usage : addUsage(spent, activity.usage);
          if (mayTell()) flush();
          return;
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
