/** `audit-run`, `audit-run run <node…>` and `audit-run retry`, which a run that is on does itself. */
import { askRun } from "../audit/ask.js";
import { summaryOf } from "../audit/end-summary.js";
import { exitCodes } from "../audit/exit-codes.js";
import { run, settings } from "../audit.js";
import { createTerminalView, type Renderer } from "../reporters/terminal/index.js";
import { askedExit, askedText, patienceFor } from "./asking.js";
import type { Invocation, RunOptions } from "./options.js";
import { refuse, requestOf } from "./request.js";
import { runJson, runText } from "./run-text.js";

export async function runCommand(
  invocation: Invocation,
  options: RunOptions & { readonly nodes: readonly string[]; readonly retry: boolean },
): Promise<number> {
  const { terminal } = invocation;
  const asked = options.retry ? await retryInRun(invocation, options) : null;
  if (asked !== null) return asked;
  terminal.runs();
  const view = createTerminalView({
    renderer: options.progress as Renderer,
    stream: process.stderr,
    environment: process.env,
  });
  const request = requestOf(invocation, options, {
    targets: options.nodes,
    retry: options.retry,
    failFast: options.failFast ?? false,
    strategy: options.strategy ?? null,
    failOn: options.failOn ?? null,
  });
  const end = await run(request, view, (warnings) => terminal.diagnose(warnings), terminal.ask);
  if ("diagnostics" in end) {
    await refuse(terminal, end);
    if (options.json)
      terminal.print(
        JSON.stringify({ exitCode: end.exitCode, failure: end.failure, diagnostics: end.diagnostics }, null, 2),
      );
    return end.exitCode;
  }
  const told = { ...end, summary: end.report === null ? null : summaryOf(end.report) };
  terminal.print(options.json ? JSON.stringify(runJson(told), null, 2) : runText(told));
  return end.exitCode;
}

/** Asks the run that is on; null where none is, or where it is asked for what only a run of its own can do. */
async function retryInRun(
  invocation: Invocation,
  options: RunOptions & { readonly nodes: readonly string[] },
): Promise<number | null> {
  const { state, test, strategy, nodes } = options;
  if (state.length + test.length > 0 || strategy !== undefined) return null;
  const loaded = settings(requestOf(invocation, options));
  // The long way tells what is wrong.
  if ("exitCode" in loaded) return null;
  const asked = await askRun(loaded.config.dir, { kind: "retry", nodes }, patienceFor(invocation, true));
  if (asked.kind === "idle" || asked.kind === "ended") return null;
  const exitCode = askedExit(asked, true, exitCodes.complete);
  const text = askedText(asked, "");
  invocation.terminal.print(options.json ? JSON.stringify({ version: 1, exitCode, ...asked }, null, 2) : text);
  return exitCode;
}
