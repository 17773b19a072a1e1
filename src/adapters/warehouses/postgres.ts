/**
 * The Postgres warehouse: a pool of connections, one read-only transaction a query.
 * The driver is loaded on first use.
 */
import { failed, ok, type Result } from "../../model/result.js";
import type { Query, Warehouse, WarehouseAdapter, WarehouseContext } from "../../model/warehouse.js";
import { postgres as dialect } from "../../sql/postgres.js";
import { describe, preflight, withGrant } from "./postgres-catalog.js";
import { connect } from "./postgres-connection.js";
import { literal, runSelect, type Session } from "./postgres-query.js";
import { fromProfile, type PostgresSettings, secrets, settings } from "./postgres-settings.js";

/** How values look, whatever the server, its databases and its users have as defaults: digests and findings depend on it. */
const exact = {
  standard_conforming_strings: "on",
  TimeZone: "UTC",
  DateStyle: "ISO, YMD",
  IntervalStyle: "postgres",
  extra_float_digits: "1",
  bytea_output: "hex",
  xmlbinary: "base64",
};

async function open(given: PostgresSettings, context: WarehouseContext): Promise<Result<Warehouse>> {
  const connections = await connect(given, context);
  if (!connections.ok) return connections;
  const session: Session = {
    connections: connections.value,
    settings: settingsOf(given),
    tag: `audit-run/${context.audit}`,
    types: new Map(),
  };
  const opened = warehouse(session, given.role ?? given.user);
  // The role and the search path are tried now: later, each query would fail by them.
  const tried = await opened.query("select 1", { signal: context.signal });
  if (tried.ok) return ok(opened);
  await opened.close();
  return tried;
}

function settingsOf({ searchPath, schema, role }: PostgresSettings): Session["settings"] {
  const texts = {
    ...exact,
    ...(role === undefined ? {} : { role }),
    ...(searchPath === undefined ? {} : { search_path: searchPath }),
  };
  const values = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, literal(text)]));
  if (searchPath !== undefined || schema === undefined) return values;
  // Functions of an extension may live where the server's own path leads.
  const first = literal(dialect.quote(schema));
  return { ...values, search_path: `concat_ws(', ', ${first}, nullif(current_setting('search_path'), ''))` };
}

function warehouse(session: Session, role: string): Warehouse {
  let closing: Promise<void> | null = null;
  const plain: Query = async (sql, options) => {
    if (closing !== null) return failed("aborted", "the warehouse is closed");
    return runSelect(session, sql, options);
  };
  const query: Query = async (sql, options) => {
    const result = await plain(sql, options);
    if (result.ok || result.failure.code !== "grant-missing") return result;
    return { ok: false, failure: await withGrant(plain, result.failure, sql, role) };
  };
  return {
    dialect,
    query,
    describe: (relations) => describe(query, relations),
    preflight: (relations) => preflight(query, relations),
    close() {
      closing ??= session.connections.close();
      return closing;
    },
  };
}

export const postgres: WarehouseAdapter<PostgresSettings> = {
  id: "postgres",
  settings: settings as WarehouseAdapter<PostgresSettings>["settings"],
  open,
  fromProfile,
  secrets,
};
