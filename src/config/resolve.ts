/**
 * Valid sections → Config: defaults that depend on other keys, short forms spelled out, paths absolute, times in ms.
 */
import { dirname, join, resolve } from "node:path";
import { type AdapterSettings, type Command, type Config, milliseconds } from "../model/config.js";
import { type CompleteSections, repoName } from "./checks.js";
import type { ConfigFiles } from "./files.js";
import { absolutePath, type PathBase } from "./paths.js";
import { isMapping, valueAt } from "./problems.js";

export interface ResolveContext extends PathBase {
  /** Absolute. */
  readonly file: string;
  readonly adapters: AdapterSettings;
  readonly files: ConfigFiles;
  /** The whole file's value, variables filled in. */
  readonly value: unknown;
}

export function resolveConfig(sections: CompleteSections, context: ResolveContext): Config {
  const at = (path: string) => absolutePath(path, context);
  const atOrNull = (path: string | undefined) => (path === undefined ? null : at(path));
  const { repos, knowledge, timeouts, digest } = sections;
  const dir = at(sections.dir);
  const dbt = {
    path: at(repos.dbt.path),
    dir: repos.dbt.dir,
    projectDir: resolve(at(repos.dbt.path), repos.dbt.dir),
    slot: repos.dbt.slot,
    command: repos.dbt.command,
    profilesDir: atOrNull(repos.dbt.profilesDir),
    profile: repos.dbt.profile ?? null,
    dbtTarget: repos.dbt.dbtTarget ?? null,
    vars: repos.dbt.vars,
    failuresSchema: repos.dbt.failuresSchema ?? null,
    state: repos.dbt.state === undefined ? null : at(repos.dbt.state),
  };
  const sources = repos.sources.map((repo) => ({
    name: repoName(repo, context),
    path: at(repo.path),
    dir: repo.dir,
    slot: repo.slot,
    loads: repo.loads,
  }));
  const { use: agent, runner, ...agentSettings } = sections.agent;
  return {
    file: context.file,
    baseDir: dirname(context.file),
    name: sections.name,
    dir,
    dbt,
    sources,
    warehouse: resolveWarehouse(context.value),
    summary: resolveSummary(sections.summary, dbt, dir, at),
    groupBy: resolveGroupBy(sections.groupBy),
    tests: sections.tests,
    budget: resolveBudget(sections.budget),
    lineage: { maxQueries: sections.lineage.maxQueries ?? null },
    strategy: sections.strategy,
    maxTestsPerTask: sections.maxTestsPerTask,
    slots: resolveSlots(sections.slots, [dbt, ...sources], context),
    agent: { use: agent, runner, settings: agentSettings },
    categories: sections.categories,
    prompt: atOrNull(sections.prompt),
    evidence: sections.evidence,
    exceptionsFile: at(sections.exceptions),
    knowledge: {
      all: knowledge.all ?? null,
      byGroup: dictionary(knowledge.byGroup),
      byTest: dictionary(knowledge.byTest),
    },
    digestIgnore: digest.ignore,
    redactColumns: sections.redactColumns,
    sql: sections.sql,
    timeouts: {
      query: milliseconds(timeouts.query),
      task: milliseconds(timeouts.task),
      claim: milliseconds(timeouts.claim),
      refused: milliseconds(timeouts.refused),
    },
    concurrency: { ...sections.concurrency, agent: sections.concurrency.agent ?? null },
    failOn: sections.failOn,
  };
}

/** Its settings as they are written: its schema fills in defaults when all of them are there. */
function resolveWarehouse(value: unknown): Config["warehouse"] {
  const written = valueAt(value, ["warehouse"]);
  if (!isMapping(written)) return { use: null, settings: {} };
  const { use, connection, ...settings } = written;
  const named = typeof connection === "string" ? { connection } : {};
  return { use: typeof use === "string" ? use : null, settings, ...named };
}

type Dbt = Config["dbt"];
const summaryModel = "marts_test_failures_summary";

