/** `audit-run stop [task]`: ends the audit that runs in this folder in order, or one of its tasks. */
import { askRun } from "../audit/ask.js";
import { exitCodes } from "../audit/exit-codes.js";
import { settings } from "../audit.js";
import { askedExit, askedText, patienceFor, taskNode } from "./asking.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function stopCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly task?: string | undefined; readonly wait: boolean },
): Promise<number> {
  const { terminal } = invocation;
  const loaded = settings(requestOf(invocation, options));
  if ("exitCode" in loaded) return refuse(terminal, loaded);
  const node = options.task === undefined ? null : taskNode(options.task);
  const asked = await askRun(loaded.config.dir, { kind: "stop", node }, patienceFor(invocation, options.wait));
  // What was wanted is so.
  const exitCode = askedExit(asked, options.wait, exitCodes.complete);
  const text = askedText(asked, "No audit is running here: there is nothing to stop.");
  terminal.print(options.json ? JSON.stringify({ version: 1, exitCode, ...asked }, null, 2) : text);
  return exitCode;
}
