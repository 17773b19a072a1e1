/**
 * `audit-run init`: looks for all that an audit needs, and proposes a config. Asks nobody and writes nothing; the warehouse is
 * read to see which column may split the failing tests.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { projectFacts } from "../config/dbt-project.js";
import { diskFiles, readTextFile } from "../config/files.js";
import { loadConfig } from "../config/load.js";
import { adapterSettings } from "../config/schema.js";
import { loadProject, loadRunResults } from "../dbt/load.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Project, Resource, RunResults } from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Warehouse } from "../model/warehouse.js";
import { createRedactor, redactStrings, rememberSecrets } from "../support/redact.js";
import { type Credentials, findCredentials } from "./credentials.js";
import { type Choices, configText, type Remarks } from "./init/config-text.js";
import { dbtProjects, type Neighbour, neighbours, repositoryOf } from "./init/dbt-projects.js";
import { type GroupColumn, groupColumns, likelyColumn } from "./init/group-columns.js";
import { dbtCommand, type Installed, installedAgents, installedTmux } from "./init/programs.js";
import type { AuditRequest, Registries } from "./load.js";

export type { Choices } from "./init/config-text.js";

/** What there is. Paths are absolute; nothing secret is in it. */
export interface Found {
  readonly project: {
    readonly name: string;
    readonly folder: string;
    /** Root of its git repository; its own folder where there is none. */
    readonly repository: string;
    /** Other dbt projects that were found. */
    readonly others: readonly string[];
    readonly dbt: string;
  };
  /** Where dbt gets into the warehouse; `problem` says why that could not be read. */
  readonly profile: { readonly source: string; readonly adapter: string } | { readonly problem: string };
  readonly artifacts: {
    readonly folder: string;
    readonly generatedAt: string | null;
    /** Tests of the last run, and how many of them failed. */
    readonly tests: number;
    readonly failing: number;
  } | null;
  readonly failures: {
    /** Whether dbt is told to store them; null where nobody knows. */
    readonly stored: boolean | null;
    /** `DATABASE.SCHEMA`, as the manifest tells. */
    readonly schemas: readonly string[];
    /** By dbt's default naming, where there is no manifest to tell. */
    readonly guess: string | null;
  };
  readonly groupBy: readonly GroupColumn[];
  /** Why columns were not looked at in the warehouse; null where they were. */
  readonly unread: string | null;
  readonly agents: readonly Installed[];
  readonly tmux: Installed | null;
  readonly neighbours: readonly Neighbour[];
  /** dbt's sources, by name. */
  readonly sources: readonly string[];
}

export interface Proposal {
  /** Absolute path of the config: where it was asked for, else in the project's folder for who stands inside of it. */
  readonly file: string;
  readonly found: Found;
  readonly choices: Choices;
  /** The file, for these choices or others. */
  text(choices: Choices): string;
  /** What a run would say of such a file. */
  check(text: string): readonly Diagnostic[];
}

/**
 * @param folder absolute: a dbt project, or where to look for one. @param file absolute: where the config shall be; null: where
 * it is found without being named. Failure code: usage.
 */
