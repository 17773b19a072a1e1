/** `audit-run graph`. */
import { plan } from "../audit.js";
import { formatGraph, type GraphFormat } from "../graph/format.js";
import type { Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function graphCommand(
  invocation: Invocation,
  options: { readonly config: string; readonly format: string },
): Promise<number> {
  const { terminal } = invocation;
  const end = await plan(requestOf(invocation, options));
  if ("diagnostics" in end) return refuse(terminal, end);
  terminal.print(formatGraph(end.planned.graph, options.format as GraphFormat));
  return 0;
}
