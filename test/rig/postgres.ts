/**
 * A real Postgres server for tests: Debian's programs on 127.0.0.1, with a data folder and a port of its own. One for all
 * tests of a process, started when first asked for; each test makes a database of its own. It ends with the process that
 * started it, however that ends. Knows no adapter.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  /** Folder of the server's Unix socket; there nobody is asked for a password. */
  readonly socketDir: string;
  /** The server's data folder: its settings are read again by `select pg_reload_conf()`. */
  readonly dataDir: string;
  /** Superuser, with a password on 127.0.0.1. */
  readonly admin: Login;
  /** May read every table, and nothing else. */
  readonly reader: Login;
  /** Runs statements as the superuser, one by one. */
  run(database: string, statements: readonly string[]): Promise<void>;
  /** Rows of one statement of the superuser, as text. */
  rows(database: string, sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** A new database that holds what the statements make. */
  database(statements: readonly string[]): Promise<PostgresDatabase>;
  stop(): Promise<void>;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface PostgresDatabase {
  readonly name: string;
  readonly server: PostgresServer;
  /** What opens it in audit.config.yaml, beside `use: postgres`; as the reader. */
  readonly settings: Record<string, unknown>;
  run(statements: readonly string[]): Promise<void>;
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  drop(): Promise<void>;
}

const admin: Login = { user: "audit_admin", password: "admin's secret" };
const reader: Login = { user: "audit_reader", password: "reader's secret" };
const templates = fileURLToPath(new URL("../../.test-tools", import.meta.url));

let shared: Promise<PostgresServer> | undefined;

/** The server of this process. */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres();
  return shared;
}

export interface ServerOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Files of the data folder: certificates, or another pg_hba.conf. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A server of one's own, for tests that stop it or need it otherwise. */
export async function startPostgres({ settings = {}, files = {} }: ServerOptions = {}): Promise<PostgresServer> {
  const programs = findPrograms();
  const account = ownAccount();
  const folder = mkdtempSync(join(tmpdir(), "audit-run-postgres-"));
  const dataDir = join(folder, "data");
  cpSync(template(programs, account), dataDir, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text, { mode: 0o600 });
  giveTo(account, folder);
  const port = await freePort();
  const server = { listen_addresses: "127.0.0.1", port: String(port), unix_socket_directories: folder };
  const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", shared_buffers: "16MB" };
  const small = { max_connections: "60", autovacuum: "off", jit: "off" };
  // Other defaults than the adapter is to have: the session's settings must not depend on the server's.
  const odd = { timezone: "America/New_York", datestyle: "SQL, DMY", extra_float_digits: "0", bytea_output: "escape" };
  const all = { ...server, ...quick, ...small, ...odd, ...settings };
  const given = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  const child = await started(programs, account, folder, given);
  return opened({ child, folder, dataDir, port });
}

/**
 * The server ends when its standard input does, that is with this process: a killed worker of vitest leaves nothing behind.
 * A group of its own, since Ctrl-C in a terminal would end the shell before it has cleaned up.
 */
const keeper = `folder=$1; program=$2; shift 2
"$program" -D "$folder/data" "$@" </dev/null 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$folder"`;

function started(
  programs: string,
  account: Account,
  folder: string,
  settings: readonly string[],
): Promise<ChildProcess> {
  const options = settings.flatMap((setting) => ["-c", setting]);
  const child = spawn("sh", ["-c", keeper, "sh", folder, join(programs, "postgres"), ...options], {
    ...account,
    cwd: "/",
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  let said = "";
  let isReady = false;
  return new Promise((resolve, reject) => {
    const end = () => reject(new Error(`Postgres did not start:\n${said}`));
    child.once("error", reject);
    child.once("exit", end);
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (text: string) => {
      said = `${said}${text}`.slice(-4_000);
      if (isReady || !said.includes("is ready to accept connections")) return;
      isReady = true;
      child.off("exit", end);
      // None of these is to keep the tests' process alive.
      child.unref();
      for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref?(): void } | null)?.unref?.();
      resolve(child);
    });
  });
}

