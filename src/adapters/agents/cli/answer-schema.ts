/**
 * The JSON Schema of an answer, as a program's structured output takes it.
 * Knows no program; its shape comes from model/finding.ts.
 */
import { z } from "zod";
import { AgentAnswer } from "../../../model/finding.js";

type Json = Record<string, unknown>;

export function answerSchema(): Json {
  const { $schema, ...schema } = z.toJSONSchema(AgentAnswer, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema }) => {
      // zod bounds every integer by what JavaScript can hold: true, and noise to a reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as Json;
  return schema;
}

/** Bounds that a strict structured output does not know. What they forbid is refused at admission. */
const unknownToStrict = /^(min|max|exclusive)|^default$/;

/**
 * OpenAI's strict form (https://platform.openai.com/docs/guides/structured-outputs): every property is required, and what
 * may be left out may be null instead.
 */
export function strictAnswerSchema(): Json {
  return strict(answerSchema()) as Json;
}

function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key]) => !unknownToStrict.test(key));
  const schema = Object.fromEntries(kept.map(([key, each]) => [key, strict(each)])) as Json;
  if (schema.type !== "object") return schema;
  const properties = schema.properties as Record<string, Json>;
  const required = new Set(schema.required as string[]);
  const all = Object.entries(properties).map(([name, each]) => [name, required.has(name) ? each : orNull(each)]);
  return { ...schema, properties: Object.fromEntries(all), required: Object.keys(properties) };
}

function orNull(schema: Json): Json {
  const { description, ...rest } = schema;
  return { anyOf: [rest, { type: "null" }], ...(description === undefined ? {} : { description }) };
}

/** The same value without the nulls that stand for what was left out. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutNulls(each)]));
}