export async function lookAround(
  asked: AuditRequest,
  registries: Registries,
  folder: string,
  file: string | null,
): Promise<Result<Proposal>> {
  const [projectFolder, ...others] = dbtProjects(folder);
  if (projectFolder === undefined) {
    return failed("usage", `there is no dbt_project.yml in ${folder}, above it or below it`, {
      hint: "start it in your dbt project, or name its folder: `audit-run init FOLDER`",
    });
  }
  const isInside = !relative(projectFolder, asked.cwd).startsWith("..");
  const request = { ...asked, configFile: file ?? join(isInside ? projectFolder : asked.cwd, "audit.config.yaml") };
  const { env } = request;
  const [root, agents, tmux] = await Promise.all([
    repositoryOf(projectFolder),
    installedAgents(folder, env),
    installedTmux(folder, env),
  ]);
  const repository = root ?? projectFolder;
  const text = readTextFile(join(projectFolder, "dbt_project.yml"));
  const facts = projectFacts(text.kind === "text" ? text.text : "");
  const target = resolve(projectFolder, env.DBT_TARGET_PATH ?? facts.targetPath ?? "target");
  const loaded = await loadProject(target);
  const project = loaded.ok ? loaded.value : null;
  const results = project === null ? null : await testResults(target, project);
  const dbt = dbtCommand([projectFolder, repository]);
  const name = `${(facts.name ?? basename(projectFolder)).replaceAll(/[^A-Za-z0-9_.-]/g, "-").slice(0, 50)}-audit`;
  const base = dirname(request.configFile);
  const testCommand = facts.storesFailures === true ? `${dbt} test` : `${dbt} test --store-failures`;
  const firstChoices: Choices = {
    name: /^[A-Za-z]/.test(name) ? name : `dbt-${name}`,
    dbt: {
      path: pathFrom(base, repository),
      dir: relative(repository, projectFolder).replaceAll("\\", "/") || ".",
      command: dbt,
      failuresSchema: null,
    },
    sources: [],
    summary:
      results !== null && results.tests > 0
        ? { kind: "artifacts", folder: pathFrom(base, target) }
        : { kind: "run", command: testCommand },
    groupBy: null,
    agent: "lineage",
    budget: null,
  };
  const noRemarks: Remarks = {
    ...{ profile: "", failuresIn: [], testCommand, columns: [], failing: 0, agents: [], hasTmux: false },
    ...{ neighbours: [], dbtSources: [] },
  };
  const access = await openDoor(request, registries, configText(firstChoices, noRemarks));
  const failing = project === null ? [] : failingTests(project, results);
  const looked =
    project === null
      ? { columns: [], unread: "there is no manifest.json of dbt yet" }
      : await look(access, request, failing, project);
  const schema =
    access.kind === "open" && typeof access.credentials.shown.schema === "string"
      ? access.credentials.shown.schema
      : null;
  const found: Found = {
    project: { name: facts.name ?? basename(projectFolder), folder: projectFolder, repository, others, dbt },
    profile:
      access.kind === "open"
        ? { source: access.credentials.source, adapter: access.credentials.adapter.id }
        : { problem: access.problem },
    artifacts:
      results === null
        ? null
        : { folder: target, generatedAt: results.generatedAt, tests: results.tests, failing: results.failing.size },
    failures: {
      stored:
        facts.storesFailures ?? (project === null ? null : testsOf(project).some((test) => test.test?.storesFailures)),
      schemas: project === null ? [] : failureSchemas(project),
      guess: project === null && schema !== null ? `${schema}_${facts.testSchema ?? "dbt_test__audit"}` : null,
    },
    groupBy: looked.columns,
    unread: looked.unread,
    agents,
    tmux,
    neighbours: root === null ? [] : await neighbours(repository),
    sources: project === null ? [] : sourceNames(project),
  };
  const remarks: Remarks = {
    profile: "source" in found.profile ? `${found.profile.source} (${found.profile.adapter})` : null,
    failuresIn: found.failures.schemas,
    testCommand,
    columns: found.groupBy,
    failing: failing.length,
    agents,
    hasTmux: tmux !== null,
    neighbours: found.neighbours.map(({ path }) => pathFrom(base, path)),
    dbtSources: found.sources,
  };
  const choices: Choices = {
    ...firstChoices,
    dbt: { ...firstChoices.dbt, failuresSchema: found.failures.guess },
    groupBy: likelyColumn(found.groupBy, failing.length),
  };
  return ok({
    file: request.configFile,
    found,
    choices,
    text: (chosen) => {
      const sources = chosen.sources.map((source) => ({ ...source, path: pathFrom(base, resolve(base, source.path)) }));
      return configText({ ...chosen, sources }, withoutChosen(remarks, sources));
    },
    check: (written) => checked(request, registries, written),
  });
}

function withoutChosen(remarks: Remarks, sources: Choices["sources"]): Remarks {
  const chosen = new Set(sources.map(({ path }) => path));
  return { ...remarks, neighbours: remarks.neighbours.filter((path) => !chosen.has(path)) };
}

function pathFrom(base: string, path: string): string {
  return (relative(base, path) || ".").replaceAll("\\", "/");
}