function resolveSummary(
  summary: CompleteSections["summary"],
  dbt: Dbt,
  dir: string,
  at: (path: string) => string,
): Config["summary"] {
  const isDefault = summary.run === undefined && summary.artifacts === undefined;
  const cwd = summary.cwd === undefined ? dbt.projectDir : at(summary.cwd);
  const run = isDefault ? summaryCommand(dbt, cwd) : (summary.run ?? null);
  const table = summary.table ?? (isDefault ? summaryModel : undefined);
  const targetPath = join(dir, "dbt-target");
  const leftBy = run === null ? join(dbt.projectDir, "target") : targetPath;
  return {
    run,
    artifacts: summary.artifacts === undefined ? leftBy : at(summary.artifacts),
    targetPath,
    cwd,
    env: summary.env,
    timeout: milliseconds(summary.timeout),
    watermark: summary.watermark ?? null,
    maxAge: summary.maxAge === undefined ? null : milliseconds(summary.maxAge),
    table: table === undefined ? null : resolveTable(table),
  };
}

/** The pattern's `dbt build -s marts_test_failures_summary --vars '{"build_test_summary": true}'`. */
function summaryCommand(dbt: Dbt, cwd: string): Command {
  const vars = Object.entries({ ...dbt.vars, build_test_summary: true });
  return dbtCommand(dbt, cwd, ["build", "-s", summaryModel], Object.fromEntries(vars));
}

/** dbt as the config says that it is called, from the folder `cwd`. */
export function dbtCommand(
  dbt: Dbt,
  cwd: string,
  call: readonly string[],
  vars: Readonly<Record<string, unknown>>,
): string | string[] {
  const pairs = Object.entries(vars).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const words = [...call, ...(pairs.length === 0 ? [] : ["--vars", `{${pairs.join(", ")}}`])];
  if (dbt.profile !== null) words.push("--profile", dbt.profile);
  if (dbt.dbtTarget !== null) words.push("--target", dbt.dbtTarget);
  if (dbt.profilesDir !== null) words.push("--profiles-dir", dbt.profilesDir);
  if (cwd !== dbt.projectDir) words.push("--project-dir", dbt.projectDir);
  return typeof dbt.command === "string"
    ? [dbt.command, ...words.map(shellWord)].join(" ")
    : [...dbt.command, ...words];
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

type Table = NonNullable<CompleteSections["summary"]["table"]>;

function resolveTable(table: Table): NonNullable<Config["summary"]["table"]> {
  if (typeof table === "string") {
    return { relation: table, columns: { test: "test_name", group: null, failures: "failures" } };
  }
  const { test, group, failures } = table.columns;
  return { relation: table.relation, columns: { test, group: group ?? null, failures } };
}

function resolveGroupBy(groupBy: CompleteSections["groupBy"]): Config["groupBy"] {
  const full = typeof groupBy === "string" ? { columns: groupBy, map: {} } : groupBy;
  const columns = typeof full.columns === "string" ? [full.columns] : full.columns;
  const label = "label" in full ? full.label : undefined;
  return { columns, label: label ?? capitalised(columns[0] ?? ""), map: dictionary(full.map) };
}

/** `state` and `STATE` → `State`; `bid_state` → `Bid state`. */
function capitalised(column: string): string {
  const words = (column === column.toUpperCase() ? column.toLowerCase() : column).replaceAll("_", " ").trim();
  return words === "" ? column : words.charAt(0).toUpperCase() + words.slice(1);
}

function resolveSlots(
  slots: CompleteSections["slots"],
  repos: readonly { readonly path: string; readonly slot: boolean }[],
  { adapters, files }: ResolveContext,
): Config["slots"] {
  const { count, provider, ...settings } = slots;
  if (provider !== undefined) return { count, provider, settings };
  const isGit = repos.filter((repo) => repo.slot).every((repo) => files.isGitCheckout(repo.path));
  const chosen = isGit ? "worktree" : "copy";
  return { count, provider: chosen, settings: adapters.slots[chosen]?.parse({}) ?? {} };
}

function resolveBudget(budget: CompleteSections["budget"]): Config["budget"] {
  if (budget === undefined) return null;
  const { audit, task, tokens } = typeof budget === "number" ? { audit: budget } : budget;
  return { audit: audit ?? null, task: task ?? null, tokens: tokens ?? null };
}

/** Without a prototype: a group may be named `constructor`. */
function dictionary(entries: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.assign(Object.create(null) as Record<string, string>, entries);
}
