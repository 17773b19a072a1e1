/** `audit-run verify`: is what earlier runs have finished as it was written? */
import { relative } from "node:path";
import type { Verified } from "../audit/upkeep.js";
import { verify } from "../audit.js";
import type { CommonOptions, Invocation } from "./options.js";
import { requestOf } from "./request.js";

export async function verifyCommand(invocation: Invocation, options: CommonOptions): Promise<number> {
  const { terminal } = invocation;
  const end = await verify(requestOf(invocation, options));
  if ("diagnostics" in end) {
    await terminal.diagnose(end.diagnostics);
    if (end.failure !== null) terminal.refuse(end.failure);
    return end.exitCode;
  }
  const { verified, exitCode } = end;
  terminal.print(options.json ? JSON.stringify({ version: 1, exitCode, ...verified }, null, 2) : asText(verified));
  return exitCode;
}

function asText({ folder, traces, outputs, unused, damage }: Verified): string {
  const place = `${relative(process.cwd(), folder) || "."}/traces`;
  const counts = `${traces} traces, ${outputs} outputs${unused === 0 ? "" : `, of which ${unused} unused`}`;
  if (damage.length === 0) return `${place}: ${counts}; all is as it was written.`;
  return [
    ...damage.map((each) => `${place}/${harmless(each)}`),
    `${place}: ${counts}; ${damage.length} damaged. A run does anew what it needs of it; \`audit-run clean\` drops it.`,
  ].join("\n");
}

/** Subjects are names of tests and values of the data. */
function harmless(text: string): string {
  return text.replaceAll(/\p{C}/gu, "\uFFFD");
}
