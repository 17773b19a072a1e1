/**
 * `setup`: removes what a dead run left, and looks before money is spent: is what the run will need there?
 * The audit folder exists already, since the event log stands in it.
 */
import { failed, ok, type Result } from "../model/result.js";
import type { SlotProvider } from "../model/slot.js";
import { capturedText, runProcess } from "../support/process.js";
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
    for (let number = 1; number <= session.config.slots.count; number += 1) {
      const checked = await provider.check(number);
      if (!checked.ok) return checked;
    }
  }
  const views = await session.views.check();
  return views.ok ? checkSummaryCommand(session) : views;
}

/** Only a first word that is plainly a program: what else a shell may make of the text is not ours to guess. */
async function checkSummaryCommand({ config, signal }: Session): Promise<Result<void>> {
  const { run, cwd, env } = config.summary;
  const program = typeof run === "string" ? /^\s*([\w./+-]+)(?=\s|$)/.exec(run)?.[1] : run?.[0];
  if (program === undefined) return ok(undefined);
  const found = await runProcess({
    command: ["sh", "-c", 'command -v -- "$1"', "sh", program],
    purpose: "setup",
    cwd,
    env: { ...process.env, ...env },
    signal,
  });
  if (!found.ok) return found;
  if (found.value.exitCode === 0 || found.value.reason !== "exited") return ok(undefined);
  return failed("command-not-found", `the summary needs the program "${program}", which is not on the PATH`, {
    hint: "Install it, or say in `summary.run` or `repos.dbt.command` how it is called (such as `uv run dbt`).",
    detail: capturedText(found.value.stderr),
  });
}
