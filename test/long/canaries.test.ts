/**
 * Secrets in every field of the three real warehouses, and out of every file that may hold them: the built program runs,
 * fails and looks, servers answer with what they were sent, and nothing of it is printed or kept.
 */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { canaryKey, canarySecret, echoOf, sung, textsIn } from "../rig/canaries.js";
import { sharedPostgres } from "../rig/postgres.js";
import { type AuditFolder, auditFolder, setFailures } from "../rig/small-audit.js";
import { type RecordingServer, recordingServer, refusal } from "../rig/snowflake/server.js";

let audit: AuditFolder;
const env: Record<string, string> = {};
beforeEach(async () => {
  for (const name of Object.keys(env)) delete env[name];
  audit = await auditFolder(env);
  env.HOME = audit.folder;
  await setFailures(audit, { late: [["VA", 1]] });
  await audit.write("project/dbt_project.yml", "name: small\nprofile: small\n");
});
afterEach(() => audit.remove());

const profile = (output: Readonly<Record<string, unknown>>) =>
  audit.write("project/profiles.yml", JSON.stringify({ small: { outputs: { default: output } } }));

/** What each command prints, and then all that is in the audit folder: no canary is in it, though each was told one. */
async function silent(...commands: readonly (readonly string[])[]): Promise<string> {
  const texts: Record<string, string> = {};
  for (const command of commands) {
    const { stdout, stderr, exitCode } = await audit.run(...command);
    // 70 would be a crash.
    expect([0, 2, 3, 4], `${command.join(" ")}: ${stderr}`).toContain(exitCode);
    texts[`stdout of ${command.join(" ")}`] = stdout;
    texts[`stderr of ${command.join(" ")}`] = stderr;
  }
  const kept = await textsIn(join(audit.folder, ".audit")).catch(() => ({}));
  expect(sung({ ...texts, ...kept })).toEqual([]);
  return Object.values(texts).join("\n");
}

test("DuckDB: what a profile has for other systems is nowhere", async () => {
  await profile({
    ...{ type: "duckdb", path: "../small.duckdb", motherduck_token: canarySecret("token") },
    secrets: [{ type: "s3", key_id: canarySecret("id"), secret: canarySecret("secret") }],
    attach: [{ path: `md:x?motherduck_token=${encodeURIComponent(canarySecret("attached"))}` }],
  });
  await audit.configure({ warehouse: undefined });
  expect(await silent([], ["doctor"], ["plan", "--json"])).toContain("1 failing case");
  await profile({ type: "duckdb", path: `md:x?motherduck_token=${encodeURIComponent(canarySecret("path"))}` });
  expect(await silent([], ["doctor", "--json"])).toContain("MotherDuck");
});

test("Postgres: neither a password that opens nor one that does not", async () => {
  const server = await sharedPostgres();
  const password = canarySecret("postgres");
  await server.run("postgres", [
    "drop role if exists audit_bird",
    `create role audit_bird login password '${password.replaceAll("'", "''")}'`,
  ]);
  const output = { type: "postgres", host: server.host, port: server.port, user: "audit_bird", dbname: "postgres" };
  env.DBT_ENV_SECRET_PASSWORD = password;
  await profile({ ...output, password: "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}", schema: "public" });
  await audit.configure({ warehouse: undefined });
  expect(await silent(["doctor", "--json"], [])).toContain("postgres opens and answers");
  env.DBT_ENV_SECRET_PASSWORD = canarySecret("wrong");
  expect(await silent(["doctor"])).toContain("problem  warehouse");
  env.PGPASSWORD = canarySecret("environment");
  const { type: _, dbname: database, ...settings } = output;
  await audit.configure({ warehouse: { use: "postgres", database, ...settings } });
  expect(await silent(["doctor"])).toContain("problem  warehouse");
});

const byVariable = (name: string): string => `\${${name}}`;

