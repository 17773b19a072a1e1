/**
 * From Postgres' errors to failures. Codes and routines are looked at, not words: a server may speak any language.
 * Knows no connection.
 */
import type { Failure } from "../../model/result.js";
import { postgres as dialect } from "../../sql/postgres.js";

/** What the driver throws: an answer of the server, or an error of the network. */
interface PostgresError {
  readonly message: string;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;
  readonly position: number;
  readonly routine: string;
}

export function read(error: unknown): PostgresError {
  const given = typeof error === "object" && error !== null ? (error as Readonly<Record<string, unknown>>) : {};
  const text = (name: string) => (typeof given[name] === "string" ? given[name] : "");
  // Node tries a name's addresses one by one, and puts the errors together without a message.
  const inner = Array.isArray(given.errors) ? read(given.errors[0]) : null;
  return {
    message: text("message") || inner?.message || String(error),
    code: text("code") || inner?.code || "",
    detail: text("detail"),
    hint: text("hint"),
    position: Number(text("position")),
    routine: text("routine"),
  };
}

/** The connection is of no use any more; the statement itself is not to blame. */
export function isCut(error: unknown): boolean {
  const { code, message } = read(error);
  return (
    /^(08...|57P0[1-5]|25P03)$/.test(code) ||
    /^E(CONN|PIPE|TIMEDOUT|HOST|NET)/.test(code) ||
    /^Connection terminated|not queryable|timeout expired/.test(message)
  );
}

/** Another transaction was in the way: the same SELECT may pass now (on a standby, recovery says so as well). */
export function mayPass(error: unknown): boolean {
  return /^40(001|P01)$/.test(read(error).code);
}

/** Failure of a statement. `sql` only where positions are those of the text as it was given. */
export function failureOf(error: unknown, sql: string | null): Failure {
  const { code, message, detail, hint, position, routine } = read(error);
  const marked = sql === null || !(position > 0) ? "" : `\n${line(sql, position)}`;
  const told = [`${message}${marked}`, detail, hint === "" ? "" : `HINT: ${hint}`].filter((part) => part !== "");
  const words = told.join("\n").slice(0, 2_000);
  if (isCut(error)) {
    return {
      code: "warehouse-unreachable",
      message: `the connection to Postgres was cut while a query ran: ${words}`,
      hint: "see the server's log for the reason; run again, nothing that was found is lost",
    };
  }
  // A name of an alias that is nowhere has the same code as a table that is nowhere.
  if ((code === "42P01" && routine !== "errorMissingRTE") || code === "3F000") {
    return { code: "relation-missing", message: words };
  }
  if (code === "42501") {
    return { code: "grant-missing", message: words, hint: "ask for the right to read it (GRANT SELECT ON … TO …)" };
  }
  if (code === "25006") return refused(`it would write: ${message}`);
  if (code === "42601" && routine === "exec_parse_message") return refused("it holds several statements");
  return { code: "query-failed", message: words };
}

export function refused(reason: string): Failure {
  return {
    code: "query-refused",
    message: `the query is refused: ${reason}`,
    hint: "write exactly one SELECT (or WITH … SELECT) that reads tables and views",
  };
}

/** The line that an error points at, with a mark under the word. */
function line(sql: string, position: number): string {
  const before = [...sql].slice(0, position - 1).join("");
  const start = before.lastIndexOf("\n") + 1;
  const number = before.split("\n").length;
  const whole = sql.slice(start).split("\n", 1)[0] ?? "";
  const from = Math.max(0, before.length - start - 60);
  const label = `LINE ${number}: ${from > 0 ? "…" : ""}`;
  return `${label}${whole.slice(from, from + 120)}\n${" ".repeat(label.length + before.length - start - from)}^`;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly role: string | null;
  readonly sslmode: string;
}

/** Why there is no connection, with the next step. */
export function unreachable(error: unknown, target: Target): Failure {
  const { code, message } = read(error);
  const { host, port, database, user, role, sslmode } = target;
  const where = `Postgres at ${host}${host.startsWith("/") ? "" : `:${port}`}`;
  const auth = (reason: string, hint: string): Failure => ({
    code: "warehouse-auth",
    message: `${where}: ${reason}`,
    hint,
    detail: message,
  });
  const away = (reason: string, hint: string): Failure => ({
    code: "warehouse-unreachable",
    message: `${where}: ${reason}`,
    hint,
    detail: message,
  });
  if (code === "28P01") {
    return auth(
      `the password of user '${user}' is refused`,
      "check warehouse.password, or dbt's profile; `dbt debug` tries the same",
    );
  }
  if (/SCRAM-SERVER-FIRST-MESSAGE|client password must be a string/.test(message)) {
    return auth(`user '${user}' needs a password`, "set warehouse.password from a variable, or set PGPASSWORD");
  }
  if (code === "28000")
    return auth(
      `user '${user}' is not let in: ${message}`,
      "check warehouse.user and sslmode, and the server's pg_hba.conf",
    );
  if (code === "3D000")
    return auth(`there is no database '${database}'`, "check warehouse.database (dbname in dbt's profile)");
  if (code === "42501" && role === null) {
    return auth(
      `user '${user}' may not use database '${database}'`,
      `GRANT CONNECT ON DATABASE ${dialect.quote(database)} TO ${dialect.quote(user)}`,
    );
  }
  if (role !== null && /^(42501|22023|42704)$/.test(code)) {
    return auth(
      `user '${user}' cannot take the role '${role}': ${message}`,
      `GRANT ${dialect.quote(role)} TO ${dialect.quote(user)}, or correct warehouse.role`,
    );
  }
  if (code === "53300") return away("it has no connection left", "lower concurrency.warehouse, or end other sessions");
  if (code === "57P03") return away("it is starting up or shutting down", "wait a moment and run again");
  if (code === "ECONNREFUSED" || code === "ENOENT")
    return away("nobody answers (connection refused)", "start the server, or check warehouse.host and warehouse.port");
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return away(`the name '${host}' is not known`, "check warehouse.host; is a VPN needed?");
  if (code === "ETIMEDOUT" || /timeout/i.test(message))
    return away("no answer in time", "check the network, or raise warehouse.connectTimeout");
  if (isTls(error))
    return auth(`TLS failed: ${message}`, `check warehouse.sslmode ('${sslmode}') and warehouse.sslrootcert`);
  return away(
    `no connection: ${message}`,
    "check warehouse in audit.config.yaml, or dbt's profile; `dbt debug` tries the same",
  );
}

/** No TLS there, or a certificate that is not to be trusted. */
export function isTls(error: unknown): boolean {
  const { code, message } = read(error);
  return (
    /SSL|TLS|certificate|altnames/i.test(message) ||
    /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)
  );
}
