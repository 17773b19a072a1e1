import { expect, test } from "vitest";
import { stringify } from "yaml";
import { configJsonSchema, findingJsonSchema } from "../../src/config/schema.js";
import { adapters, loaded, memoryFiles, smallest, usualFiles } from "./rig.js";

interface Property {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly oneOf?: readonly { readonly properties?: Readonly<Record<string, { readonly const?: unknown }>> }[];
}

const schema = configJsonSchema(adapters);
const properties = schema.properties as Readonly<Record<string, Property>>;
const examples = Object.entries(properties).flatMap(([key, property]) =>
  (property.examples ?? []).map((example) => [key, example] as const),
);

test("every top-level key says what it is", () => {
  expect(Object.entries(properties).filter(([, { description }]) => description === undefined)).toEqual([]);
  expect(schema).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#", title: "audit.config.yaml" });
});

test("an adapter's settings are a branch chosen by its id", () => {
  const ids = (key: string, by: string) => properties[key]?.oneOf?.map((branch) => branch.properties?.[by]?.const);
  expect(ids("agent", "use")).toEqual(["lineage", "command"]);
  expect(ids("warehouse", "use")).toEqual(["duckdb"]);
  expect(ids("slots", "provider")).toEqual([undefined, "worktree", "copy", "command", "none"]);
});

test.each(examples)("the example of %s is right: %j", (key, example) => {
  const files = memoryFiles([
    ...usualFiles,
    "/data/ai-platform-dbt/dbt/dbt_project.yml",
    "/data/audits/audit.prompt.md",
    "/home/me/.claude-swarm/",
  ]);
  const lines = smallest.split("\n").filter((line) => !line.startsWith(`${key}:`));
  expect(() => loaded(`${lines.join("\n")}${stringify({ [key]: example })}`, { files })).not.toThrow();
});

test("the answer of an agent is strict, so that a misspelt field is noticed", () => {
  expect(findingJsonSchema()).toMatchObject({
    additionalProperties: false,
    required: ["findings"],
    properties: { findings: { items: { additionalProperties: false } } },
  });
});
