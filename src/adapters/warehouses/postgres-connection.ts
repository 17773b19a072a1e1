/**
 * Connections to Postgres: TLS as libpq's sslmode says, a pool of them, and the cancelling of what one of them runs.
 * Knows no query.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { ConnectionOptions } from "node:tls";
import type { ClientConfig, Pool, PoolClient } from "pg";
import { failed, ok, type Result } from "../../model/result.js";
import type { WarehouseContext } from "../../model/warehouse.js";
import { orAborted } from "./abortable.js";
import { isTls, read, type Target, unreachable } from "./postgres-errors.js";
import type { PostgresSettings } from "./postgres-settings.js";

export interface Connections {
  readonly target: Target;
  /** One for its caller alone. Failure codes: warehouse-auth, warehouse-unreachable, aborted. */
  lease(signal: AbortSignal | undefined): Promise<Result<Lease>>;
  close(): Promise<void>;
}

export interface Lease {
  readonly client: PoolClient;
  /** It has served before, so the other side may have hung up meanwhile. */
  readonly used: boolean;
  /** Asks the server, over another connection, to end what this one runs. */
  cancel(): Promise<void>;
  /** Hands it back; `broken`: nobody else is to get it. */
  release(broken: boolean): void;
}

/** Connects once, to know that it can and whether by TLS. */
export async function connect(settings: PostgresSettings, context: WarehouseContext): Promise<Result<Connections>> {
  const target = targetOf(settings);
  const tls = await tlsOf(settings, context);
  if (!tls.ok) return tls;
  const pg = await import("pg");
  let problem: unknown;
  for (const ssl of tls.value) {
    if (context.signal.aborted) return failed("aborted", "opening the warehouse was cancelled");
    const config = configOf(settings, context, ssl);
    const client = new pg.Client(config);
    // A failure to connect is thrown; what comes after it is of no interest.
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return ok(connections(pg, config, target, context));
    } catch (error) {
      problem = error;
      await client.end().catch(() => {});
      // What the other way of connecting cannot mend either.
      if (!(isTls(error) || read(error).code === "28000")) break;
    }
  }
  return { ok: false, failure: unreachable(problem, target) };
}

function connections(
  pg: typeof import("pg"),
  config: ClientConfig,
  target: Target,
  context: WarehouseContext,
): Connections {
  // The pool would apply its limit of time to waiting for a free connection, too, and that may rightly take long.
  class TimedClient extends pg.Client {
    constructor() {
      super(config);
    }
  }
  const pool: Pool = new pg.Pool({ max: context.maxConnections, idleTimeoutMillis: 60_000, Client: TimedClient });
  // An idle connection was cut; the pool has forgotten it already.
  pool.on("error", () => {});
  const seen = new WeakSet<PoolClient>();
  return {
    target,
    async lease(signal) {
      const leased = pool.connect();
      try {
        const client = await orAborted(leased, signal);
        if (client === null) {
          // It comes all the same, and goes back unused.
          leased.then((late) => late.release()).catch(() => {});
          return failed("aborted", "the query was cancelled");
        }
        const used = seen.has(client);
        seen.add(client);
        // Without a listener an error of the connection would end the process; the query that runs fails with it.
        const ignore = () => {};
        client.on("error", ignore);
        return ok({
          client,
          used,
          cancel: () => cancel(pg, config, client),
          release(broken) {
            client.off("error", ignore);
            client.release(broken);
          },
        });
      } catch (error) {
        return { ok: false, failure: unreachable(error, target) };
      }
    },
    close: () => pool.end(),
  };
}

/** The protocol's own way: a connection of its own that carries the other's number and secret, and is closed at once. */
function cancel(pg: typeof import("pg"), config: ClientConfig, client: PoolClient): Promise<void> {
  const { processID, secretKey } = client as unknown as { readonly processID: number; readonly secretKey: number };
  const ssl = config.ssl ?? false;
  const connection = new pg.Connection({ ssl } as ConstructorParameters<typeof pg.Connection>[0]) as unknown as Wire;
  return new Promise((done) => {
    const limit = setTimeout(end, 2_000);
    function end(): void {
      clearTimeout(limit);
      connection.stream.destroy();
      done();
    }
    connection.on("connect", () => (ssl === false ? connection.cancel(processID, secretKey) : connection.requestSsl()));
    connection.on("sslconnect", () => connection.cancel(processID, secretKey));
    connection.on("error", end);
    connection.on("end", end);
    const { host = "", port = 0 } = config;
    if (host.startsWith("/")) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
}

/** What the driver's types leave out of its connection. */
interface Wire {
  readonly stream: { destroy(): void };
  on(event: "connect" | "sslconnect" | "error" | "end", listener: () => void): void;
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

function targetOf(settings: PostgresSettings): Target {
  const { host, port, database, user, role = null, sslmode } = settings;
  return { host, port, database, user, role, sslmode };
}

function configOf(settings: PostgresSettings, context: WarehouseContext, ssl: Tls): ClientConfig {
  const { host, port, user, database, connectTimeout, keepalivesIdle } = settings;
  const password = settings.password ?? context.env.PGPASSWORD;
  return {
    host,
    port,
    user,
    database,
    ...(password === undefined ? {} : { password }),
    ssl,
    connectionTimeoutMillis: connectTimeout * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: (keepalivesIdle ?? 0) * 1000,
    application_name: "audit-run",
  };
}

type Tls = false | ConnectionOptions;

/** The ways to try, in their order, as libpq's documentation has them for each sslmode. */
async function tlsOf(settings: PostgresSettings, context: WarehouseContext): Promise<Result<readonly Tls[]>> {
  const { sslmode, host } = settings;
  if (sslmode === "disable" || host.startsWith("/")) return ok([false]);
  const options = await certificates(settings, context);
  if (!options.ok) return options;
  const { ca, ...own } = options.value;
  const unchecked = { ...own, rejectUnauthorized: false };
  const checked = { ...own, ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true };
  // As in libpq: certificates to trust turn `require` into `verify-ca`.
  const issuer = { ...checked, checkServerIdentity: () => undefined };
  if (sslmode === "prefer") return ok([unchecked, false]);
  if (sslmode === "allow") return ok([false, unchecked]);
  if (sslmode === "verify-full") return ok([checked]);
  return ok([sslmode === "verify-ca" || ca !== undefined ? issuer : unchecked]);
}

async function certificates(settings: PostgresSettings, context: WarehouseContext): Promise<Result<ConnectionOptions>> {
  const home = context.env.HOME ?? homedir();
  const options: { ca?: string; cert?: string; key?: string } = {};
  const files = [
    ["ca", "sslrootcert", "root.crt"],
    ["cert", "sslcert", "postgresql.crt"],
    ["key", "sslkey", "postgresql.key"],
  ] as const;
  for (const [option, setting, usual] of files) {
    const given = settings[setting];
    // Node's own list of trusted issuers.
    if (given === "system") continue;
    const path = given === undefined ? join(home, ".postgresql", usual) : inFolder(context.baseDir, home, given);
    try {
      options[option] = await readFile(path, "utf8");
    } catch (error) {
      if (given === undefined) continue;
      return failed("warehouse-auth", `warehouse.${setting}: '${path}' cannot be read`, {
        hint: "check the path; it is relative to audit.config.yaml (or to the profile's folder)",
        detail: String(error),
      });
    }
  }
  return ok(options);
}

function inFolder(folder: string, home: string, path: string): string {
  if (path.startsWith("~/")) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(folder, path);
}
