/**
 * When a lease ends. On one machine this is told by the time since its start, which no step of its clock changes; between
 * machines by their clocks, which must agree within a fraction of a lease. Knows no claim.
 */
import { readFile } from "node:fs/promises";
import { hostname, uptime } from "node:os";
import type { Deadline } from "../model/claim.js";
import { either, exactly, number, object, type Shape, text, within } from "../support/shape.js";

export const isDeadline: Shape<Deadline> = object<Deadline>({
  // What is beyond is no date.
  wall: within(8.64e15),
  up: either(number, exactly(null)),
  host: text,
  boot: either(text, exactly(null)),
});

/** Now, in the words of a deadline. */
export type LeaseClock = () => Deadline;

export async function leaseClock(now: () => Date): Promise<LeaseClock> {
  const host = hostname();
  // Linux alone says which start of the machine this is.
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => null,
  );
  return () => ({ wall: now().getTime(), up: boot === null ? null : uptime() * 1000, host, boot });
}

export function deadlineIn(milliseconds: number, now: Deadline): Deadline {
  return { ...now, wall: now.wall + milliseconds, up: now.up === null ? null : now.up + milliseconds };
}

export function isOver(deadline: Deadline, now: Deadline): boolean {
  const oneMachine = deadline.host === now.host && deadline.boot !== null && deadline.boot === now.boot;
  if (oneMachine && deadline.up !== null && now.up !== null) return now.up >= deadline.up;
  return now.wall >= deadline.wall;
}
