/** `audit-run explain <node or case>`: why it would run now or not, and why it ran or did not the last time. */

import { resolve } from "node:path";
import { type Explanation, explain, explainWhole } from "../audit/explain.js";
import type { Refusal } from "../audit/load.js";
import { stillWhole } from "../audit/whole-trace.js";
import { visible } from "../reporters/terminal/text.js";
import { closest } from "../support/suggest.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function explainCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly subject: string },
): Promise<number> {
  const { terminal } = invocation;
  const explained = (await atAGlance(options.config, options.subject)) ?? (await judged(invocation, options));
  if ("diagnostics" in explained) return refuse(terminal, explained);
  if (explained.kind === "unknown") {
    const near = closest(options.subject, explained.known);
    terminal.say(`error: there is no node or case ${JSON.stringify(options.subject)}`);
    terminal.say(
      near === undefined
        ? "  hint: `audit-run plan` lists the nodes; a case is written <test>@<group>."
        : `  did you mean ${JSON.stringify(near)}?`,
    );
    return 2;
  }
  terminal.print(options.json ? JSON.stringify(explained, null, 2) : visible(explained.lines.join("\n")));
  return 0;
}

async function atAGlance(config: string, subject: string): Promise<Explanation | null> {
  const whole = stillWhole(resolve(config), process.env, Date.now());
  return whole === null ? null : explainWhole(whole, subject);
}

async function judged(
  invocation: Invocation,
  options: CommonOptions & { readonly subject: string },
): Promise<Explanation | Refusal> {
  const { plan } = await import("../audit.js");
  const end = await plan(requestOf(invocation, options));
  return "diagnostics" in end ? end : explain(end.planned, options.subject);
}
