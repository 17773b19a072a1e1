/** `audit-run affected --base <rev>`: what a change of files would investigate again. */

import { type Affected, affectedBy } from "../audit/affected.js";
import { loadArtifacts } from "../audit/open.js";
import { plan } from "../audit.js";
import { counted } from "../model/amount.js";
import { harmless } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function affectedCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly base: string },
): Promise<number> {
  const { terminal } = invocation;
  const end = await plan(requestOf(invocation, options));
  if ("diagnostics" in end) return refuse(terminal, end);
  const { assignment, loaded } = end.planned;
  const artifacts = await loadArtifacts(loaded.config);
  if (!artifacts.ok) {
    terminal.refuse(artifacts.failure);
    return 4;
  }
  const cases = assignment?.tasks.flatMap((task) => task.cases.map((item) => item.case)) ?? [];
  if (artifacts.value.project === null || assignment === null) {
    terminal.say("error: nothing is known of the tests yet; run `audit-run` first, with a manifest");
    return 4;
  }
  const affected = await affectedBy(options.base, cases, artifacts.value.project, loaded.config);
  if (!affected.ok) {
    terminal.refuse(affected.failure);
    return 2;
  }
  terminal.print(
    options.json ? JSON.stringify({ version: 1, ...affected.value }, null, 2) : asText(affected.value, cases.length),
  );
  return 0;
}

function asText({ base, changed, cases }: Affected, total: number): string {
  const lines = cases.map(({ case: id, files }) => `${harmless(id)}  ${files.map(harmless).join(", ")}`);
  const files = `${counted(changed.length, "file")} of the dbt project changed since ${harmless(base)}`;
  return [...lines, `${files}: ${cases.length} of ${counted(total, "case")} would be investigated again.`].join("\n");
}
