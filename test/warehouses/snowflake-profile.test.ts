// dbt's profile and a connection of connections.toml as settings of Snowflake, and which of their texts are secret.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { snowflake } from "../../src/adapters/warehouses/snowflake.js";

type Fields = Readonly<Record<string, unknown>>;

function profile(output: Fields): unknown {
  const result = snowflake.fromProfile?.({ type: "snowflake", account: "acct", ...output }, "/project");
  return result?.ok ? result.value : result?.failure;
}

function connection(fields: Fields): unknown {
  const result = snowflake.fromConnection?.({ account: "acct", ...fields }, "/home/me/.snowflake");
  return result?.ok ? result.value : result?.failure;
}

it("takes of a profile who logs in and where to, and leaves how dbt works", () => {
  expect(
    profile({
      ...{ user: "ME", password: "pw", role: "R", warehouse: "WH", database: "DB", schema: "dbt_me", threads: 8 },
      ...{
        client_session_keep_alive: false,
        query_tag: "dbt",
        connect_retries: 3,
        connect_timeout: 10,
        retry_all: true,
      },
      ...{ reuse_connections: true, insecure_mode: true, host: "acct.privatelink.snowflakecomputing.com", port: "443" },
      ...{ protocol: "https", proxy_host: "proxy", proxy_port: 3128 },
    }),
  ).toEqual({
    ...{ account: "acct", user: "ME", password: "pw", role: "R", virtualWarehouse: "WH", database: "DB" },
    ...{ schema: "dbt_me", keepAlive: false, host: "acct.privatelink.snowflakecomputing.com", port: 443 },
    ...{ protocol: "https", proxyHost: "proxy", proxyPort: 3128 },
  });
});

it.each<[string, Fields, Fields]>([
  [
    "a key by path",
    { private_key_path: "keys/k.p8", private_key_passphrase: "open" },
    { privateKeyPath: "/project/keys/k.p8", privateKeyPassphrase: "open" },
  ],
  ["a key in the home folder", { private_key_path: "~/k.p8" }, { privateKeyPath: join(homedir(), "k.p8") }],
  ["a key itself", { private_key: "MIIE" }, { privateKey: "MIIE" }],
  ["the browser", { authenticator: "externalbrowser" }, { authenticator: "externalbrowser" }],
  [
    "a second factor",
    { authenticator: "username_password_mfa", password: "pw" },
    { authenticator: "username_password_mfa", password: "pw" },
  ],
  ["an access token", { authenticator: "oauth", token: "t" }, { authenticator: "oauth", token: "t" }],
  ["dbt's word for an access token", { authenticator: "jwt", token: "t" }, { authenticator: "oauth", token: "t" }],
  [
    "a refresh token, where the client is named",
    { authenticator: "oauth", token: "t", oauth_client_id: "i", oauth_client_secret: "s" },
    { authenticator: "oauth", refreshToken: "t", oauthClientId: "i", oauthClientSecret: "s" },
  ],
  [
    "a programmatic access token",
    { authenticator: "programmatic_access_token", token: "t" },
    { authenticator: "programmatic_access_token", token: "t" },
  ],
  [
    "workload identity",
    {
      authenticator: "workload_identity",
      workload_identity_provider: "azure",
      workload_identity_entra_resource: "api://x",
    },
    { authenticator: "workload_identity", workloadIdentityProvider: "azure", workloadIdentityResource: "api://x" },
  ],
  [
    "an Okta",
    { authenticator: "https://corp.okta.com", password: "pw" },
    { authenticator: "https://corp.okta.com", password: "pw" },
  ],
  ["what env_var() gave as empty", { password: "", private_key: "", token: "" }, {}],
  ["a password of digits", { password: 12345678 }, { password: "12345678" }],
])("logs in as the profile does: %s", (_name, output, expected) => {
  expect(profile(output)).toEqual({ account: "acct", ...expected });
});

it("refuses a profile that dbt refuses, and one that it cannot read, without telling a secret", () => {
  expect(profile({ private_key: "K-CANARY", private_key_path: "k.p8" })).toMatchObject({ code: "profile-unsupported" });
  const odd = profile({ authenticator: "carrier-pigeon", password: "P-CANARY" });
  expect(odd).toMatchObject({
    code: "profile-unsupported",
    message: expect.stringContaining("authenticator must be one of"),
  });
  expect(JSON.stringify(odd)).not.toContain("P-CANARY");
});

it("takes a connection of connections.toml in the words of any of Snowflake's tools", () => {
  expect(
    connection({
      ...{ user: "ME", authenticator: "SNOWFLAKE_JWT", private_key_file: "k.p8", private_key_file_pwd: "open" },
      ...{
        role: "R",
        warehouse: "WH",
        database: "DB",
        schema: "S",
        host: "h.example",
        client_session_keep_alive: true,
      },
      ...{ application: "snowcli", region: "eu" },
    }),
  ).toEqual({
    ...{ account: "acct", user: "ME", authenticator: "SNOWFLAKE_JWT", privateKeyPath: "/home/me/.snowflake/k.p8" },
    ...{ privateKeyPassphrase: "open", role: "R", virtualWarehouse: "WH", database: "DB", schema: "S" },
    ...{ host: "h.example", keepAlive: true },
  });
  expect(connection({ username: "ME", authenticator: "OAUTH", token_file_path: "/run/token" })).toEqual({
    ...{ account: "acct", user: "ME", authenticator: "OAUTH", tokenPath: "/run/token" },
  });
  expect(connection({ private_key_path: "k.p8", private_key_raw: "K" })).toMatchObject({ code: "profile-unsupported" });
});

it("knows every secret, also in files, line by line", async () => {
  const folder = await mkdtemp(join(tmpdir(), "audit-run-secrets-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "token"), "TOKEN-OF-A-FILE\n");
  await writeFile(
    join(folder, "key"),
    "-----BEGIN PRIVATE KEY-----\nMIIFIRSTLINE\nMIISECONDLINE\n-----END PRIVATE KEY-----\n",
  );
  const fields = {
    ...{ password: "PASSWORD", passcode: "123456", privateKeyPassphrase: "PHRASE", token: "TOKEN" },
    ...{ refreshToken: "REFRESH", oauthClientSecret: "CLIENT-SECRET", privateKey: "KEYTEXT" },
  };
  // Paths are taken from the config's folder.
  const files = { tokenPath: "token", privateKeyPath: join(folder, "key") };
  const settings = snowflake.settings.parse({ account: "acct", ...fields, ...files });
  const secrets = snowflake.secrets?.(settings, folder) ?? [];
  expect(secrets).toEqual(
    expect.arrayContaining([...Object.values(fields), "TOKEN-OF-A-FILE", "MIIFIRSTLINE", "MIISECONDLINE"]),
  );
  expect(secrets).not.toContain("acct");
  const gone = snowflake.settings.parse({ account: "acct", tokenPath: join(folder, "nowhere") });
  expect(snowflake.secrets?.(gone, folder)).toEqual([]);
});
