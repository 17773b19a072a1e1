// Every way to log in to Snowflake, by what the server gets; the server is a recording one on 127.0.0.1.
import { createHash, createPublicKey, createVerify, generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { snowflake } from "../../src/adapters/warehouses/snowflake.js";
import type { WarehouseContext } from "../../src/model/warehouse.js";
import {
  loggedIn,
  paths,
  type RecordingServer,
  recordingServer,
  refusal,
  type Script,
} from "../rig/snowflake/server.js";
import { warehouseContext } from "../rig/warehouse-context.js";

const passphrase = "open sesame";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const plain = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const locked = privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase }).toString();
const der = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
const lockedDer = privateKey
  .export({ format: "der", type: "pkcs8", cipher: "aes-256-cbc", passphrase })
  .toString("base64");
const fingerprint = `SHA256:${createHash("sha256")
  .update(publicKey.export({ format: "der", type: "spki" }))
  .digest("base64")}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-snowflake-"));
  await writeFile(join(folder, "key.p8"), locked);
  await writeFile(join(folder, "token.txt"), "token-of-a-file\n", { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let server: RecordingServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function start(script: Script = {}): Promise<RecordingServer> {
  server = await recordingServer(script);
  return server;
}

type Given = Readonly<Record<string, unknown>>;

async function open(given: Given, changes: Partial<WarehouseContext> = {}) {
  const where = { account: "myorg-acct", user: "auditor", host: "127.0.0.1", port: server?.port, protocol: "http" };
  const settings = snowflake.settings.parse({ ...where, ...given });
  return snowflake.open(settings, warehouseContext(folder, changes));
}

/** What the server got as the login's data, after everything has gone well. */
async function login(given: Given, changes: Partial<WarehouseContext> = {}, script: Script = {}) {
  const { of } = await start(script);
  const opened = await open(given, changes);
  expect(opened).toMatchObject({ ok: true });
  if (opened.ok) await opened.value.close();
  const [request] = of(paths.login);
  return { data: request?.body.data, query: request?.query };
}

/** The driver reads these from the process itself. */
async function withVariables<Value>(variables: Readonly<Record<string, string>>, work: () => Promise<Value>) {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

interface Payload {
  readonly iss: string;
  readonly sub: string;
}

/** The payload of a token that this key has signed. */
function signed(token: string): Payload {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const verify = createVerify("RSA-SHA256").update(`${head}.${payload}`);
  expect(
    verify.verify(createPublicKey(publicKey.export({ format: "pem", type: "spki" })), signature, "base64url"),
  ).toBe(true);
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

describe("a login", () => {
  it("by password says who, and in which role, virtual warehouse, database and schema", async () => {
    const given = { password: "s3cret", role: "READER", virtualWarehouse: "WH", database: "DB", schema: "my schema" };
    const { data, query } = await login(given);
    expect(data).toMatchObject({
      ...{ AUTHENTICATOR: "SNOWFLAKE", ACCOUNT_NAME: "myorg-acct", LOGIN_NAME: "auditor", PASSWORD: "s3cret" },
      CLIENT_ENVIRONMENT: { APPLICATION: "audit-run", PLATFORM: ["disabled"] },
    });
    expect(query).toMatchObject({ roleName: "READER", warehouse: "WH", databaseName: "DB", schemaName: '"my schema"' });
  });

  it.each([
    ["a file with a passphrase", () => ({ privateKeyPath: "key.p8", privateKeyPassphrase: passphrase })],
    ["PEM in the config", () => ({ privateKey: plain })],
    ["PEM of a variable, its line ends written out", () => ({ privateKey: plain.replaceAll("\n", "\\n") })],
    ["base64, as dbt takes it", () => ({ privateKey: der })],
    ["base64 with a passphrase", () => ({ privateKey: lockedDer, privateKeyPassphrase: passphrase })],
  ])("by a key that is %s", async (_name, given) => {
    const { data } = await login(given());
    expect(data).toMatchObject({ AUTHENTICATOR: "SNOWFLAKE_JWT", LOGIN_NAME: "auditor" });
    expect(signed(data.TOKEN)).toMatchObject({ iss: `MYORG-ACCT.AUDITOR.${fingerprint}`, sub: "MYORG-ACCT.AUDITOR" });
  });

  // https://github.com/snowflakedb/snowflake-connector-nodejs/issues/1282: with `host` the region got into the token.
  it.each([
    ["myorg-acct", "MYORG-ACCT"],
    ["xy12345.eu-central-1", "XY12345"],
    ["xy12345.eu-central-1.privatelink", "XY12345"],
    ["my_org-my_acct", "MY-ORG-MY-ACCT"],
    ["https://xy12345.eu-central-1.aws.snowflakecomputing.com/", "XY12345"],
  ])("by key at a host of its own names account %s without its region", async (account, named) => {
    const { data } = await login({ account, privateKey: plain });
    expect(signed(data.TOKEN).sub).toBe(`${named}.AUDITOR`);
    expect(data.ACCOUNT_NAME.toUpperCase()).toBe(named);
  });

  it("by an OAuth token, a programmatic access token, and one of a file", async () => {
    expect((await login({ authenticator: "oauth", token: "abc" })).data).toMatchObject({
      AUTHENTICATOR: "OAUTH",
      TOKEN: "abc",
    });
    await server?.close();
    const pat = await login({ authenticator: "programmatic_access_token", tokenPath: "token.txt" });
    expect(pat.data).toMatchObject({ AUTHENTICATOR: "PROGRAMMATIC_ACCESS_TOKEN", TOKEN: "token-of-a-file" });
  });

  it("by a programmatic access token that stands where the password was", async () => {
    const { data } = await login({ authenticator: "programmatic_access_token", password: "pat" });
    expect(data).toMatchObject({ AUTHENTICATOR: "PROGRAMMATIC_ACCESS_TOKEN", TOKEN: "pat" });
  });

  it("by a token of one role goes on where that has no say over other roles", async () => {
    const message = "Insufficient privileges: secondary roles cannot be used in this session.";
    const session: Script["session"] = (sql) => (/secondary/.test(sql) ? refusal("003001", message) : undefined);
    expect((await login({ authenticator: "oauth", token: "abc" }, {}, { session })).data.TOKEN).toBe("abc");
  });

  it("by a refresh token asks for an access token first, as dbt does", async () => {
    const other: Script["other"] = ({ path }) =>
      path === "/oauth/token-request" ? { access_token: "fresh" } : undefined;
    const given = { authenticator: "oauth", refreshToken: "refresh", oauthClientId: "id", oauthClientSecret: "hush" };
    expect((await login(given, {}, { other })).data).toMatchObject({ AUTHENTICATOR: "OAUTH", TOKEN: "fresh" });
    const [asked] = server?.of("/oauth/token-request") ?? [];
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from("id:hush").toString("base64")}`);
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toMatchObject({
      ...{ grant_type: "refresh_token", refresh_token: "refresh" },
    });
  });

  it("by a client's id and secret asks for an access token, too", async () => {
    const other: Script["other"] = ({ path }) =>
      path === "/token" ? { access_token: "machine", token_type: "bearer", expires_in: 600 } : undefined;
    await start({ other });
    const client = { oauthClientId: "id", oauthClientSecret: "hush", oauthTokenUrl: `${server?.url}/token` };
    const opened = await open({ authenticator: "oauth_client_credentials", ...client, role: "READER" });
    expect(opened).toMatchObject({ ok: true });
    expect(server?.of("/token")[0]?.body).toContain("grant_type=client_credentials");
    expect(server?.of(paths.login)[0]?.body.data).toMatchObject({ TOKEN: "machine", AUTHENTICATOR: "OAUTH" });
    if (opened.ok) await opened.value.close();
  });

  it("by workload identity hands on the token of an OIDC provider", async () => {
    const given = { authenticator: "workload_identity", workloadIdentityProvider: "oidc", token: "oidc-token" };
    const { data } = await withVariables({ SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES: "127.0.0.1" }, () => login(given));
    expect(data).toMatchObject({ AUTHENTICATOR: "WORKLOAD_IDENTITY", PROVIDER: "OIDC", TOKEN: "oidc-token" });
  });

  it("by workload identity of AWS proves who it is by a request that it signs, and asks nobody", async () => {
    const keys = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "no-secret", AWS_REGION: "eu-central-1" };
    const given = { authenticator: "workload_identity", workloadIdentityProvider: "AWS" };
    const { data } = await withVariables({ ...keys, SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES: "127.0.0.1" }, () =>
      login(given),
    );
    expect(data).toMatchObject({ AUTHENTICATOR: "WORKLOAD_IDENTITY", PROVIDER: "AWS" });
    const proof = JSON.parse(Buffer.from(data.TOKEN, "base64").toString());
    expect(proof.url).toMatch(/^https:\/\/sts\.eu-central-1\.amazonaws\.com\/\?Action=GetCallerIdentity/);
    expect(JSON.stringify(proof.headers)).toMatch(/AKIDEXAMPLE.*\/eu-central-1\/sts/);
    expect(JSON.stringify(proof)).not.toContain("no-secret");
  });

  // That the driver opens a browser is not shown: it asks for the page by https at port 443 alone.
  it("that asks a person asks once: its token is kept for the next run, and one session serves all", async () => {
    const cache = await mkdtemp(join(folder, "cache-"));
    await chmod(cache, 0o700);
    const changes = { env: { SF_TEMPORARY_CREDENTIAL_CACHE_DIR: cache }, maxConnections: 4 };
    const script: Script = { login: () => loggedIn({ mfaToken: "kept", idToken: "of the browser" }) };
    const given = { authenticator: "username_password_mfa", password: "s3cret" };
    const first = await login(given, changes, script);
    expect(first.data).toMatchObject({ AUTHENTICATOR: "USERNAME_PASSWORD_MFA", EXT_AUTHN_DUO_METHOD: "push" });
    expect(first.data.SESSION_PARAMETERS).toMatchObject({ CLIENT_REQUEST_MFA_TOKEN: true });
    expect(first.data.TOKEN ?? null).toBe(null);
    await server?.close();
    expect((await login(given, changes, script)).data).toMatchObject({ TOKEN: "kept" });
    await server?.close();

    await start(script);
    const opened = await open({ authenticator: "externalbrowser" }, changes);
    if (!opened.ok) throw new Error(opened.failure.message);
    const answers = await Promise.all([1, 2, 3, 4].map((number) => opened.value.query(`select ${number}`)));
    await opened.value.close();
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(server?.of(paths.login).map(({ body }) => body.data)).toMatchObject([
      { AUTHENTICATOR: "ID_TOKEN", TOKEN: "of the browser" },
    ]);
    expect(await readdir(cache)).toEqual(["credential_cache_v1.json"]);
  });
});

