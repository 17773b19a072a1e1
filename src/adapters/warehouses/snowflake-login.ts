/**
 * Settings → the options with which the driver logs in: every way that dbt-snowflake's users have. Reads token files, and
 * exchanges a refresh token. Knows no query.
 */
import type { ConnectionOptions } from "snowflake-sdk";
import { failed, ok, type Result } from "../../model/result.js";
import type { WarehouseContext } from "../../model/warehouse.js";
import { contents, keyPair, lacking } from "./snowflake-key.js";
import type { SnowflakeSettings } from "./snowflake-settings.js";

type Context = Pick<WarehouseContext, "baseDir" | "env" | "signal">;

/** Failure codes: warehouse-auth, warehouse-unreachable (of the token's endpoint), aborted. */
export async function loginOptions(settings: SnowflakeSettings, context: Context): Promise<Result<ConnectionOptions>> {
  if (settings.protocol === "http" && !/^(127\.0\.0\.1|localhost|\[?::1\]?)$/.test(hostOf(settings))) {
    return failed("warehouse-auth", "`protocol: http` would send the login in clear", {
      hint: "leave `protocol` out; http is for a stand-in on this machine alone",
    });
  }
  const way = await credentials(settings, context);
  if (!way.ok) return way;
  const { host, port, protocol, user, role, virtualWarehouse, database, schema } = settings;
  const { proxyHost, proxyPort, keepAlive } = settings;
  return ok({
    account: accountOf(settings),
    ...(host === undefined && port === undefined && protocol === undefined
      ? {}
      : { host: hostOf(settings), accessUrl: accessUrl(settings) }),
    ...(user === undefined ? {} : { username: user }),
    ...(role === undefined ? {} : { role: named(role) }),
    ...(virtualWarehouse === undefined ? {} : { warehouse: named(virtualWarehouse) }),
    ...(database === undefined ? {} : { database: named(database) }),
    ...(schema === undefined ? {} : { schema: named(schema) }),
    ...(proxyHost === undefined ? {} : { proxyHost, proxyPort: proxyPort ?? 80 }),
    ...(keepAlive === undefined ? {} : { clientSessionKeepAlive: keepAlive }),
    ...way.value,
  });
}

/** Only what a login needs to say who we are. */
async function credentials(settings: SnowflakeSettings, context: Context): Promise<Result<ConnectionOptions>> {
  const { password, passcode } = settings;
  const hasKey = settings.privateKey !== undefined || settings.privateKeyPath !== undefined;
  const way = settings.authenticator ?? (hasKey ? "snowflake_jwt" : "snowflake");
  const cacheDir = context.env.SF_TEMPORARY_CREDENTIAL_CACHE_DIR;
  // The driver's own file of tokens, the one that dbt uses on Linux as well: the next run asks nobody.
  const cached = { clientStoreTemporaryCredential: true, ...(cacheDir ? { credentialCacheDir: cacheDir } : {}) };
  if (/^https:/i.test(way)) {
    if (password === undefined) return lacking(way, "user and password");
    return ok({ authenticator: way, password });
  }
  switch (way.toLowerCase()) {
    case "snowflake":
      // dbt takes a key wherever there is one, too.
      if (hasKey) return keyPair(settings, context);
      if (password === undefined || settings.user === undefined) return lacking(way, "user and password");
      return ok({ authenticator: "SNOWFLAKE", password, ...(passcode === undefined ? {} : { passcode }) });
    case "username_password_mfa":
      if (password === undefined || settings.user === undefined) return lacking(way, "user and password");
      // The driver reads the cached token only where both are set (3.3: without the second it fails on a null).
      return ok({
        ...{ authenticator: "USERNAME_PASSWORD_MFA", password, clientRequestMFAToken: true, ...cached },
        ...(passcode === undefined ? {} : { passcode }),
      });
    case "snowflake_jwt":
      if (!hasKey || settings.user === undefined) return lacking(way, "user and privateKey or privateKeyPath");
      return keyPair(settings, context);
    case "externalbrowser":
      return ok({ authenticator: "EXTERNALBROWSER", ...cached });
    case "oauth":
      return withToken("OAUTH", settings, context);
    case "programmatic_access_token":
      return withToken("PROGRAMMATIC_ACCESS_TOKEN", settings, context);
    case "oauth_client_credentials":
      if (settings.oauthClientId === undefined || settings.oauthClientSecret === undefined) {
        return lacking(way, "oauthClientId and oauthClientSecret");
      }
      return ok({ authenticator: "OAUTH_CLIENT_CREDENTIALS", ...oauthClient(settings) });
    case "oauth_authorization_code":
      return ok({ authenticator: "OAUTH_AUTHORIZATION_CODE", ...oauthClient(settings), ...cached });
    default:
      return workloadIdentity(settings, context);
  }
}

