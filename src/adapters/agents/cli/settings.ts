/**
 * Settings that all agents with a command line share. What a vendor adds is in its file.
 * Knows no program; refuses variables that would send the conversation elsewhere, loosen it, or bring a secret along.
 */
import { z } from "zod";
import type { AgentVariant } from "../../../model/agent.js";
import type { TestRef } from "../../../model/case.js";
import { Duration } from "../../../model/config.js";
import { globs } from "../../../support/glob.js";

const model = z.string().min(1).max(200);
const maxTurns = z.int().min(1).max(1_000);
const budget = z.number().positive().max(1_000);

/** Would run other code, or send what is said to somebody else. */
const redirecting =
  /^(PATH|HOME|NODE_OPTIONS|BUN_.*|LD_.*|DYLD_.*|CLAUDE_CONFIG_DIR|CODEX_HOME|OPENCODE_CONFIG.*|XDG_.*|.*_BASE_URL|.*_ENDPOINT|(HTTPS?|ALL|NO)_PROXY|.*_CUSTOM_HEADERS|ANTHROPIC_MODEL)$/i;
const ofWarehouse = /^(SNOWFLAKE|DBT|DATABRICKS|MOTHERDUCK|REDSHIFT|BIGQUERY|PG)_?[A-Z]/;
const ours = /^AUDIT_/;

function refuse(name: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return "must be the name of a variable";
  if (ours.test(name)) return "must not be set: names with AUDIT_ are our own";
  if (ofWarehouse.test(name))
    return "must not be set: an agent gets no credentials of a warehouse; its queries are run by us";
  if (redirecting.test(name)) {
    return "must not be set here: set it in your own environment, from which it is passed on where the program may have it";
  }
  return null;
}

const env = z
  .record(z.string(), z.string())
  .superRefine((variables, context) => {
    for (const name of Object.keys(variables)) {
      const message = refuse(name);
      if (message !== null) context.addIssue({ code: "custom", path: [name], message });
    }
  })
  .default({})
  .describe(
    "More variables. Of yours it gets what its login and a proxy need, and no others (docs/coding-agents.md lists them).",
  );

export const cliSettings = z.strictObject({
  program: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The program, where it is not on the PATH. What starts with ./ or ../ is taken from the config's folder.",
    ),
  model: model
    .optional()
    .describe("A part of the fingerprint. Default: the program's own, and then nobody notices when that changes."),
  byTest: z
    .record(
      z.string().min(1),
      z.strictObject({ model: model.optional(), maxTurns: maxTurns.optional(), budget: budget.optional() }),
    )
    .default({})
    .describe(
      "Test name → a `model`, `maxTurns` or `budget` of its own, such as a stronger model; `*` and `?` may stand in the name, the first that fits counts. Its cases are a conversation of their own.",
    )
    .meta({ examples: [{ "*_duplicate_*": { model: "opus", maxTurns: 80 } }] }),
  timeout: Duration.optional().describe("One run of the program. Default: `timeouts.task` alone."),
  idleTimeout: Duration.default("10m").describe("It is ended when it has said nothing for so long."),
  attempts: z
    .int()
    .min(1)
    .max(5)
    .default(2)
    .describe(
      "How often it is started for one question, where what went wrong may pass: stalled, killed … Where the model's service refuses, the task waits: `timeouts.refused`.",
    ),
  maxTurns: maxTurns.default(100).describe("Answers of the model in one conversation, each with its calls of tools."),
  budget: budget
    .optional()
    .describe("US dollars for one conversation, re-asks included. It may be overdrawn by its last turn."),
  env,
  maxOutput: z
    .int()
    .min(1_000)
    .max(500_000_000)
    .default(50_000_000)
    .describe("Bytes that it may print, beyond which it is ended."),
  slot: z.boolean().default(true).describe("false: it reads the repositories where they are, and leases no slot."),
  preflight: z
    .boolean()
    .default(true)
    .describe("Ask the program first whether somebody is logged in. false: where it cannot know, as behind a gateway."),
});

export type CliSettings = z.infer<typeof cliSettings>;

/** What counts for one test. */
export interface Variant extends AgentVariant {
  readonly maxTurns: number;
  readonly budget: number | null;
}

/** The settings, and for tests that `byTest` names what is otherwise for them. */
export function variants(settings: CliSettings): (test: Pick<TestRef, "name">) => Variant {
  const own: Variant = {
    key: "",
    model: settings.model ?? null,
    maxTurns: settings.maxTurns,
    budget: settings.budget ?? null,
  };
  const others = Object.entries(settings.byTest).map(([pattern, other], position) => ({
    fits: globs([pattern]),
    variant: {
      key: String(position + 1),
      model: other.model ?? own.model,
      maxTurns: other.maxTurns ?? own.maxTurns,
      budget: other.budget ?? own.budget,
    },
  }));
  return ({ name }) => others.find(({ fits }) => fits(name))?.variant ?? own;
}
