/** `audit-run`, `audit-run run <node…>` and `audit-run retry`. */
import { summaryOf } from "../audit/end-summary.js";
import { run } from "../audit.js";
import { createTerminalView, type Renderer } from "../reporters/terminal/index.js";
import type { Invocation, RunOptions } from "./options.js";
import { refuse, requestOf } from "./request.js";
import { runJson, runText } from "./run-text.js";

export async function runCommand(
  invocation: Invocation,
  options: RunOptions & { readonly nodes: readonly string[]; readonly retry: boolean },
): Promise<number> {
  const { terminal } = invocation;
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
  const end = await run(request, view, (warnings) => terminal.diagnose(warnings));
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
