/** TLS as each sslmode of libpq has it, against a real server that demands it, one that offers it and one that has none. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { postgres } from "../../src/adapters/warehouses/postgres.js";
import { type Certificates, certificates } from "../rig/certificates.js";
import { type PostgresServer, sharedPostgres, startPostgres } from "../rig/postgres.js";
import { warehouseContext } from "../rig/warehouse-context.js";

/** `strict` lets in by TLS alone: the reader with a password, `certified` with the client's certificate. */
const hba = `local all all trust
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
`;

let files: Certificates;
let strict: PostgresServer;
let without: PostgresServer;
beforeAll(async () => {
  files = certificates("certified");
  without = await sharedPostgres();
  strict = await startPostgres({
    settings: { ssl: "on", ssl_cert_file: "server.crt", ssl_key_file: "server.key", ssl_ca_file: "issuer.crt" },
    files: {
      "server.crt": files.server.certificate,
      "server.key": files.server.key,
      "issuer.crt": files.issuer,
      "pg_hba.conf": hba,
    },
  });
  await strict.run("postgres", ["create role certified login"]);
});
afterAll(async () => {
  await strict.stop();
  files.remove();
});

/** `tls`, `plain`, or the failure's code and message. */
async function opened(server: PostgresServer, changes: Readonly<Record<string, unknown>>): Promise<string> {
  const settings = postgres.settings.parse({
    ...{ host: "127.0.0.1", port: server.port, database: "postgres", ...server.reader },
    ...changes,
  });
  const result = await postgres.open(settings, warehouseContext(files.folder, { env: { HOME: tmpdir() } }));
  if (!result.ok) return `${result.failure.code}: ${result.failure.message.split(": ").slice(1).join(": ")}`;
  const shown = await result.value.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
  await result.value.close();
  if (!shown.ok) throw new Error(shown.failure.message);
  return shown.value.rows[0]?.[0] === "true" ? "tls" : "plain";
}

it("goes by TLS where the server demands it, unless that is switched off", async () => {
  const modes = ["allow", "prefer", "require"];
  for (const sslmode of modes) expect([sslmode, await opened(strict, { sslmode })]).toEqual([sslmode, "tls"]);
  expect(await opened(strict, { sslmode: "disable" })).toMatch(
    /^warehouse-auth: user 'audit_reader' is not let in: no pg_hba\.conf entry .* no encryption$/,
  );
});

it("goes without where the server has none, unless TLS is demanded", async () => {
  for (const sslmode of ["disable", "allow", "prefer"]) {
    expect([sslmode, await opened(without, { sslmode })]).toEqual([sslmode, "plain"]);
  }
  for (const sslmode of ["require", "verify-ca", "verify-full"]) {
    expect(await opened(without, { sslmode })).toBe(
      "warehouse-auth: TLS failed: The server does not support SSL connections",
    );
  }
});

it("trusts whom it is told to trust, and checks the name where it is to", async () => {
  expect(await opened(strict, { sslmode: "verify-full" })).toMatch(/^warehouse-auth: TLS failed: .*certificate/);
  const sslrootcert = "issuer.crt";
  expect(await opened(strict, { sslmode: "verify-full", sslrootcert })).toBe("tls");
  expect(await opened(strict, { sslmode: "verify-full", sslrootcert, host: "localhost" })).toMatch(
    /^warehouse-auth: TLS failed: .*(altnames|does not match)/,
  );
  expect(await opened(strict, { sslmode: "verify-ca", sslrootcert, host: "localhost" })).toBe("tls");
  // Certificates to trust turn `require` into `verify-ca`.
  expect(await opened(strict, { sslmode: "require", sslrootcert: "client.crt" })).toMatch(/TLS failed/);
  expect(await opened(strict, { sslmode: "verify-full", sslrootcert: "nowhere.crt" })).toContain(
    `'${join(files.folder, "nowhere.crt")}' cannot be read`,
  );
});

it("logs in by a client's certificate", async () => {
  const own = { user: "certified", password: undefined, sslmode: "verify-full", sslrootcert: "issuer.crt" };
  expect(await opened(strict, { ...own, sslcert: "client.crt", sslkey: "client.key" })).toBe("tls");
  expect(await opened(strict, own)).toMatch(/^warehouse-auth: user 'certified' is not let in: .*certificate/);
});

it("cancels a query by TLS as well", async () => {
  const settings = { ...strict.reader, host: "127.0.0.1", port: strict.port, database: "postgres", sslmode: "require" };
  const result = await postgres.open(postgres.settings.parse(settings), warehouseContext(files.folder));
  if (!result.ok) throw new Error(result.failure.message);
  const endless = "select count(*) from generate_series(1, 1000000000000) as t(i) where i * i % 7 = 3";
  const running =
    "select count(*) from pg_stat_activity where application_name = 'audit-run/test/endless' and state = 'active'";
  const controller = new AbortController();
  const pending = result.value.query(endless, { signal: controller.signal, label: "endless" });
  while ((await strict.rows("postgres", running))[0]?.[0] !== "1");
  controller.abort();
  expect(await pending).toMatchObject({ ok: false, failure: { code: "aborted" } });
  // Waits until the query has ended, or the connection is given up; the server's own limit is a minute away.
  await result.value.close();
  expect(await strict.rows("postgres", running)).toEqual([["0"]]);
});
