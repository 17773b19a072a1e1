/** `audit-run clean`: removes what nobody needs any more from the audit folder. */
import { relative } from "node:path";
import { clean } from "../audit.js";
import type { CommonOptions, Invocation } from "./options.js";
import { requestOf } from "./request.js";

export async function cleanCommand(
  invocation: Invocation,
  options: Pick<CommonOptions, "config"> & { readonly all: boolean },
): Promise<number> {
  const { terminal } = invocation;
  const end = await clean(requestOf(invocation, options), options.all);
  if ("diagnostics" in end) {
    await terminal.diagnose(end.diagnostics);
    if (end.failure !== null) terminal.refuse(end.failure);
    return end.exitCode;
  }
  const { folder, runs, dropped, left, warnings } = end.cleaned;
  for (const message of warnings) terminal.print(message);
  const place = relative(process.cwd(), folder) || ".";
  const damaged = dropped.length === 0 ? "" : ` ${dropped.length} damaged files and lines of traces/ dropped.`;
  if (!options.all)
    terminal.print(`${place}: ${runs.length} old ${runs.length === 1 ? "run" : "runs"} removed.${damaged}`);
  else if (left.length === 0) terminal.print(`${place} is removed.`);
  else terminal.print(`${place}: the audit is removed. Left, since it is not ours or in use: ${left.join(", ")}`);
  return 0;
}