interface TestRun {
  readonly generatedAt: string | null;
  readonly tests: number;
  readonly failing: ReadonlySet<string>;
}

async function testResults(target: string, project: Project): Promise<TestRun | null> {
  const loaded = await loadRunResults(target, project.adapter);
  if (!loaded.ok) return null;
  const ofTests = resultsOfTests(loaded.value, project);
  const failing = ofTests.filter(({ status }) => status === "fail" || status === "warn");
  return {
    generatedAt: loaded.value.generatedAt,
    tests: ofTests.length,
    failing: new Set(failing.map(({ id }) => id)),
  };
}

function resultsOfTests({ results }: RunResults, project: Project) {
  return results.filter(({ id }) => project.resources.get(id)?.test != null);
}

function testsOf({ resources }: Project): readonly Resource[] {
  return [...resources.values()].filter(({ test }) => test !== null);
}

/** Those of the last run; where none is known to fail, all tests there are. */
function failingTests(project: Project, results: TestRun | null): readonly Resource[] {
  const all = testsOf(project);
  const failing = all.filter(({ id }) => results?.failing.has(id));
  return failing.length > 0 ? failing : all;
}

function failureSchemas(project: Project): readonly string[] {
  const schemas = testsOf(project).flatMap(({ relation, test }) =>
    relation === null || !test?.storesFailures
      ? []
      : [[relation.database, relation.schema].filter((part) => part !== null).join(".")],
  );
  return [...new Set(schemas)].sort();
}

function sourceNames(project: Project): readonly string[] {
  const names = [...project.resources.values()].flatMap(({ sourceName }) => (sourceName === null ? [] : [sourceName]));
  return [...new Set(names)].sort();
}

type Access =
  | { readonly kind: "open"; readonly credentials: Credentials; readonly base: string; readonly name: string }
  | { readonly kind: "closed"; readonly problem: string };

function loaded(request: AuditRequest, registries: Registries, text: string) {
  const { configFile: file, env, cwd } = request;
  const adapters = adapterSettings(registries);
  return loadConfig({ file, text, adapters, env, homeDir: homedir(), cwd, files: diskFiles });
}

/** How the warehouse would be opened for such a config. */
async function openDoor(request: AuditRequest, registries: Registries, text: string): Promise<Access> {
  const outcome = loaded(request, registries, text);
  if ("diagnostics" in outcome) return { kind: "closed", problem: told(outcome.diagnostics) };
  // Files are named as they are seen from the config.
  const seen = { env: request.env, cwd: dirname(request.configFile) };
  const credentials = await findCredentials(outcome, seen, registries.warehouses);
  if ("diagnostics" in credentials) {
    const { failure, diagnostics } = credentials;
    return { kind: "closed", problem: failure?.message ?? told(diagnostics) };
  }
  rememberSecrets(credentials.secrets);
  return { kind: "open", credentials, base: outcome.config.baseDir, name: outcome.config.name };
}

function told(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`)).join("; ");
}

async function look(
  access: Access,
  request: AuditRequest,
  tests: readonly Resource[],
  project: Project,
): Promise<{ readonly columns: readonly GroupColumn[]; readonly unread: string | null }> {
  if (access.kind === "closed") {
    return { columns: await groupColumns(tests, project, null), unread: "dbt's profile could not be read" };
  }
  const { credentials, base, name } = access;
  const scratch = await mkdtemp(join(tmpdir(), "audit-run-init-"));
  const context = { scratchDir: scratch, baseDir: base, env: request.env, maxConnections: 1, audit: name };
  const opened = await credentials.adapter.open(credentials.settings, { ...context, signal: request.signal });
  const redact = createRedactor(credentials.secrets);
  try {
    const warehouse: Warehouse | null = opened.ok ? opened.value : null;
    const columns = await groupColumns(tests, project, warehouse);
    return { columns, unread: opened.ok ? null : redactStrings(opened.failure, redact).message };
  } finally {
    if (opened.ok) await opened.value.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Warnings, too. */
function checked(request: AuditRequest, registries: Registries, text: string): readonly Diagnostic[] {
  const outcome = loaded(request, registries, text);
  return "diagnostics" in outcome ? outcome.diagnostics : outcome.warnings;
}
