/** `audit-run mcp`: the agents' tools on stdin and stdout, for a person's own agent. stdout belongs to the protocol. */
import { loadAudit } from "../audit/load.js";
import { serveTools } from "../audit/serve-tools.js";
import { registries } from "../audit.js";
import { counted } from "../model/amount.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function mcpCommand(
  invocation: Invocation,
  options: Pick<CommonOptions, "config"> & { readonly task?: string },
): Promise<number> {
  const { terminal } = invocation;
  const loaded = await loadAudit(requestOf(invocation, options), registries);
  if ("exitCode" in loaded) return refuse(terminal, loaded);
  await terminal.diagnose(loaded.warnings);
  const served = await serveTools(loaded, {
    task: options.task ?? null,
    streams: process,
    ready: (open) => terminal.say(`${counted(open, "case")} without a finding; tools are served on stdin and stdout`),
    warn: (message) => terminal.say(`warning: ${message}`),
  }).finally(() => loaded.agent.close());
  if ("exitCode" in served) return refuse(terminal, served);
  terminal.say(
    served.admitted === 0
      ? "No finding was handed in."
      : `${counted(served.admitted, "finding")} handed in and kept; \`audit-run\` puts them into the report.`,
  );
  return 0;
}
