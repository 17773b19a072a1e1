/**
 * The shape of audit.config.yaml: one zod schema, from which types, checks, docs/config.md and
 * schema/audit.config.schema.json all come. Adapters bring the schema of their own settings.
 * Knows no YAML, no positions in a file and no disk.
 */
import { z } from "zod";

/** Of an audit or a repository: safe in file names and messages. */
export const Name = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
    "must start with a letter and hold only letters, digits, _ . - (at most 64)",
  );

/** `250ms`, `30s`, `10m`, `2h`, `1d`, or a number of seconds. Parsed to milliseconds. */
export const Duration = z
  .union([
    z.number().positive(),
    z
      .string()
      .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, "must be a number of seconds or text such as 30s, 10m, 2h")
      .refine((text) => milliseconds(text) > 0, "must be more than 0"),
  ])
  .describe("A time: `30s`, `10m`, `2h`, `1d`, or a number of seconds.");

/** A Duration that a timer can hold: Node's end at 2^31 ms, just under 25 days, and then fire at once. */
const Timeout = Duration.refine((duration) => milliseconds(duration) <= 24 * 86_400_000, "must be at most 24d");

/** Milliseconds. Whoever forgets a task blocks it for no longer, and a run that waits for it. */
export const longestLease = 7 * 86_400_000;
const Lease = Duration.refine((duration) => milliseconds(duration) <= longestLease, "must be at most 7d");

/** Milliseconds of a Duration. */
export function milliseconds(duration: string | number): number {
  if (typeof duration === "number") return duration * 1000;
  const unit = /[a-z]+$/.exec(duration)?.[0] ?? "s";
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 1000;
  return Number.parseFloat(duration) * factor;
}

const Command = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .describe("Text is run by `sh -c`; a list is a program and its arguments, run without a shell.");

export const DbtRepo = z.strictObject({
  path: z.string().min(1).describe("Root of the git repository (or folder) that holds the dbt project."),
  dir: z.string().min(1).default(".").describe("The dbt project's folder inside the repository."),
  slot: z.boolean().default(true).describe("Give each agent its own checkout of this repository."),
  command: Command.default("dbt").describe(
    "How dbt is called, such as `uv run dbt`. Text is run by `sh -c`; a list is a program and its arguments.",
  ),
  profilesDir: z
    .string()
    .min(1)
    .optional()
    .describe("dbt's --profiles-dir: folder of profiles.yml; default: dbt's own search."),
  profile: z.string().min(1).optional().describe("dbt's --profile; default: the one that dbt_project.yml names."),
  dbtTarget: z.string().min(1).optional().describe("dbt's --target; default: the profile's own."),
  state: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder with the manifest.json of an earlier state of the project, when its tests passed; as dbt's --state. What was changed since is the first suspect of the lineage agent.",
    ),
  vars: z.record(z.string(), z.unknown()).default({}).describe("dbt's --vars. A part of every fingerprint."),
  failuresSchema: z
    .string()
    .min(1)
    .optional()
    .describe("Schema (or DATABASE.SCHEMA) of the stored failures, where the manifest does not say it."),
});

export const SourceRepo = z.strictObject({
  name: Name.optional().describe("Default: the folder's name."),
  path: z.string().min(1).describe("Root of the git repository (or folder)."),
  dir: z.string().min(1).default(".").describe("The folder inside it that matters."),
  slot: z.boolean().default(false).describe("Give each agent its own checkout; otherwise it is read in place."),
  loads: z.array(z.string().min(1)).default([]).describe("dbt source names that this repository loads."),
});

export const SummaryTable = z.strictObject({
  relation: z
    .string()
    .min(1)
    .describe(
      "The summary table: NAME, SCHEMA.NAME or DATABASE.SCHEMA.NAME; a dbt model's name is looked up in the manifest.",
    ),
  columns: z
    .strictObject({
      test: z.string().min(1).default("test_name").describe("Column with the test's name."),
      group: z
        .string()
        .min(1)
        .optional()
        .describe("Column with the group. Default: the first of groupBy.columns that the table has."),
      failures: z.string().min(1).default("failures").describe("Column with the number of failures."),
    })
    .prefault({})
    .describe("Which column is what."),
});

