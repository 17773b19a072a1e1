/** What commands that ask something of a running audit have in common: how long they wait, what they print, how they exit. */
import type { Asked, Patience } from "../audit/ask.js";
import { exitCodes } from "../audit/exit-codes.js";
import { harmless } from "../reporters/terminal/text.js";
import type { Invocation } from "./options.js";

/** Milliseconds; a run that is busy answers within one. */
const patient = 5_000;

export function patienceFor({ terminal }: Invocation, wait: boolean): Patience {
  return { wait: wait ? patient : 0, now: () => new Date(), signal: terminal.signal };
}

/** One line for a person. @param idle what to say where no audit runs. */
export function askedText(asked: Asked, idle: string): string {
  switch (asked.kind) {
    case "idle":
      return idle;
    case "answered":
      return `Run ${asked.run}: ${harmless(asked.answer.message)}.`;
    case "left":
      return `Run ${asked.run} is asked; it takes the request when it can, and its events tell.`;
    case "ended":
      return `Run ${asked.run} ended before it took the request.`;
  }
}

/** @param waited whether an answer was wanted. @param ended the exit code where no audit runs (any more). */
export function askedExit(asked: Asked, waited: boolean, ended: number): number {
  if (asked.kind === "idle" || asked.kind === "ended") return ended;
  if (asked.kind === "left") return waited ? exitCodes.incomplete : exitCodes.complete;
  return asked.answer.taken ? exitCodes.complete : exitCodes.usage;
}

/** `VA` is the task of that name. */
export function taskNode(name: string): string {
  return name.startsWith("investigate:") ? name : `investigate:${name}`;
}
