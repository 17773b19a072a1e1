/** `audit-run explain <node or case>`: why it would run now or not, and why it ran or did not the last time. */

import { explain } from "../audit/explain.js";
import { plan } from "../audit.js";
import { closest } from "../support/suggest.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function explainCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly subject: string },
): Promise<number> {
  const { terminal } = invocation;
  const end = await plan(requestOf(invocation, options));
  if ("diagnostics" in end) return refuse(terminal, end);
  const explained = await explain(end.planned, options.subject);
  if (explained.kind === "unknown") {
    const node = `investigate:${options.subject}`;
    const near = explained.known.includes(node) ? node : closest(options.subject, explained.known);
    terminal.say(`error: there is no node or case ${JSON.stringify(options.subject)}`);
    terminal.say(
      near === undefined
        ? "  hint: `audit-run plan` lists the nodes; a case is written <test>@<group>."
        : `  did you mean ${JSON.stringify(near)}?`,
    );
    return 2;
  }
  terminal.print(options.json ? JSON.stringify(explained, null, 2) : explained.lines.join("\n"));
  return 0;
}