export const Summary = z
  .strictObject({
    run: Command.optional().describe(
      "Command that runs the tests or builds the summary table. It gets DBT_TARGET_PATH, so that it does not overwrite the project's own artifacts. Default, without `artifacts`: the pattern's `dbt build -s marts_test_failures_summary --vars '{\"build_test_summary\": true}'`.",
    ),
    artifacts: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Folder with run_results.json and manifest.json of the test run. With `run`: where that command leaves them (default: its own DBT_TARGET_PATH).",
      ),
    cwd: z.string().min(1).optional().describe("Folder that `run` starts in. Default: the dbt project's folder."),
    env: z.record(z.string(), z.string()).default({}).describe("Environment variables for `run`, besides yours."),
    timeout: Timeout.default("2h").describe("After this time `run` is stopped."),
    watermark: z
      .string()
      .min(1)
      .optional()
      .describe("A query with one value; while it is unchanged the command does not run again."),
    maxAge: Duration.optional().describe("The command does not run again while its last result is younger than this."),
    table: z
      .union([z.string().min(1), SummaryTable])
      .optional()
      .describe("Read the failing tests and groups from this table instead of run_results.json."),
  })
  .prefault({})
  .describe("How the failing tests are found: a command to run, or artifacts that are there already.")
  .meta({
    examples: [
      { run: "uv run dbt test --store-failures" },
      { artifacts: "target", table: "marts_test_failures_summary" },
    ],
  });

export const GroupBy = z
  .union([
    z.string().min(1),
    z.strictObject({
      columns: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
        .describe("Column to group failing rows by; of several, the first one that a relation has."),
      label: z
        .string()
        .min(1)
        .max(60)
        .optional()
        .describe("Heading of a group: `State` makes `# State: VA`. Default: the column's name, capitalised."),
      map: z.record(z.string(), z.string()).default({}).describe("Value in the data → group: `{Virginia: VA}`."),
    }),
  ])
  .describe("What splits each failing test into cases. Text is short for `columns`.")
  .meta({ examples: ["state", { columns: ["state", "state_code"], label: "State", map: { Virginia: "VA" } }] });

export const TestFilter = z
  .strictObject({
    include: z.array(z.string().min(1)).default(["*"]).describe("Test names; `*` and `?` may stand in them."),
    exclude: z.array(z.string().min(1)).default([]).describe("Tests to leave out; the same wildcards."),
    severity: z
      .array(z.enum(["error", "warn"]))
      .min(1)
      .default(["error", "warn"])
      .describe("dbt severities that are audited."),
  })
  .prefault({})
  .describe("Which failing tests are audited.")
  .meta({ examples: [{ exclude: ["dbt_utils_*"], severity: ["error"] }] });

export const CategoryRole = z.enum(["exception", "transformation", "source", "unclear"]);

export const Category = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/, "must be lower-case letters, digits and _ (at most 64), starting with a letter")
    .describe("What agents and reports call it."),
  meaning: z.string().min(1).describe("What a failure of this category is."),
  action: z.string().min(1).describe("What to do about it."),
  role: CategoryRole.optional().describe("Makes it the default category of this role; each role has exactly one."),
});

/** The pattern's four categories. */
export const defaultCategories: readonly z.infer<typeof Category>[] = [
  {
    id: "known_exception",
    meaning: "Documented source data behavior",
    action: "Document, no fix needed",
    role: "exception",
  },
  {
    id: "needs_fix",
    meaning: "Bug in transformation logic",
    action: "Create ticket, fix in dbt",
    role: "transformation",
  },
  { id: "needs_investigation", meaning: "Unclear root cause", action: "Escalate, gather more info", role: "unclear" },
  { id: "source_data_issue", meaning: "Bad data from vendor", action: "Report to data provider", role: "source" },
];

export const StrategyName = z.enum(["per-group", "per-test", "balanced", "auto"]);

export const Knowledge = z
  .strictObject({
    all: z.string().optional().describe("For every case."),
    byGroup: z.record(z.string(), z.string()).default({}).describe("Group → text."),
    byTest: z.record(z.string(), z.string()).default({}).describe("Test name → text."),
  })
  .prefault({})
  .describe("What an expert knows: goes into the prompt and the fingerprint.")
  .meta({ examples: [{ byGroup: { VA: "Bond fees of $2,500 to $5,500 are in bids_value but are no line items." } }] });

