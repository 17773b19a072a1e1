/** `audit-run trace <test>`: how the lineage agent follows a test's failing rows upstream. */
import { trace } from "../audit.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";
import { traceMermaid, traceText } from "./trace-text.js";

export interface TraceCommandOptions extends CommonOptions {
  readonly state: readonly string[];
  readonly mermaid?: boolean;
}

export async function traceCommand(
  invocation: Invocation,
  test: string,
  options: TraceCommandOptions,
): Promise<number> {
  const { terminal } = invocation;
  const traced = await trace(requestOf(invocation, options), test, options.state);
  if ("diagnostics" in traced) return refuse(terminal, traced);
  if (options.json) terminal.print(JSON.stringify({ version: 1, ...traced }, null, 2));
  else terminal.print(options.mermaid ? traceMermaid(traced) : traceText(traced));
  return 0;
}
