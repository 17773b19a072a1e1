/**
 * An agent begins with a task: opens where a person can watch it, says so in the event log, and keeps what it tells from
 * then on within bounds. Decides nothing about the task.
 */
import type { AuditEvent } from "../model/events.js";
import type { Isolation } from "../model/isolation.js";
import { activityFilter } from "./activity.js";
import type { Session } from "./session.js";

export interface AtWork {
  /** Events of the task; of those of its agent no more than a log should hold. */
  readonly emit: Session["emit"];
  readonly end: () => void;
}

/** @param slot number of its slot; null where it has none. */
export async function beginWork(session: Session, task: string, slot: number | null): Promise<AtWork> {
  const node = `investigate:${task}`;
  const begun = (name: string | null): AuditEvent => {
    const { id } = session.agent;
    return { type: "at-work", node, agent: id, slot, isolation: isolationOf(session), session: name };
  };
  const opened = await session.views.open(task);
  // It goes on unwatched.
  if (!opened.ok) session.emit({ type: "warning", node, message: `it cannot be watched: ${opened.failure.message}` });
  session.emit(begun(opened.ok ? opened.value : null));
  const filter = activityFilter(
    (activity, leftOut) => session.emit({ type: "agent", node, activity, ...(leftOut === 0 ? {} : { leftOut }) }),
    () => performance.now(),
  );
  const emit = (event: AuditEvent): void =>
    event.type === "agent" ? filter.take(event.activity) : session.emit(event);
  return { emit, end: filter.flush };
}

export function isolationOf({ agent, config }: Session): Isolation {
  return agent.isolation ?? (agent.needsSlot && config.slots.provider !== "none" ? "checkout" : "none");
}