const Dollars = z.number().positive().max(1_000_000);

export const RunBudget = z
  .union([
    Dollars,
    z
      .strictObject({
        audit: Dollars.optional().describe("US dollars for one run."),
        task: Dollars.optional().describe(
          "US dollars for one task, with all that it is asked again. Default: what `audit` has left.",
        ),
        tokens: z
          .int()
          .min(1)
          .optional()
          .describe("Tokens for one run, read anew and written; for agents that tell no cost."),
      })
      .refine(({ audit, tokens }) => audit !== undefined || tokens !== undefined, "needs `audit`, or `tokens`"),
  ])
  .describe(
    "What one run may spend on agents; a number is short for `audit`. Where it is used up nothing new starts, what runs may " +
      "finish, and the run ends with exit code 3. An agent that costs money needs one (docs/agents.md).",
  )
  .meta({ examples: [20, { audit: 20, task: 2 }, { tokens: 5_000_000 }] });

export const Slots = z.looseObject({
  count: z.int().min(1).max(64).default(3).describe("How many agents with a checkout of their own run at a time."),
  provider: z
    .string()
    .min(1)
    .optional()
    .describe("Default: worktree, and copy where the repository is no git checkout."),
});

/** Of every agent, whatever its adapter's own settings are. */
export const agentShape = {
  runner: z
    .enum(["process", "tmux"])
    .default("process")
    .describe(
      "`tmux`: each task has a session named agent-va in a private tmux server, in which a person can watch it " +
        "(`audit-run attach VA`). It decides nothing: agents run, and are limited and ended, in the same way.",
    ),
};

/** The pieces that adapters bring: id → schema of its settings (without `use` or `provider`). */
export interface AdapterSettings {
  readonly agents: Readonly<Record<string, z.ZodType>>;
  readonly warehouses: Readonly<Record<string, z.ZodType>>;
  readonly slots: Readonly<Record<string, z.ZodType>>;
  /** Ids of the warehouses whose vendor has a file of named connections. */
  readonly connections: readonly string[];
}

