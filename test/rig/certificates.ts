/** Certificates for tests, made by openssl on the spot: an issuer, a server at 127.0.0.1, and a client. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  /** Folder with issuer.crt, client.crt and client.key. */
  readonly folder: string;
  readonly server: { readonly certificate: string; readonly key: string };
  readonly issuer: string;
  remove(): void;
}

export function certificates(clientName: string): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "audit-run-certificates-"));
  const openssl = (...args: readonly string[]) => {
    const { status, stderr, error } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${error?.message ?? stderr}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const days = ["-days", "2"];
  openssl("req", "-x509", ...key, ...days, "-keyout", "issuer.key", "-out", "issuer.crt", "-subj", "/CN=issuer");
  for (const [name, common, more] of [
    ["server", "127.0.0.1", "subjectAltName=IP:127.0.0.1"],
    ["client", clientName, "extendedKeyUsage=clientAuth"],
  ] as const) {
    writeFileSync(join(folder, `${name}.ext`), more);
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${common}`);
    const signed = ["-CA", "issuer.crt", "-CAkey", "issuer.key", "-CAcreateserial", "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, ...days, "-out", `${name}.crt`);
  }
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  return {
    folder,
    server: { certificate: read("server.crt"), key: read("server.key") },
    issuer: read("issuer.crt"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
