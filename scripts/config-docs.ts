/**
 * docs/config.md out of the JSON Schema of audit.config.yaml: a section per top-level key.
 * Knows no key by name but those that choose an adapter.
 */
import { stringify } from "yaml";

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: unknown;
}

const introduction = `# audit.config.yaml

<!-- Written by \`npm run generate\` from src/model/config-schema.ts and the adapters. Edit those. -->

One file says what is audited and how. \`npx audit-run schema\` prints its JSON Schema; this first line lets an editor
complete and check it:

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/audit-run/schema/audit.config.schema.json
\`\`\`

- **Paths** are relative to the file's folder; \`~\` is your home.
- **Environment variables** are taken only where a value says so: \`\${NAME}\` in a text, in no key. A variable that is
  not set is an error; there are no defaults. \`$\${\` is a plain \`\${\`, which is what the shell of a command needs.
- **YAML 1.2**: \`no\` and \`NO\` are text, keys are always text. A value such as \`012\` is a number: put it in quotes.
  Aliases (\`*name\`) work; merge keys (\`<<\`), tags (\`!name\`) and several documents do not.
- **Every mistake is reported at once**, with its place, what is allowed, and what was probably meant.
`;

const exceptionsIntroduction = `# audit.exceptions.yaml

Failures that a person has accepted. They are counted and shown in every report, and no agent is asked about them.
`;

export function configReference(schema: Schema, exceptions: Schema): string {
  const parts = [introduction, ...sections(schema), exceptionsIntroduction, ...sections(exceptions)];
  return parts.join("\n");
}

function sections(schema: Schema): readonly string[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([key, each]) => section(key, each, required.has(key)));
}

function section(key: string, schema: Schema, isRequired: boolean): string {
  const facts = [`Type: ${typeText(schema)}`, isRequired ? "required" : defaultText(schema)].filter(
    (fact) => fact !== "",
  );
  const parts = [`## \`${key}\`\n`, schema.description ?? "", `\n${facts.join(" · ")}\n`];
  const choices = schema.oneOf ?? [];
  if (choices.length > 0) parts.push(...choices.map((choice) => choiceText(choice)));
  else parts.push(table(rows(schema, "")));
  if (isLong(schema.default)) parts.push(`Default:\n\n${yamlBlock({ [key]: schema.default })}`);
  parts.push(...(schema.examples ?? []).map((example) => yamlBlock({ [key]: example })));
  return parts.filter((part) => part !== "").join("\n");
}

/** One adapter's settings: its `use` or `provider`, then the rest. */
function choiceText(choice: Schema): string {
  const properties = Object.entries(choice.properties ?? {});
  const chosen = properties.find(([, { const: id }]) => id !== undefined);
  const others = Object.fromEntries(properties.filter(([key, each]) => key !== chosen?.[0] && each.not === undefined));
  const heading = chosen === undefined ? "### By default\n" : `### \`${chosen[0]}: ${String(chosen[1].const)}\`\n`;
  const settings = table(rows({ ...choice, properties: others }, ""));
  return [heading, chosen?.[1].description ?? "", settings === "" ? "No settings.\n" : settings]
    .filter((part) => part !== "")
    .join("\n");
}

type Row = readonly [key: string, type: string, fallback: string, meaning: string];

function rows(schema: Schema, prefix: string): readonly Row[] {
  const shape = mappingOf(schema);
  if (shape?.properties === undefined) return [];
  const required = new Set(shape.required ?? []);
  return Object.entries(shape.properties).flatMap(([key, each]): readonly Row[] => {
    const name = `${prefix}${key}`;
    const fallback = required.has(key) ? "required" : defaultText(each).replace(/^default: /, "");
    const inner = rows(each, each.items === undefined ? `${name}.` : `${name}[].`);
    return [[`\`${name}\``, typeText(each), fallback, each.description ?? ""], ...inner];
  });
}

/** The mapping that a schema is or may be; null where it is none. */
function mappingOf(schema: Schema): Schema | null {
  if (schema.properties !== undefined) return schema;
  if (schema.items?.properties !== undefined) return schema.items;
  return (schema.anyOf ?? []).find(({ properties }) => properties !== undefined) ?? null;
}

function table(lines: readonly Row[]): string {
  if (lines.length === 0) return "";
  const cells = (row: readonly string[]) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[cells(["key", "type", "default", "meaning"]), "|---|---|---|---|", ...lines.map(cells)].join("\n")}\n`;
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(" or ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map(typeText))].join(" or ");
  switch (schema.type) {
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "integer":
      return `whole number${rangeText(schema)}`;
    case "number":
      return `number${rangeText(schema)}`;
    case "array":
      return `list of ${typeText(schema.items ?? {})}`;
    case "object":
      return typeof schema.additionalProperties === "object"
        ? `mapping to ${typeText(schema.additionalProperties)}`
        : "mapping";
    default:
      return "anything";
  }
}

function rangeText({ minimum, maximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`;
  return minimum === undefined ? "" : `, at least ${minimum}`;
}

function defaultText(schema: Schema): string {
  const isMapping = schema.additionalProperties === false || schema.oneOf !== undefined;
  const isEmpty = JSON.stringify(schema.default) === "{}" && isMapping;
  if (schema.default === undefined || isEmpty || isLong(schema.default)) return "";
  return `default: \`${typeof schema.default === "string" ? schema.default : JSON.stringify(schema.default)}\``;
}

function isLong(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).length > 60;
}

function yamlBlock(value: unknown): string {
  return `\`\`\`yaml\n${stringify(value, { lineWidth: 110 })}\`\`\`\n`;
}
