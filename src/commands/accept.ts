/** `audit-run accept <case or task>`: writes an accepted failure into audit.exceptions.yaml, and tells a running audit. */
import { exitCodes } from "../audit/exit-codes.js";
import { accept } from "../audit.js";
import { harmless } from "../reporters/terminal/text.js";
import { askedExit, askedText, patienceFor } from "./asking.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export interface AcceptOptions extends CommonOptions {
  readonly reason: string;
  readonly owner: string;
  readonly expires: string;
  readonly ticket?: string;
  readonly wait: boolean;
}

export async function acceptCommand(invocation: Invocation, subject: string, options: AcceptOptions): Promise<number> {
  const { terminal } = invocation;
  const { reason, owner, expires, ticket } = options;
  const acceptation = { reason, owner, expires, ...(ticket === undefined ? {} : { ticket }) };
  const request = requestOf(invocation, options);
  const end = await accept(request, subject, acceptation, patienceFor(invocation, options.wait));
  if ("exitCode" in end) return refuse(terminal, end);
  const { file, entries, asked } = end.accepted;
  // The entry is written; only a run that goes on can still be without it.
  const exitCode = askedExit(asked, options.wait, exitCodes.complete);
  const told = exitCode === exitCodes.usage ? exitCodes.incomplete : exitCode;
  if (options.json) {
    terminal.print(JSON.stringify({ version: 1, exitCode: told, file, entries, run: asked }, null, 2));
    return told;
  }
  for (const { at, test, group } of entries) {
    const until = expires === "never" ? "for good" : `until ${expires}`;
    terminal.print(harmless(`${at}: ${test} in ${group} is accepted ${until}.`));
  }
  terminal.print(askedText(asked, "The next run takes it in."));
  return told;
}
