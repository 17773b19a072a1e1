/**
 * A small audit on a real Postgres server: its tables and artifacts, and a user who has the rights that an audit needs and no
 * others. Knows no test.
 */
import type { PostgresServer } from "./postgres.js";
import { type AuditFolder, auditFolder, type Failures, setFailures, smallTables } from "./small-audit.js";

export const failures: Failures = {
  late_bid: [
    ["VA", 3],
    ["TX", 1],
  ],
  "it's an; odd vendor": [
    ["VA", 2],
    [null, 1],
    ["'; drop table bids; --", 2],
  ],
};

export const password = "canary-of-postgres";

/** `warehouse` is laid over the settings of the warehouse. */
export async function smallAuditIn(
  server: PostgresServer,
  { warehouse = {}, ...more }: { readonly warehouse?: object } & Readonly<Record<string, unknown>> = {},
): Promise<AuditFolder> {
  await server.run("postgres", ["drop database if exists small with (force)", "create database small"]);
  await server.run("small", [
    "create schema main",
    "set search_path to main",
    ...smallTables(failures),
    "drop role if exists auditor",
    `create role auditor login password '${password}'`,
    "grant usage on schema main, failures to auditor",
    "grant select on all tables in schema main, failures to auditor",
  ]);
  const audit = await auditFolder({ PG_PASSWORD: password });
  await setFailures(audit, failures);
  const login = { user: "auditor", password: `\${PG_PASSWORD}` };
  const place = { use: "postgres", host: server.host, port: server.port, database: "small" };
  await audit.configure({ warehouse: { ...place, ...login, ...warehouse }, ...more });
  return audit;
}
