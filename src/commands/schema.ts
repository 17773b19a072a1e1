/** `audit-run schema [config|finding]`: the same text as in schema/. */
import { registries } from "../audit.js";
import { adapterSettings, configJsonSchema, findingJsonSchema } from "../config/schema.js";
import type { Invocation } from "./options.js";

export async function schemaCommand({ terminal }: Invocation, what: string): Promise<number> {
  const schema = what === "finding" ? findingJsonSchema() : configJsonSchema(adapterSettings(registries));
  terminal.print(JSON.stringify(schema, null, 2));
  return 0;
}
