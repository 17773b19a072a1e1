/**
 * `setup`: removes what a dead run left, and looks before money is spent: is what the run will need there?
 * The audit folder exists already, since the event log stands in it.
 */
import type { Config } from "../model/config.js";
import { failed, ok, type Result } from "../model/result.js";
import type { SlotProvider } from "../model/slot.js";
import { findProgram, programOf } from "../support/program.js";
import type { Session } from "./session.js";

/** Failure codes: those of `SlotProvider.check` and `Runner.check`, command-not-found. */
export async function setUp(session: Session, provider: SlotProvider): Promise<Result<void>> {
  for (const { slot, message } of await session.slots.clear()) {
    session.emit({
      type: "warning",
      node: "setup",
      message: `slot ${slot.number} of an earlier run is left: ${message}`,
    });
  }
  if (session.agent.needsSlot) {
    const checked = await checkSlots(provider, session.config.slots.count);
    if (!checked.ok) return checked;
  }
  const views = await session.views.check();
  return views.ok ? checkSummaryCommand(session.config, session.signal) : views;
}

/** Whether each slot could be made. Failure codes: those of `SlotProvider.check`. */
export async function checkSlots(provider: SlotProvider, count: number): Promise<Result<void>> {
  for (let number = 1; number <= count; number += 1) {
    const checked = await provider.check(number);
    if (!checked.ok) return checked;
  }
  return ok(undefined);
}

/** Whether the program that the summary begins with is there. Failure code: command-not-found. */
export async function checkSummaryCommand({ summary }: Config, signal: AbortSignal): Promise<Result<void>> {
  const { run, cwd, env } = summary;
  const program = run === null ? null : programOf(run);
  if (program === null) return ok(undefined);
  const found = await findProgram(program, { cwd, env: { ...process.env, ...env }, signal });
  if (!found.ok) return found;
  if (found.value !== null) return ok(undefined);
  return failed("command-not-found", `the summary needs the program "${program}", which is not on the PATH`, {
    hint: "Install it, or say in `summary.run` or `repos.dbt.command` how it is called (such as `uv run dbt`).",
  });
}