/** Refuses everything with all that it was sent, and more. */
function talkative(told: () => readonly string[]): Promise<RecordingServer> {
  const echo = (request: { readonly body: unknown; readonly headers: unknown }) =>
    `refused ${JSON.stringify(request.body)} ${JSON.stringify(request.headers)} ${echoOf(told())}`;
  return recordingServer({
    login: (request) =>
      request.body.data?.PASSWORD === canarySecret("right")
        ? {
            success: true,
            data: { token: "t", masterToken: "m", validityInSeconds: 3_600, parameters: [], sessionId: 1 },
          }
        : { success: false, code: "390100", message: echo(request), data: {} },
    statement: (_sql, request) => refusal("001003", echo(request)),
  });
}

test("Snowflake: no password, key, passphrase, token or client secret, whatever the service answers", async () => {
  /** What the program itself knows at the time. */
  let known: readonly string[] = [];
  const server = await talkative(() => known);
  try {
    const place = { account: "acme", user: "me", host: "127.0.0.1", port: server.port, protocol: "http" };
    // The config, by variables: it opens, and every statement is refused.
    env.RIGHT = canarySecret("right");
    known = [env.RIGHT];
    await audit.configure({ warehouse: { use: "snowflake", ...place, password: byVariable("RIGHT") } });
    expect(await silent([], ["doctor", "--json"])).toContain("[redacted]");
    // The config, as it is.
    const wrong = { password: canarySecret("wrong"), passcode: canarySecret("passcode") };
    known = Object.values(wrong);
    await audit.configure({ warehouse: { use: "snowflake", ...place, ...wrong } });
    expect(await silent(["doctor"])).toContain("problem  warehouse");
    // dbt's profile: a key that is none, and its passphrase.
    const key = { private_key: canaryKey, private_key_passphrase: canarySecret("passphrase") };
    await profile({ type: "snowflake", ...place, ...key });
    await audit.configure({ warehouse: undefined });
    expect(await silent(["doctor"])).toContain("problem  warehouse");
    // A named connection: a token.
    await mkdir(join(audit.folder, ".snowflake"));
    known = [canarySecret("token")];
    const connection = { ...place, authenticator: "programmatic_access_token", token: canarySecret("token") };
    const lines = Object.entries(connection).map(([field, value]) => `${field} = ${JSON.stringify(value)}`);
    await audit.write(".snowflake/connections.toml", ["[dev]", ...lines, ""].join("\n"));
    await chmod(join(audit.folder, ".snowflake/connections.toml"), 0o600);
    await audit.configure({ warehouse: { use: "snowflake", connection: "dev" } });
    expect(await silent(["doctor"])).toContain("problem  warehouse");
    // OAuth: what a refresh token is exchanged with.
    const client = { oauth_client_id: "audit", oauth_client_secret: canarySecret("client") };
    known = [canarySecret("client"), canarySecret("refresh")];
    await profile({ type: "snowflake", ...place, authenticator: "oauth", token: canarySecret("refresh"), ...client });
    await audit.configure({ warehouse: undefined });
    expect(await silent(["doctor"])).toContain("problem  warehouse");
    expect(server.requests.length).toBeGreaterThan(4);
  } finally {
    await server.close();
  }
});

test("a config and a profile that are wrong are shown without what is secret in them", async () => {
  const warehouse = `warehouse: { use: snowflake, account: 5, password: ${JSON.stringify(canarySecret("config"))} }`;
  const head = "version: 1\nname: small\nrepos: { dbt: { path: project } }\ngroupBy: state\n";
  await audit.write("audit.config.yaml", `${head}${warehouse}\n`);
  expect(await silent([], ["doctor"])).toContain("warehouse.account must be text");
  await audit.write(
    "project/profiles.yml",
    `small:\n  outputs:\n    default:\n      type: postgres\n      password: '${canarySecret("profile")}{{ odd }}'\n`,
  );
  await audit.write("audit.config.yaml", head);
  expect(await silent([], ["doctor"])).toContain("Jinja that is not read");
});
