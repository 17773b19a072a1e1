/**
 * The whole schema of audit.config.yaml: the model's shape, with the settings that each adapter brings.
 * And the JSON Schemas that editors and agents read. Knows no adapter by name.
 */
import { z } from "zod";
import { type AdapterSettings, agentShape, configShape, Slots } from "../model/config.js";
import { exceptionsShape } from "../model/exceptions.js";
import { AgentAnswer } from "../model/finding.js";

/** A registry, as adapters/<kind>/index.ts exports it. */
type Registry = Readonly<Record<string, { readonly settings: z.ZodType; readonly fromConnection?: unknown }>>;

/** The settings' schemas out of the three registries. */
export function adapterSettings(registries: {
  readonly agents: Registry;
  readonly warehouses: Registry;
  readonly slots: Registry;
}): AdapterSettings {
  const settings = (registry: Registry) =>
    Object.fromEntries(Object.entries(registry).map(([id, adapter]) => [id, adapter.settings]));
  return {
    agents: settings(registries.agents),
    warehouses: settings(registries.warehouses),
    slots: settings(registries.slots),
    connections: Object.entries(registries.warehouses).flatMap(([id, { fromConnection }]) =>
      fromConnection === undefined ? [] : [id],
    ),
  };
}

/** Each top-level key with its schema; the loader checks them one by one, so that a broken one hides no other. */
export function configSections(adapters: AdapterSettings) {
  return {
    ...configShape,
    warehouse: z
      .discriminatedUnion("use", warehouseBranches(adapters))
      .optional()
      .describe(configShape.warehouse.description ?? ""),
    slots: z
      .discriminatedUnion("provider", [
        // Without a provider there are no settings either: the loader chooses one by what the repositories are.
        z.strictObject({ count: Slots.shape.count, provider: z.undefined().optional() }),
        ...branches("provider", adapters.slots, { count: Slots.shape.count }),
      ])
      .prefault({})
      .describe(configShape.slots.description ?? "")
      .meta({ examples: [{ count: 5 }] }),
    agent: z
      .discriminatedUnion("use", branches("use", adapters.agents, agentShape))
      .prefault({ use: "lineage" })
      .describe(configShape.agent.description ?? ""),
  };
}

type Branch = z.ZodObject<Record<string, z.ZodType>, z.core.$strict>;

/** One strict object per adapter: its settings, and the key that chooses it. */
function branches(
  key: "use" | "provider",
  settings: Readonly<Record<string, z.ZodType>>,
  more: Readonly<Record<string, z.ZodType>> = {},
): [Branch, ...Branch[]] {
  const [first, ...rest] = Object.entries(settings).map(([id, schema]): Branch => {
    if (!(schema instanceof z.ZodObject)) throw new Error(`BUG: settings of ${id} are no z.strictObject`);
    return schema.strict().safeExtend({ ...more, [key]: z.literal(id) }) as Branch;
  });
  if (first === undefined) throw new Error(`BUG: no adapter is registered for ${key}`);
  return [first, ...rest];
}

const connection = z
  .string()
  .min(1)
  .optional()
  .describe(
    "Take the fields that are missing here from this connection of the vendor's own file, and not from dbt's profile.",
  );

/** Each of its settings may be missing here: dbt's profile, or a file of connections, may have it. */
function warehouseBranches({ warehouses, connections }: AdapterSettings): [Branch, ...Branch[]] {
  const partial = Object.entries(warehouses).map(([id, schema]) => {
    const fields = Object.entries(shapeOf(id, schema)).map(([name, field]) => [name, z.optional(field)]);
    const more = connections.includes(id) ? { connection } : {};
    return [id, z.strictObject({ ...Object.fromEntries(fields), ...more })] as const;
  });
  return branches("use", Object.fromEntries(partial));
}

function shapeOf(id: string, schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  if (!(schema instanceof z.ZodObject)) throw new Error(`BUG: settings of ${id} are no z.strictObject`);
  return schema.shape as Readonly<Record<string, z.ZodType>>;
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** Of draft 7, which editors and agents' tools know best. */
export function configJsonSchema(adapters: AdapterSettings): JsonSchema {
  const { $schema, ...rest } = jsonSchema(z.strictObject(configSections(adapters)));
  return {
    $schema,
    title: "audit.config.yaml",
    description: "What `npx audit-run` audits, and how.",
    ...rest,
  };
}

/** What an agent's answer must be. */
export function findingJsonSchema(): JsonSchema {
  const { $schema, ...rest } = jsonSchema(AgentAnswer);
  return { $schema, title: "Findings of an agent", description: "One finding for each case of the task.", ...rest };
}

/** Of audit.exceptions.yaml. */
export function exceptionsJsonSchema(): JsonSchema {
  return jsonSchema(z.strictObject(exceptionsShape));
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === "undefined") jsonSchema.not = {};
      // zod bounds every integer by what JavaScript can hold: true, and noise to a reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
}
