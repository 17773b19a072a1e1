/**
 * A small audit without dbt, in a temp folder: a DuckDB file with one tested table and its stored failures, the
 * artifacts that a test run would have left, a config, and the built program to run it with.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { AuditEventLine } from "../../src/model/events.js";
import { writeDuckdb } from "../fakes/warehouse.js";

export const root = resolve(fileURLToPath(import.meta.url), "../../..");
const cli = join(root, "dist/cli.js");

/** Test name → group value → number of failing rows. */
export type Failures = Readonly<Record<string, readonly (readonly [group: string | null, rows: number])[]>>;

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AuditFolder {
  readonly folder: string;
  /** Writes audit.config.yaml: the small audit's settings with `more` over them. */
  configure(more?: Record<string, unknown>): Promise<void>;
  /** Runs the built program. */
  run(...args: string[]): Promise<Ended>;
  start(...args: string[]): Running;
  /** Text of a file below the folder. */
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Events of the newest run. */
  events(): Promise<readonly AuditEventLine[]>;
  remove(): Promise<void>;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves when stderr holds the text. */
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** A folder with the config `config`, or with none. */
export async function auditFolder(env: Readonly<Record<string, string>> = {}): Promise<AuditFolder> {
  const folder = await mkdtemp(join(tmpdir(), "audit-run-e2e-"));
  const start = (...args: string[]): Running => startProgram(folder, args, env);
  return {
    folder,
    configure: (more = {}) => writeFile(join(folder, "audit.config.yaml"), stringify({ ...smallConfig, ...more })),
    start,
    run: (...args) => start(...args).ended,
    read: (path) => readFile(join(folder, path), "utf8"),
    write: (path, text) => writeFile(join(folder, path), text),
    events: () => newestEvents(join(folder, ".audit")),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const smallConfig = {
  version: 1,
  name: "small",
  repos: { dbt: { path: "project" } },
  warehouse: { use: "duckdb", path: "small.duckdb" },
  summary: { artifacts: "project/target" },
  groupBy: "state",
  // Agents that cost money need one.
  budget: { audit: 100, tokens: 100_000_000 },
};

/** An audit whose tests fail as said. */
export async function smallAudit(failures: Failures, more: Record<string, unknown> = {}): Promise<AuditFolder> {
  const audit = await auditFolder();
  await setFailures(audit, failures);
  await audit.configure(more);
  return audit;
}

/** Makes the tests fail as said, as a new test run would. */
export async function setFailures(audit: AuditFolder, failures: Failures): Promise<void> {
  const file = join(audit.folder, "small.duckdb");
  await rm(file, { force: true });
  const tests = Object.keys(failures);
  await writeDuckdb(file, smallTables(failures));
  const target = join(audit.folder, "project/target");
  await mkdir(target, { recursive: true });
  await writeFile(join(target, "manifest.json"), JSON.stringify(manifest(tests)));
  await writeFile(join(target, "run_results.json"), JSON.stringify(runResults(failures)));
}

/** The tested table, in the schema that names are looked up in, and the stored failures; DuckDB and Postgres both take it. */
export function smallTables(failures: Failures): readonly string[] {
  const rows = Object.entries(failures).flatMap(([test, groups]) =>
    groups.flatMap(([group, count]) => Array.from({ length: count }, (_, id) => ({ test, group, id }))),
  );
  const values = rows.map(({ test, group, id }) => `(${text(test)}, ${text(group)}, ${id}, null)`).join(", ");
  return [
    "create schema failures",
    "create table bids (test varchar, state varchar, id integer, vendor varchar)",
    ...(rows.length === 0 ? [] : [`insert into bids values ${values}`]),
    ...Object.keys(failures).map(
      (test) => `create table failures."${test}" as select state, id, vendor from bids where test = ${text(test)}`,
    ),
  ];
}

function text(value: string | null): string {
  return value === null ? "null" : `'${value.replaceAll("'", "''")}'`;
}

function manifest(tests: readonly string[]) {
  const model = {
    unique_id: "model.small.bids",
    resource_type: "model",
    name: "bids",
    package_name: "small",
    database: "small",
    schema: "main",
    alias: "bids",
    relation_name: '"small"."main"."bids"',
    original_file_path: "models/bids.sql",
    raw_code: "select * from raw.bids",
    compiled_code: "select * from raw.bids",
    depends_on: { nodes: [], macros: [] },
    config: { materialized: "table" },
    columns: {},
  };
  const nodes = tests.map((name) => ({
    unique_id: `test.small.${name}`,
    resource_type: "test",
    name,
    package_name: "small",
    database: "small",
    schema: "failures",
    alias: name,
    relation_name: `"small"."failures"."${name}"`,
    original_file_path: `tests/${name}.sql`,
    raw_code: `select state, id, vendor from {{ ref('bids') }} where test = '${name}'`,
    compiled_code: `select state, id, vendor from "small"."main"."bids" where test = '${name}'`,
    depends_on: { nodes: ["model.small.bids"], macros: [] },
    config: { materialized: "test", store_failures: true, severity: "ERROR" },
    columns: {},
  }));
  return {
    metadata: {
      dbt_schema_version: "https://schemas.getdbt.com/dbt/manifest/v12.json",
      dbt_version: "1.12.6",
      project_name: "small",
      adapter_type: "duckdb",
      invocation_id: "small-invocation",
      generated_at: "2026-02-03T00:00:00Z",
    },
    nodes: Object.fromEntries([model, ...nodes].map((node) => [node.unique_id, node])),
    sources: {},
    macros: {},
  };
}

function runResults(failures: Failures) {
  const results = Object.entries(failures).map(([name, groups]) => {
    const count = groups.reduce((sum, [, rows]) => sum + rows, 0);
    return {
      unique_id: `test.small.${name}`,
      status: count === 0 ? "pass" : "fail",
      failures: count,
      message: count === 0 ? null : `Got ${count} results`,
      relation_name: `"small"."failures"."${name}"`,
    };
  });
  return {
    metadata: {
      dbt_schema_version: "https://schemas.getdbt.com/dbt/run-results/v6.json",
      invocation_id: "small-invocation",
      generated_at: "2026-02-03T00:00:00Z",
    },
    results,
  };
}

/** The demo as a user has it: the examples, the config and the exceptions, in a folder of its own. */
export async function demoFolder(env: Readonly<Record<string, string>> = {}): Promise<AuditFolder> {
  const audit = await auditFolder(env);
  for (const part of ["examples", "audit.config.yaml", "audit.exceptions.yaml"]) {
    const ignored = /[/\\](\.data|target|logs|\.audit)([/\\]|$)/;
    await cp(join(root, part), join(audit.folder, part), {
      recursive: true,
      filter: (path) => !ignored.test(path.slice(root.length)),
    });
  }
  await symlink(join(root, "node_modules"), join(audit.folder, "node_modules"));
  return audit;
}

/**
 * Settings of `agent:` for a program that answers each case of its prompt. `body` may use `cases` ([{test, group, failures}]),
 * `task`, `note(text)` (appends a line to calls.txt in the audit's folder) and `answer(cases)`.
 */
export async function agentProgram(audit: AuditFolder, body = "answer(cases);"): Promise<Record<string, unknown>> {
  await audit.write("agent.mjs", `${agentPrelude}\n${body}\n`);
  return { use: "command", command: [process.execPath, "./agent.mjs"] };
}

const agentPrelude = `import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
const prompt = readFileSync(0, "utf8");
const task = process.env.AUDIT_TASK;
const cases = prompt.split("\\n").filter((line) => line.startsWith('{"test":') && line.includes('"failures":')).map((line) => JSON.parse(line));
const note = (text) => appendFileSync(new URL("calls.txt", import.meta.url), text + "\\n");
const finding = ({ test, group, failures }) => ({
  test, group, failures,
  classification: "needs_fix",
  confidence: "high",
  root_cause: "The join of bids loses the vendor of these rows.",
  recommendation: "Join by vendor_id.",
  evidence: [{ title: "rows without a vendor", sql: 'select count(*) as n from "small"."failures"."' + test.replaceAll('"', '""') + '" where vendor is null' }],
});
const answer = (which) => process.stdout.write(JSON.stringify({ findings: which.map(finding) }));
note(task + ": " + cases.map(({ test, group }) => test + "@" + group).join(" "));`;

/** What the agents were asked, a line a call. */
export async function calls(audit: AuditFolder): Promise<readonly string[]> {
  const text = await audit.read("calls.txt").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

function startProgram(folder: string, args: readonly string[], more: Readonly<Record<string, string>>): Running {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { PATH, HOME, LANG, TMPDIR, ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<Ended>((resolvePromise, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolvePromise({ exitCode, stdout, stderr }));
  });
  if (child.pid === undefined) throw new Error("the program did not start");
  return {
    pid: child.pid,
    ended,
    says: (wanted) =>
      new Promise((resolvePromise, reject) => {
        const look = (): void => {
          if (!stderr.includes(wanted)) return;
          listeners.delete(look);
          resolvePromise();
        };
        listeners.add(look);
        ended.then(() => reject(new Error(`it ended without saying ${wanted}: ${stderr}`)), reject);
        look();
      }),
    kill: (signal) => void child.kill(signal),
  };
}

async function newestEvents(dir: string): Promise<readonly AuditEventLine[]> {
  const { readdir } = await import("node:fs/promises");
  const runs = (await readdir(join(dir, "runs"))).sort();
  const lines = (await readFile(join(dir, "runs", runs.at(-1) ?? "", "events.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as AuditEventLine);
}

/** Node → outcome, of the newest run's investigations. */
export function investigations(events: readonly AuditEventLine[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    events.flatMap((event): [string, string][] => {
      if (event.type === "reused") return event.nodes.map((node) => [node, "reused"]);
      return event.type === "settled" && event.node.startsWith("investigate:") ? [[event.node, event.outcome]] : [];
    }),
  );
}
