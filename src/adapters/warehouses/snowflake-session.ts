/**
 * One session: logged in, with the parameters under which values have one text. Knows no pool and no other session.
 */
import type { Connection, ConnectionOptions } from "snowflake-sdk";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import { textParameters } from "./snowflake-cells.js";
import { commonOptions, loadDriver } from "./snowflake-driver.js";
import { failureOf, loginFailure } from "./snowflake-errors.js";

export interface Session {
  readonly connection: Connection;
  /** Logs out; waits for the answer, but not for long. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly login: ConnectionOptions;
  readonly account: string;
  readonly secondaryRoles: "none" | "all";
  readonly role: string | undefined;
  readonly signal: AbortSignal;
}

/** Failure codes: warehouse-auth, warehouse-unreachable, aborted. */
export async function openSession(options: SessionOptions): Promise<Result<Session>> {
  const { login, account, secondaryRoles, role, signal } = options;
  if (signal.aborted) return cancelled();
  const driver = await loadDriver();
  let connection: Connection;
  try {
    // A copy: the driver writes into what it gets.
    connection = driver.createConnection({ ...commonOptions, ...login });
  } catch (error) {
    return { ok: false, failure: { ...loginFailure(error, account), code: "warehouse-auth" } };
  }
  const connecting = connect(connection);
  const refused = await aborted(signal, connecting);
  if (refused === "aborted") {
    // A login cannot be called back; one that comes through after all is undone.
    connecting.then((error) => (error === null ? logout(connection) : null)).catch(() => undefined);
    return cancelled();
  }
  if (refused !== null) return { ok: false, failure: loginFailure(refused.error, account) };
  const session = { connection, close: () => logout(connection) };
  const parameters = Object.entries(textParameters).map(([name, value]) => `${name} = '${value}'`);
  // What runs when audit-run is killed is ended by the server, minutes later, whatever the statement's own limit.
  const settings = `alter session set ${parameters.join(" ")} ABORT_DETACHED_QUERY = true`;
  for (const sql of [settings, `use secondary roles ${secondaryRoles}`]) {
    const failure = await aborted(signal, run(connection, sql, role));
    if (failure === null || isBound(sql, failure)) continue;
    await session.close();
    return failure === "aborted" ? cancelled() : { ok: false, failure };
  }
  return ok(session);
}

/** A token that is made for one role has no say over others, and no rights of theirs. */
function isBound(sql: string, failure: Failure | "aborted"): boolean {
  if (failure === "aborted" || !sql.startsWith("use secondary roles")) return false;
  return failure.code === "grant-missing" || failure.code === "query-failed";
}

/** Some errors of a login come by the callback, others are thrown. */
async function connect(connection: Connection): Promise<{ readonly error: unknown } | null> {
  try {
    return await new Promise((resolve, reject) => {
      connection.connectAsync((error) => resolve(error ? { error } : null)).catch(reject);
    });
  } catch (error) {
    return { error };
  }
}

function run(connection: Connection, sqlText: string, role: string | undefined): Promise<Failure | null> {
  return new Promise((resolve) => {
    connection.execute({ sqlText, complete: (error) => resolve(error ? failureOf(error, role) : null) });
  });
}

/** How long a logout may keep the process. The server forgets the session by itself, later. */
const patience = 2_000;

function logout(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patience);
    try {
      connection.destroy(() => {
        clearTimeout(timer);
        resolve();
      });
    } catch {
      clearTimeout(timer);
      resolve();
    }
  });
}

function aborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value | "aborted"> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve("aborted");
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function cancelled() {
  return failed("aborted", "opening the warehouse was cancelled");
}