async function opened(parts: {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly dataDir: string;
  readonly port: number;
}): Promise<PostgresServer> {
  const { child, folder, dataDir, port } = parts;
  const connected = async <Value>(database: string, use: (client: pg.Client) => Promise<Value>): Promise<Value> => {
    const client = new pg.Client({ host: folder, port, user: admin.user, database });
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  };
  const server: PostgresServer = {
    host: "127.0.0.1",
    port,
    socketDir: folder,
    dataDir,
    admin,
    reader,
    run: (database, statements) =>
      connected(database, async (client) => {
        for (const statement of statements) await client.query(statement);
      }),
    rows: (database, sql) =>
      connected(database, async (client) => {
        const text = { getTypeParser: () => (value: string) => value };
        return (await client.query({ text: sql, rowMode: "array", types: text as never })).rows;
      }),
    database: (statements) => makeDatabase(server, statements),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.ref();
      child.stdin?.destroy();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}

let databases = 0;

async function makeDatabase(server: PostgresServer, statements: readonly string[]): Promise<PostgresDatabase> {
  databases += 1;
  const name = `audit_${databases}`;
  await server.run("postgres", [`create database ${name}`]);
  await server.run(name, statements);
  return {
    name,
    server,
    settings: {
      host: server.host,
      port: server.port,
      user: reader.user,
      password: reader.password,
      database: name,
      schema: "public",
    },
    run: (more) => server.run(name, more),
    rows: (sql) => server.rows(name, sql),
    drop: () => server.run("postgres", [`drop database ${name} with (force)`]),
  };
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Postgres refuses to run as root: root lends it the account that Debian's package makes. */
function ownAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = lines.find((each) => each.startsWith("postgres:")) ?? lines.find((each) => each.startsWith("nobody:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined || gid === undefined) throw new Error("no account that Postgres could run as");
  return { uid: Number(uid), gid: Number(gid) };
}

function giveTo({ uid, gid }: Account, folder: string): void {
  chmodSync(folder, 0o700);
  if (uid === undefined || gid === undefined) return;
  for (const entry of readdirSync(folder, { recursive: true })) chownSync(join(folder, String(entry)), uid, gid);
  chownSync(folder, uid, gid);
}

/** Folder of Postgres' programs: Debian keeps them off the PATH, one folder a version. */
function findPrograms(): string {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((left, right) => Number(right) - Number(left)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  const found = folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
  if (found === undefined)
    throw new Error("no Postgres server here; `node scripts/setup-test-parts.mjs` says how to get one");
  return found;
}

/** A data folder as initdb makes it, kept for the next time: it costs more than all else. */
function template(programs: string, account: Account): string {
  const roles = [
    `alter role ${admin.user} password '${admin.password.replaceAll("'", "''")}';`,
    `create role ${reader.user} login password '${reader.password.replaceAll("'", "''")}' in role pg_read_all_data;`,
  ].join(" ");
  const version = spawnSync(join(programs, "postgres"), ["--version"], { encoding: "utf8" }).stdout;
  const digest = createHash("sha256").update(`${version}${roles}`).digest("hex").slice(0, 8);
  const kept = join(templates, `postgres-${/[\d.]+/.exec(version)?.[0]}-${digest}`);
  if (existsSync(kept)) return kept;
  const folder = mkdtempSync(join(tmpdir(), "audit-run-initdb-"));
  giveTo(account, folder);
  const data = join(folder, "data");
  must(account, join(programs, "initdb"), [
    ...["-D", data, "--no-sync", "--wal-segsize=1", "--encoding=UTF8", "--locale=C"],
    ...["--auth-local=trust", "--auth-host=scram-sha-256", "-U", admin.user],
  ]);
  // The server's single mode takes one statement a line.
  const lines = roles.replaceAll("; ", ";\n");
  must(account, join(programs, "postgres"), ["--single", "-D", data, "postgres"], `${lines}\n`);
  mkdirSync(dirname(kept), { recursive: true });
  const half = mkdtempSync(join(templates, "postgres-half-"));
  cpSync(data, join(half, "data"), { recursive: true });
  try {
    renameSync(join(half, "data"), kept);
  } catch (error) {
    // Another process was faster; its folder is as good.
    if (!existsSync(kept)) throw error;
  }
  void rm(half, { recursive: true, force: true });
  void rm(folder, { recursive: true, force: true });
  return kept;
}

function must(account: Account, program: string, args: readonly string[], input = ""): void {
  const options = {
    ...account,
    input,
    cwd: "/",
    encoding: "utf8" as const,
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
  };
  const { status, stderr, error } = spawnSync(program, args, options);
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
}

/** Free a moment ago; Postgres cannot choose one itself. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