function oauthClient(settings: SnowflakeSettings): ConnectionOptions {
  const { oauthClientId, oauthClientSecret, oauthTokenUrl, oauthAuthorizationUrl, oauthRedirectUri, oauthScope } =
    settings;
  return {
    ...(oauthClientId === undefined ? {} : { oauthClientId }),
    ...(oauthClientSecret === undefined ? {} : { oauthClientSecret }),
    ...(oauthTokenUrl === undefined ? {} : { oauthTokenRequestUrl: oauthTokenUrl }),
    ...(oauthAuthorizationUrl === undefined ? {} : { oauthAuthorizationUrl }),
    ...(oauthRedirectUri === undefined ? {} : { oauthRedirectUri }),
    ...(oauthScope === undefined ? {} : { oauthScope }),
    // Plain http is for a stand-in on this machine.
    ...(settings.protocol === "http" ? { oauthHttpAllowed: true } : {}),
  };
}

async function workloadIdentity(settings: SnowflakeSettings, context: Context): Promise<Result<ConnectionOptions>> {
  const provider = settings.workloadIdentityProvider?.toUpperCase();
  if (provider === undefined) return lacking("workload_identity", "workloadIdentityProvider");
  const token = provider === "OIDC" ? await tokenOf(settings, context) : ok(undefined);
  if (!token.ok) return token;
  const { workloadIdentityResource: resource, workloadIdentityImpersonationPath: path } = settings;
  return ok({
    authenticator: "WORKLOAD_IDENTITY",
    workloadIdentityProvider: provider as "AWS",
    ...(token.value === undefined ? {} : { token: token.value }),
    ...(resource === undefined ? {} : { workloadIdentityAzureEntraIdResource: resource }),
    ...(path === undefined ? {} : { workloadIdentityImpersonationPath: path }),
  });
}

async function withToken(
  authenticator: string,
  settings: SnowflakeSettings,
  context: Context,
): Promise<Result<ConnectionOptions>> {
  const exchanged = authenticator === "OAUTH" && settings.refreshToken !== undefined;
  const token = exchanged ? await refreshed(settings, context.signal) : await tokenOf(settings, context);
  return token.ok ? ok({ authenticator, token: token.value }) : token;
}

/** Read here, not by the driver, so that a file with several lines or none is told of. */
async function tokenOf(settings: SnowflakeSettings, context: Context): Promise<Result<string>> {
  const { token, tokenPath, authenticator, password } = settings;
  if (token !== undefined) return ok(token);
  // Some keep a programmatic access token where the password was.
  const isPersonal = /^programmatic_access_token$/i.test(authenticator ?? "");
  if (tokenPath === undefined && isPersonal && password !== undefined) return ok(password);
  if (tokenPath === undefined) return lacking(authenticator ?? "oauth", "token or tokenPath");
  const read = await contents(tokenPath, context, "token file");
  if (!read.ok) return read;
  const text = read.value.trim();
  if (text !== "" && !/\s/.test(text)) return ok(text);
  return failed("warehouse-auth", `the token file '${tokenPath}' does not hold one token and nothing else`);
}

/** The same request as dbt-snowflake makes. */
async function refreshed(settings: SnowflakeSettings, signal: AbortSignal): Promise<Result<string>> {
  const { oauthClientId: id, oauthClientSecret: secret, refreshToken, oauthTokenUrl } = settings;
  if (id === undefined || secret === undefined || refreshToken === undefined) {
    return lacking("oauth", "oauthClientId and oauthClientSecret beside refreshToken");
  }
  const url = oauthTokenUrl ?? `${accessUrl(settings)}/oauth/token-request`;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded;charset=utf-8",
      },
      body: new URLSearchParams({
        ...{ grant_type: "refresh_token", refresh_token: refreshToken, redirect_uri: "http://localhost:9999" },
      }).toString(),
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    const answer: unknown = await response.json().catch(() => null);
    const token =
      typeof answer === "object" && answer !== null && "access_token" in answer ? answer.access_token : null;
    if (typeof token === "string" && token !== "") return ok(token);
    const word =
      typeof answer === "object" && answer !== null && "error" in answer ? String(answer.error) : response.status;
    return failed("warehouse-auth", `the refresh token got no access token from ${url} (${word})`, {
      hint: "it has expired or belongs to another client: authorize anew, as for dbt",
    });
  } catch (error) {
    if (signal.aborted) return failed("aborted", "opening the warehouse was cancelled");
    return failed("warehouse-unreachable", `no access token can be had from ${url}: ${(error as Error).message}`, {
      hint: "check the network, VPN and proxy",
    });
  }
}

/** As people have it: an address, or with underscores, which no host name may hold (dbt replaces them as well). */
export function accountOf({ account }: Pick<SnowflakeSettings, "account">): string {
  return account
    .trim()
    .replace(/^https?:\/\//i, "")
    .replace(/\/.*$/, "")
    .replace(/\.snowflakecomputing\.(com|cn)$/i, "")
    .replaceAll("_", "-");
}

function hostOf(settings: SnowflakeSettings): string {
  const account = accountOf(settings);
  const isChina = /\.cn-/i.test(account);
  return settings.host ?? `${account}.snowflakecomputing.${isChina ? "cn" : "com"}`;
}

function accessUrl(settings: SnowflakeSettings): string {
  const { protocol = "https", port } = settings;
  return `${protocol}://${hostOf(settings)}${port === undefined ? "" : `:${port}`}`;
}

/** The server takes a bare name as unquoted; one that is not must come in quotes. */
function named(name: string): string {
  return /^[A-Za-z_][\w$]*$/.test(name) || name.startsWith('"') ? name : `"${name.replaceAll('"', '""')}"`;
}
