/**
 * The demo in a real Postgres server, built and tested by real dbt: the raw tables as dot-sync loads them, copied over.
 * Knows no audit but its config.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse, stringify } from "yaml";
import { postgres as dialect } from "../../src/sql/postgres.js";
import { type PostgresServer, startPostgres } from "./postgres.js";
import { type AuditFolder, demoFolder, root } from "./small-audit.js";

const dbt = join(root, ".test-tools/venv/bin/dbt");

/** Compiled SQL names it. */
const database = "dot_bids";

export interface PostgresDemo {
  readonly server: PostgresServer;
  /** The examples and a config that reads what dbt has built; its artifacts are in the project's target/. */
  readonly audit: AuditFolder;
  remove(): Promise<void>;
}

/** `changes` are made to the config. The audit logs in by dbt's own profile, as one who may only read. */
export async function demoInPostgres(changes: Readonly<Record<string, unknown>> = {}): Promise<PostgresDemo> {
  const server = await startPostgres();
  const login = { PGHOST: server.host, PGPORT: String(server.port) };
  const { user, password } = server.reader;
  const audit = await demoFolder({ ...login, PGUSER: user, PGPASSWORD: password });
  const remove = async () => {
    await server.stop();
    await audit.remove();
  };
  try {
    await server.run("postgres", [`create database ${database}`]);
    await loadRaw(server, audit);
    const admin = { PGUSER: server.admin.user, PGPASSWORD: server.admin.password };
    runDbt(audit, { ...login, ...admin }, "build", "--exclude-resource-type", "test");
    runDbt(audit, { ...login, ...admin }, "test");
    const config = parse(await audit.read("audit.config.yaml"));
    delete config.warehouse;
    config.repos.dbt.dbtTarget = "postgres";
    config.summary = { artifacts: "examples/dot-bids/target" };
    await audit.write("audit.config.yaml", stringify({ ...config, ...changes }));
    return { server, audit, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Every column is text, as published. */
async function loadRaw(server: PostgresServer, audit: AuditFolder): Promise<void> {
  const project = join(audit.folder, "examples/dot-bids");
  const file = join(audit.folder, "dot_bids.duckdb");
  const script = `import { loadRaw } from "./build/raw.mjs"; await loadRaw(${JSON.stringify(file)}, "data");`;
  must(process.execPath, ["--input-type=module", "-e", script], { cwd: project, env: process.env });
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  try {
    const tables = await connection.runAndReadAll("select schema_name, table_name from duckdb_tables()");
    for (const [schema, table] of tables.getRows()) {
      const name = dialect.relation({ database: null, schema: String(schema), name: String(table) });
      const read = await connection.runAndReadAll(`select * from ${name}`);
      const columns = read.columnNames().map((column) => `${dialect.quote(column)} text`);
      const cell = (value: unknown) => (value === null ? "null" : dialect.literal(String(value)));
      const rows = read.getRows().map((row) => `(${row.map(cell).join(", ")})`);
      const chunks = Array.from({ length: Math.ceil(rows.length / 1_000) }, (_, at) =>
        rows.slice(at * 1_000, at * 1_000 + 1_000),
      );
      await server.run(database, [
        `create schema if not exists ${dialect.quote(String(schema))}`,
        `create table ${name} (${columns.join(", ")})`,
        ...chunks.map((chunk) => `insert into ${name} values ${chunk.join(", ")}`),
      ]);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function runDbt(audit: AuditFolder, login: Readonly<Record<string, string>>, ...args: string[]): void {
  const project = join(audit.folder, "examples/dot-bids");
  const { PATH, HOME } = process.env;
  const env = {
    PATH,
    HOME,
    ...login,
    DO_NOT_TRACK: "1",
    DBT_SEND_ANONYMOUS_USAGE_STATS: "false",
    DBT_PROFILES_DIR: project,
  };
  // dbt ends with 1 when tests fail, and the demo's do.
  must(dbt, [...args, "--target", "postgres"], { cwd: project, env }, args[0] === "test" ? 1 : 0);
}

function must(program: string, args: readonly string[], options: object, wanted = 0): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { ...options, encoding: "utf8" });
  if (status !== wanted)
    throw new Error(`${program} ${args[0]} ended with ${status}: ${error?.message ?? `${stdout}${stderr}`}`);
}
