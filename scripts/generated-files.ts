/**
 * The files in this repository that are written by a program: where each is, and what is in it.
 * A new one is one more entry; `npm run generate` writes them, a test says when one is stale.
 */
import { agents } from "../src/adapters/agents/index.js";
import { slots } from "../src/adapters/slots/index.js";
import { warehouses } from "../src/adapters/warehouses/index.js";
import { exitCodes } from "../src/audit/exit-codes.js";
import { createProgram } from "../src/commands/program.js";
import { createTerminal } from "../src/commands/terminal.js";
import { adapterSettings, configJsonSchema, exceptionsJsonSchema, findingJsonSchema } from "../src/config/schema.js";
import { cliReference } from "./cli-docs.js";
import { configReference } from "./config-docs.js";

export interface GeneratedFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly render: () => string;
}

const configSchema = configJsonSchema(adapterSettings({ agents, slots, warehouses }));
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

export const generatedFiles: readonly GeneratedFile[] = [
  { path: "schema/audit.config.schema.json", render: () => json(configSchema) },
  { path: "schema/finding.schema.json", render: () => json(findingJsonSchema()) },
  { path: "docs/config.md", render: () => configReference(configSchema, exceptionsJsonSchema()) },
  { path: "docs/cli.md", render: cliPage },
];

/** The parser is only looked at: no command runs. */
function cliPage(): string {
  const terminal = createTerminal();
  const program = createProgram({ terminal, argv: [] }, () => undefined);
  terminal.dispose();
  return cliReference(program, exitCodes);
}