/** Everything but the three adapters' own keys, which `config/schema.ts` puts in from the registries. */
export const configShape = {
  version: z.literal(1).describe("Version of this file's format."),
  name: Name.describe("Name of the audit: `project` in tasks.json.").meta({ examples: ["dot-audit"] }),
  dir: z
    .string()
    .min(1)
    .default(".audit")
    .describe("The audit folder; everything the audit writes is in it. `~` is your home.")
    .meta({ examples: ["~/.claude-swarm/dbt-audit"] }),
  repos: z
    .strictObject({
      dbt: DbtRepo.describe("The dbt project."),
      sources: z.array(SourceRepo).default([]).describe("Repositories of the code that loads its sources."),
    })
    .describe("The code that agents may read.")
    .meta({
      examples: [
        {
          dbt: { path: "../ai-platform-dbt", dir: "dbt", command: "uv run dbt", dbtTarget: "prod" },
          sources: [{ path: "../dot-sync", loads: ["dot_raw"] }],
        },
      ],
    }),
  warehouse: z
    .looseObject({ use: z.string().min(1), connection: z.string().min(1).optional() })
    .optional()
    .describe(
      "Where the data is; it is only ever read. Left out, it is what dbt's profiles.yml says (docs/warehouses.md). What stands " +
        "here counts before the profile's field, and the profile is read only where something that is needed is missing here.",
    ),
  summary: Summary,
  groupBy: GroupBy,
  tests: TestFilter,
  strategy: StrategyName.default("per-group").describe(
    "How cases are packed into tasks, one agent each. `auto` chooses and says why. It changes nothing that is reused.",
  ),
  maxTestsPerTask: z.int().min(1).max(1000).default(12).describe("A task with more cases than this is split."),
  slots: Slots.prefault({}).describe("Isolated checkouts, for the agents that need one."),
  agent: z
    .looseObject({ use: z.string().min(1), ...agentShape })
    .prefault({ use: "lineage" })
    .describe("Who investigates. `lineage` is built in and needs no model."),
  budget: RunBudget.optional(),
  lineage: z
    .strictObject({
      maxQueries: z
        .int()
        .min(1)
        .max(10_000_000)
        .optional()
        .describe(
          "Queries that lineage walks may send in one run, all together. A test whose walk needs more is left for the next " +
            "run: its task fails, and what was found is kept. Default: no limit but `agent.maxQueries` for each test.",
        ),
    })
    .prefault({})
    .describe("The walks of the lineage agent, and those that other agents are told of."),
  categories: z
    .array(Category)
    .min(1)
    .default([...defaultCategories])
    .describe("What a failure can be. Each of the four roles has exactly one category."),
  prompt: z
    .string()
    .min(1)
    .optional()
    .describe("Template file of the prompt; default: the built-in one.")
    .meta({ examples: ["audit.prompt.md"] }),
  evidence: z
    .boolean()
    .default(true)
    .describe(
      "Write an evidence pack for each task, and put samples of its failing rows into the prompt. `false` keeps rows off the " +
        "disk and out of prompts: agents with tools ask for what they need. It changes nothing that is reused.",
    ),
  exceptions: z
    .string()
    .min(1)
    .default("audit.exceptions.yaml")
    .describe("File of accepted failures; it need not exist."),
  knowledge: Knowledge,
  digest: z
    .strictObject({
      ignore: z
        .array(z.string().min(1))
        .default([])
        .describe("Columns that say nothing of the failure, such as load timestamps; `*` may stand in them."),
    })
    .prefault({})
    .describe("What decides whether a case has changed.")
    .meta({ examples: [{ ignore: ["_loaded_at", "dbt_*"] }] }),
  redactColumns: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Columns whose values are shown to nobody: neither to an agent nor in a report; `*` may stand in them. " +
        "Columns go by the name that they have in a query's result, without regard to case: an alias under another name " +
        "is not recognised, and values in the text of SQL are not masked.",
    )
    .meta({ examples: [["*_email", "ssn"]] }),
  sql: z
    .strictObject({
      schemas: z
        .array(z.string().min(1))
        .default([])
        .describe(
          "Schemas (SCHEMA or DATABASE.SCHEMA) that may be read besides those of the manifest's resources and of the stored failures.",
        ),
      functions: z
        .array(z.string().min(1))
        .default([])
        .describe(
          "Functions of your own that only read, as they are called: `to_cents` or `analytics.to_cents`. The warehouse's own " +
            "and those that the project's compiled SQL calls need not be named.",
        ),
    })
    .prefault({})
    .describe("What the SQL of agents, the SQL that findings cite and your own by `query` may use (docs/sql.md).")
    .meta({ examples: [{ schemas: ["REFERENCE.GEO"], functions: ["analytics.to_cents"] }] }),
  timeouts: z
    .strictObject({
      query: Timeout.default("60s").describe("One query."),
      task: Timeout.default("30m").describe("One agent's whole task."),
      claim: Lease.default("30m").describe(
        "How long a task stays with an agent that has claimed it (docs/coordination.md) and gives no sign of life; at most 7d.",
      ),
      refused: Timeout.default("30m").describe(
        "How long tasks wait in all where a model's service refuses them (rate limits, overload), and nothing is answered.",
      ),
    })
    .prefault({})
    .describe("When to give up waiting."),
  concurrency: z
    .strictObject({
      warehouse: z.int().min(1).max(64).default(4).describe("Nodes that query at a time and hold no slot."),
      agent: z
        .int()
        .min(1)
        .max(64)
        .optional()
        .describe(
          "Agents that ask a model at a time; fewer while its service refuses. Default: as many as have a checkout, or may query.",
        ),
    })
    .prefault({})
    .describe("How much happens at a time; agents with a checkout are bounded by `slots.count`."),
  failOn: z
    .array(z.string().min(1))
    .default([])
    .describe("Ids of categories; a finding of one of them makes the exit code 1.")
    .meta({ examples: [["needs_fix"]] }),
} as const;

export type Duration = z.infer<typeof Duration>;
export type Command = z.infer<typeof Command>;
export type StrategyName = z.infer<typeof StrategyName>;
export type CategoryRole = z.infer<typeof CategoryRole>;
export type CategoryConfig = z.infer<typeof Category>;
