/**
 * Settings out of what Snowflake's users have written already: an output of dbt's profiles.yml, and a connection of
 * connections.toml. Knows these two spellings; reads no file.
 */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";
import { settings } from "./snowflake-settings.js";

type Fields = Readonly<Record<string, unknown>>;

/** dbt-snowflake's fields. Others of its fields say nothing about reading, or only how dbt tries again. */
const profileNames = {
  account: "account",
  user: "user",
  password: "password",
  authenticator: "authenticator",
  private_key: "privateKey",
  private_key_path: "privateKeyPath",
  private_key_passphrase: "privateKeyPassphrase",
  token: "token",
  oauth_client_id: "oauthClientId",
  oauth_client_secret: "oauthClientSecret",
  role: "role",
  warehouse: "virtualWarehouse",
  database: "database",
  schema: "schema",
  host: "host",
  port: "port",
  protocol: "protocol",
  proxy_host: "proxyHost",
  proxy_port: "proxyPort",
  client_session_keep_alive: "keepAlive",
  workload_identity_provider: "workloadIdentityProvider",
  workload_identity_entra_resource: "workloadIdentityResource",
} as const;

/** What connections.toml may have besides; the drivers of Snowflake differ in some words. */
const connectionNames = {
  ...profileNames,
  accountname: "account",
  username: "user",
  private_key_file: "privateKeyPath",
  private_key_raw: "privateKey",
  private_key_file_pwd: "privateKeyPassphrase",
  private_key_pwd: "privateKeyPassphrase",
  private_key_pass: "privateKeyPassphrase",
  passcode: "passcode",
  token_file_path: "tokenPath",
  oauth_token_request_url: "oauthTokenUrl",
  oauth_authorization_url: "oauthAuthorizationUrl",
  oauth_redirect_uri: "oauthRedirectUri",
  oauth_scope: "oauthScope",
  workload_identity_impersonation_path: "workloadIdentityImpersonationPath",
  warehousename: "virtualWarehouse",
  databasename: "database",
  dbname: "database",
  schemaname: "schema",
  rolename: "role",
} as const;

export function fromProfile(output: Fields, profileDir: string): Result<unknown> {
  const found = renamed(output, profileNames);
  const authenticator = String(found.authenticator ?? "").toLowerCase();
  // dbt's own word for "an OAuth token as it is".
  if (authenticator === "jwt") found.authenticator = "oauth";
  // With a client's id and secret dbt takes the token for a refresh token.
  if (authenticator === "oauth" && found.oauthClientId !== undefined && found.oauthClientSecret !== undefined) {
    found.refreshToken = found.token;
    delete found.token;
  }
  return checked(found, profileDir, "the profile");
}

export function fromConnection(fields: Fields, fileDir: string): Result<unknown> {
  const found = renamed(fields, connectionNames);
  // The word under which some of Snowflake's tools keep the same.
  if (/^(pat|programmatic access token)$/i.test(String(found.authenticator ?? ""))) {
    found.authenticator = "programmatic_access_token";
  }
  return checked(found, fileDir, "the connection");
}

function renamed(fields: Fields, names: Readonly<Record<string, string>>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const name = Object.hasOwn(names, key.toLowerCase()) ? names[key.toLowerCase()] : undefined;
    // An empty text is how env_var('X', '') says that there is none.
    if (name === undefined || value === null || value === "") continue;
    found[name] = value;
  }
  if (/^\d+$/.test(String(found.port ?? ""))) found.port = Number(found.port);
  if (/^\d+$/.test(String(found.proxyPort ?? ""))) found.proxyPort = Number(found.proxyPort);
  // YAML and TOML read a password of digits as a number.
  for (const name of ["account", "user", "password", "passcode", "token", "privateKeyPassphrase"]) {
    if (typeof found[name] === "number") found[name] = String(found[name]);
  }
  if (typeof found.keepAlive === "string") found.keepAlive = /^true$/i.test(found.keepAlive);
  return found;
}

function checked(found: Record<string, unknown>, dir: string, what: string): Result<unknown> {
  for (const name of ["privateKeyPath", "tokenPath"]) {
    const path = found[name];
    if (typeof path === "string") found[name] = resolve(dir, path.replace(/^~(?=[/\\]|$)/, homedir()));
  }
  if (found.privateKey !== undefined && found.privateKeyPath !== undefined) {
    return failed("profile-unsupported", `${what} has both private_key and private_key_path`, {
      hint: "keep one of them; dbt refuses both as well",
    });
  }
  const parsed = settings.safeParse(found);
  if (parsed.success) return ok(found);
  const [issue] = parsed.error.issues;
  // Never the value: it may be the secret.
  const field = issue?.path.map(String).join(".") ?? "";
  return failed("profile-unsupported", `${what} cannot be used: ${field} ${issue?.message ?? ""}`.trim(), {
    hint: "write the connection under `warehouse` in audit.config.yaml; docs/warehouses.md lists what may stand there",
  });
}
