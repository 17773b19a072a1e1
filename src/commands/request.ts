/** From command line options to the request that audit.ts understands. */
import { resolve } from "node:path";
import type { AuditRequest, Refusal } from "../audit/load.js";
import { version } from "../support/version.js";
import type { CommonOptions, Invocation, NarrowingOptions } from "./options.js";
import type { Terminal } from "./terminal.js";

export function requestOf(
  { terminal, argv }: Invocation,
  options: Pick<CommonOptions, "config"> & Partial<NarrowingOptions>,
  more: Partial<Pick<AuditRequest, "targets" | "retry" | "failOn" | "strategy" | "failFast">> = {},
): AuditRequest {
  return {
    configFile: resolve(options.config),
    cwd: process.cwd(),
    env: process.env,
    argv,
    program: [process.execPath, resolve(process.argv[1] ?? "")],
    version,
    now: () => new Date(),
    signal: terminal.signal,
    targets: [],
    selection: { groups: options.state ?? [], tests: options.test ?? [] },
    retry: false,
    failFast: false,
    failOn: null,
    strategy: null,
    ...more,
  };
}

/** Prints why nothing was done; the exit code says of which kind it is. */
export async function refuse(terminal: Terminal, { diagnostics, failure, exitCode }: Refusal): Promise<number> {
  await terminal.diagnose(diagnostics);
  if (failure !== null) terminal.refuse(failure);
  return exitCode;
}
