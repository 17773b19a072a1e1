/**
 * What the config may say of a Snowflake account: who logs in, how, and with which rights. Knows no driver and no file's text.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";

/** Snowflake's own words for the ways to log in; besides them the address of an Okta, which is one too. */
export const authenticators = [
  "snowflake",
  "snowflake_jwt",
  "externalbrowser",
  "oauth",
  "oauth_client_credentials",
  "oauth_authorization_code",
  "programmatic_access_token",
  "username_password_mfa",
  "workload_identity",
] as const;

const okta = /^https:\/\/\S+$/i;
const text = z.string().min(1);

export const settings = z.strictObject({
  account: text.describe("Account identifier, such as `myorg-account1` or `xy12345.eu-central-1`."),
  user: text.optional().describe("Login name. A token may name its user itself."),
  authenticator: text
    .refine((value) => okta.test(value) || authenticators.some((name) => name === value.toLowerCase()), {
      message: `must be one of ${authenticators.join(", ")}, or the https:// address of an Okta`,
    })
    .optional()
    .describe(
      `How to log in: ${authenticators.map((name) => `\`${name}\``).join(", ")}, or an Okta's address. Default: by key where there is one, else by password.`,
    ),
  password: text.optional().describe("Best a variable of the environment: the config is committed."),
  passcode: text.optional().describe("A one-time code of an authenticator app; serves for one login."),
  privateKey: text.optional().describe("The key itself: PEM, or PKCS#8 in base64."),
  privateKeyPath: text.optional().describe("File of the key in PEM, relative to audit.config.yaml."),
  privateKeyPassphrase: text.optional().describe("Where the key is locked by one."),
  token: text.optional().describe("An OAuth access token, a programmatic access token, or an OIDC token."),
  tokenPath: text.optional().describe("File with that token alone, read anew at each login."),
  refreshToken: text.optional().describe("Of OAuth: exchanged for an access token, with the client's id and secret."),
  oauthClientId: text.optional().describe("Of OAuth's client, with its secret."),
  oauthClientSecret: text.optional(),
  oauthTokenUrl: z
    .url()
    .optional()
    .describe("Where tokens are asked for; default: the account's own /oauth/token-request."),
  oauthAuthorizationUrl: z.url().optional().describe("Where a person authorizes; default: the account's own."),
  oauthRedirectUri: text.optional(),
  oauthScope: text.optional(),
  workloadIdentityProvider: z
    .string()
    .regex(/^(AWS|AZURE|GCP|OIDC)$/i, { message: "must be one of AWS, AZURE, GCP, OIDC" })
    .optional(),
  workloadIdentityResource: text.optional().describe("Azure's Entra resource, where it is not Snowflake's own."),
  workloadIdentityImpersonationPath: z.array(text).optional().describe("Accounts to act as, one by the other."),
  role: text.optional().describe("A role that may only read; docs/warehouses.md has the SQL that makes one."),
  virtualWarehouse: text.optional().describe("Snowflake's warehouse: what computes."),
  database: text.optional().describe("For names without one."),
  schema: text.optional().describe("For names without one."),
  secondaryRoles: z
    .enum(["none", "all"])
    .default("none")
    .describe("`all` adds the rights of every role that the user has; `none` keeps to `role`."),
  host: text.optional().describe("Where the account's own address is not to be used, such as a private link."),
  port: z.int().min(1).max(65_535).optional(),
  protocol: z.enum(["https", "http"]).optional().describe("`http` is for a stand-in on this machine alone."),
  proxyHost: text.optional().describe("Default: what HTTPS_PROXY says."),
  proxyPort: z.int().min(1).max(65_535).optional(),
  keepAlive: z.boolean().optional().describe("Keeps sessions alive that are idle for hours."),
});

export type SnowflakeSettings = z.infer<typeof settings>;

/** Whoever logs in so is asked each time: once is enough, so there is one connection. */
export function isInteractive({ authenticator, passcode }: SnowflakeSettings): boolean {
  const asks = ["externalbrowser", "oauth_authorization_code", "username_password_mfa"];
  return passcode !== undefined || asks.includes(authenticator?.toLowerCase() ?? "");
}

/** Secret texts, those in files too, as they are now. */
export function secrets(given: SnowflakeSettings, baseDir: string): readonly string[] {
  const { password, passcode, privateKey, privateKeyPassphrase, token, refreshToken, oauthClientSecret } = given;
  const values = [password, passcode, privateKey, privateKeyPassphrase, token, refreshToken, oauthClientSecret];
  const files = [given.tokenPath, given.privateKeyPath].map((path) =>
    path === undefined ? null : contents(path, baseDir),
  );
  // A key is written in lines of 64 letters; each of them gives something away.
  const lines = [privateKey, ...files].flatMap((value) => value?.split("\n").map((line) => line.trim()) ?? []);
  return [...values, ...files.map((file) => file?.trim()), ...lines].filter(
    (value): value is string => typeof value === "string" && value.length > 3 && !/^-----(BEGIN|END) /.test(value),
  );
}

function contents(path: string, baseDir: string): string | null {
  try {
    return readFileSync(resolve(baseDir, path.replace(/^~(?=[/\\]|$)/, homedir())), "utf8").slice(0, 100_000);
  } catch {
    return null;
  }
}