describe("a login that is refused", () => {
  it.each([
    ["390100", "Incorrect username or password was specified.", "warehouse-auth", "check `user` and `password`"],
    ["390144", "JWT token is invalid. [0a1b]", "warehouse-auth", "is the clock right"],
    ["394303", "JWT_TOKEN_INVALID_ISSUE_TIME", "warehouse-auth", "this machine's clock"],
    ["394304", "JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH", "warehouse-auth", "RSA_PUBLIC_KEY"],
    ["390318", "OAuth access token expired. [0a1b]", "warehouse-auth", "get a new token"],
    ["394400", "Programmatic access token is invalid.", "warehouse-auth", "get a new token"],
    ["390197", "Multi-factor authentication is required for this account.", "warehouse-auth", "second factor"],
    [
      "390422",
      "Incoming request with IP 203.0.113.9 is not allowed to access Snowflake.",
      "warehouse-auth",
      "network policy",
    ],
    [
      "390189",
      "Role 'NOPE' specified in the connect string does not exist or not authorized.",
      "warehouse-auth",
      "GRANT ROLE",
    ],
    ["390201", "The requested database does not exist or not authorized.", "warehouse-auth", "GRANT USAGE"],
    ["390102", "User temporarily locked. Try again later.", "warehouse-auth", "15 minutes"],
    ["390999", "Something that nobody knows yet.", "warehouse-auth", "docs/warehouses.md"],
  ])("with %s %s says what to do", async (code, message, expected, hint) => {
    await start({ login: () => refusal(code, message, "08001") });
    const opened = await open({ password: "wrong-canary" });
    expect(opened).toMatchObject({ ok: false, failure: { code: expected } });
    if (opened.ok) return;
    expect(opened.failure.message).toContain(message);
    expect(opened.failure.hint).toContain(hint);
    expect(JSON.stringify(opened.failure)).not.toContain("wrong-canary");
  });

  it("for want of a server says which account, and whether the name or the network is wrong", async () => {
    await start();
    const { port } = server as RecordingServer;
    await server?.close();
    const opened = await open({ password: "x", host: "127.0.0.1", port });
    expect(opened).toMatchObject({ ok: false, failure: { code: "warehouse-unreachable" } });
    expect(opened.ok ? "" : opened.failure.message).toContain("'myorg-acct' cannot be reached");
  });

  it("since there is no such account is not tried again", async () => {
    await start({ login: () => ({ status: 403 }) });
    const opened = await open({ password: "x" });
    expect(opened).toMatchObject({ ok: false, failure: { code: "warehouse-auth" } });
    expect(opened.ok ? "" : opened.failure.message).toContain("no account 'myorg-acct'");
  });

  it("after it was stopped is undone where it comes through all the same", async () => {
    const controller = new AbortController();
    const { arrived } = await start({
      login: () => {
        controller.abort();
        return loggedIn();
      },
    });
    expect(await open({ password: "x" }, { signal: controller.signal })).toMatchObject({ ok: false });
    expect((await arrived(paths.logout)).query.delete).toBe("true");
  });

  it.each([
    [{ host: "snow.example.com", protocol: "http", password: "x" }, "in clear"],
    [{}, "needs user and password"],
    [{ authenticator: "snowflake_jwt" }, "needs user and privateKey or privateKeyPath"],
    [{ authenticator: "oauth" }, "needs token or tokenPath"],
    [{ authenticator: "oauth", refreshToken: "r" }, "needs oauthClientId and oauthClientSecret"],
    [{ authenticator: "workload_identity" }, "needs workloadIdentityProvider"],
    [{ privateKeyPath: "key.p8" }, "is locked by a passphrase"],
    [{ privateKeyPath: "key.p8", privateKeyPassphrase: "wrong" }, "does not open with this passphrase"],
    [{ privateKeyPath: "nowhere.p8" }, "does not exist"],
    [{ privateKey: "no key at all" }, "cannot be read as a private key"],
  ])("before anybody is asked: %j", async (given, says) => {
    await start();
    const opened = await open(given);
    expect(opened).toMatchObject({ ok: false, failure: { code: "warehouse-auth" } });
    expect(opened.ok ? "" : opened.failure.message).toContain(says);
    expect(server?.requests).toEqual([]);
  });

  it("because the run was stopped meanwhile is no refusal", async () => {
    const controller = new AbortController();
    await start({
      login: () => {
        controller.abort();
        return "cut";
      },
    });
    const opened = await open({ password: "x" }, { signal: controller.signal });
    expect(opened).toMatchObject({ ok: false, failure: { code: "aborted" } });
  });
});
