/**
 * Exceptions that a person accepts while a run is on: what the file has gained since the run read it. `collect` shows them,
 * and no agent is asked any more about what they accept. What was taken out of the file meanwhile counts until the next run.
 */
import { readExceptions } from "../config/exceptions.js";
import { readTextFile } from "../config/files.js";
import { type AppliedExceptions, applyExceptions } from "../findings/exceptions.js";
import type { Case, Export } from "../model/case.js";
import type { AcceptedException } from "../model/finding.js";
import type { Answer } from "../model/request.js";
import type { OpenedAudit } from "./open.js";

export interface Acceptance {
  /** Takes in what the file has gained. */
  takeIn(): Answer;
  /** Those that nobody has accepted since the run began. */
  remaining(cases: readonly Case[]): readonly Case[];
  /** All exceptions on all cases; null where none was gained. */
  applied(exported: Export): AppliedExceptions | null;
}

export function openAcceptance({ session, request }: Pick<OpenedAudit, "session" | "request">): Acceptance {
  const { exceptionsFile } = session.config;
  const today = session.run.startedAt.toISOString().slice(0, 10);
  const known = new Set(session.exceptions.map(keyOf));
  const gained: AcceptedException[] = [];
  return {
    takeIn() {
      const reading = readTextFile(exceptionsFile);
      const { entries, diagnostics } = readExceptions({ file: exceptionsFile, cwd: request.cwd, reading });
      const fresh = entries.filter((entry) => !known.has(keyOf(entry)));
      for (const entry of fresh) known.add(keyOf(entry));
      gained.push(...fresh);
      const named = fresh.map(({ test, group }) => `${test} in ${group}`).join(", ");
      const wrong = diagnostics.find(({ severity }) => severity === "error");
      const where = wrong === undefined ? "" : `${wrong.file}:${wrong.line}: ${wrong.message}`;
      if (fresh.length > 0) {
        const rest = wrong === undefined ? "" : `; but not all can be read: ${where}`;
        return { taken: true, message: `accepted from now on: ${named}${rest}` };
      }
      if (wrong !== undefined)
        return { taken: false, message: `nothing new is accepted, since not all can be read: ${where}` };
      return { taken: true, message: "the run knows it already" };
    },
    remaining: (cases) => (gained.length === 0 ? cases : applyExceptions(cases, gained, today).remaining),
    // What the run began with comes first, so that a case which it excepted stays so.
    applied: ({ cases }) =>
      gained.length === 0 ? null : applyExceptions(cases, [...session.exceptions, ...gained], today),
  };
}

function keyOf({ test, group }: AcceptedException): string {
  return JSON.stringify([test, group]);
}
