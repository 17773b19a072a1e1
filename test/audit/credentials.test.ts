import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { findCredentials } from "../../src/audit/credentials.js";
import { diskFiles } from "../../src/config/files.js";
import { loadConfig } from "../../src/config/load.js";
import { adapterSettings } from "../../src/config/schema.js";
import { ok } from "../../src/model/result.js";
import type { WarehouseAdapter } from "../../src/model/warehouse.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";

/** As a vendor's: what it needs, what it may have, a secret, and a file of connections. */
const far: WarehouseAdapter<{
  account: string;
  password?: string | undefined;
  role?: string | undefined;
  size: number;
}> = {
  id: "far",
  settings: z.strictObject({
    account: z.string().min(1),
    password: z.string().min(8).optional(),
    role: z.string().optional(),
    size: z.int().default(3),
  }),
  open: () => Promise.reject(new Error("BUG: nothing is opened here")),
  fromProfile: ({ account, password, role }) => ok({ account, password, role }),
  fromConnection: ({ account, password }, fileDir) => ok({ account, password, role: `of ${fileDir}` }),
  secrets: ({ password }) => (password === undefined ? [] : [password]),
};
const warehouses: Readonly<Record<string, WarehouseAdapter>> = {
  duckdb: duckdb as WarehouseAdapter,
  far: far as WarehouseAdapter,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-run-credentials-"));
  write("dbt/dbt_project.yml", "name: bids\nprofile: bids\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o600);
}

/** What is opened and how it is told, or what the user is told. */
async function found(warehouse: string, env: Readonly<Record<string, string>> = {}) {
  const text = `version: 1\nname: audit\nrepos: { dbt: { path: dbt } }\ngroupBy: state\n${warehouse}\n`;
  const file = join(folder, "audit.config.yaml");
  const adapters = adapterSettings({ agents: {}, slots: {}, warehouses });
  const some = { agents: { lineage: z.strictObject({}) }, slots: { copy: z.strictObject({}) } };
  const loaded = loadConfig({
    ...{ file, text, adapters: { ...adapters, ...some }, env, homeDir: folder, cwd: folder, files: diskFiles },
  });
  if ("diagnostics" in loaded) throw new Error(renderDiagnostics(loaded.diagnostics, { color: false }));
  const credentials = await findCredentials(loaded, { env, cwd: folder }, warehouses);
  if (!("diagnostics" in credentials)) {
    const { adapter, settings, shown, source, secrets } = credentials;
    return { use: adapter.id, settings, shown, source, secrets };
  }
  const told = renderDiagnostics(credentials.diagnostics, { color: false });
  return (credentials.failure === null ? told : credentials.failure.message).replaceAll(folder, "");
}

const bids = (output: string) => write("dbt/profiles.yml", `bids: { outputs: { default: ${output} } }\n`);

describe("the warehouse's credentials", () => {
  it("are dbt's, where the config says nothing of the warehouse", async () => {
    bids(`{ type: far, account: acme, password: "{{ env_var('PASS') }}", threads: 4 }`);
    expect(await found("", { PASS: "canary-1" })).toEqual({
      use: "far",
      settings: { account: "acme", password: "canary-1", size: 3 },
      shown: { account: "acme", size: 3 },
      source: "profile bids, target default, of dbt/profiles.yml",
      secrets: ["canary-1"],
    });
  });

  it("are DuckDB's file by the rules of dbt-duckdb: from the project's folder", async () => {
    bids("{ type: duckdb, path: data/bids.duckdb }");
    const path = join(folder, "dbt/data/bids.duckdb");
    expect(await found("")).toMatchObject({ use: "duckdb", settings: { path }, secrets: [] });
    bids(`{ type: duckdb, path: ${folder}/x.duckdb, motherduck_token: canary-2 }`);
    expect(await found("")).toMatchObject({ settings: { path: join(folder, "x.duckdb") }, secrets: ["canary-2"] });
  });

  it.each([
    ["{ type: duckdb }", "is in memory, and gone when dbt ends"],
    ["{ type: duckdb, path: ':memory:' }", "is in memory, and gone when dbt ends"],
    ["{ type: duckdb, path: 'md:bids?motherduck_token=canary' }", "is MotherDuck's, which is not supported"],
    ["{ type: duckdb, path: 's3://bucket/x.duckdb' }", "is no plain file (s3)"],
    ["{ type: duckdb, path: x.duckdb, is_ducklake: true }", "is no plain file (ducklake)"],
  ])("are refused with the reason where DuckDB's profile is %s", async (output, reason) => {
    bids(output);
    const told = await found("");
    expect(told).toContain("dbt/profiles.yml:1:20 error[profile-unsupported]");
    expect(told).toContain(reason);
    expect(told).not.toContain("canary");
  });

  it("are the config's own, and no other file is looked at, where nothing that is needed is missing in it", async () => {
    write("dbt/profiles.yml", "{{ broken");
    const env = { PASS: "canary-password" };
    expect(await found(`warehouse: { use: far, account: acme, password: "\${PASS}" }`, env)).toEqual({
      use: "far",
      settings: { account: "acme", password: "canary-password", size: 3 },
      shown: { account: "acme", size: 3 },
      source: "audit.config.yaml",
      secrets: ["canary-password"],
    });
  });

  it("are dbt's with the config's fields before them, where something that is needed is missing in it", async () => {
    bids("{ type: far, account: acme, password: canary-3, role: transformer }");
    expect(await found("warehouse: { use: far, role: reader, size: 5 }")).toMatchObject({
      settings: { account: "acme", password: "canary-3", role: "reader", size: 5 },
      shown: { account: "acme", role: "reader", size: 5 },
    });
  });

  it("are a named connection's, with the config's fields before them", async () => {
    write(".snowflake/connections.toml", '[dev]\naccount = "acme"\npassword = "canary-4"\n');
    const env = { SNOWFLAKE_HOME: join(folder, ".snowflake") };
    expect(await found("warehouse: { use: far, connection: dev }", env)).toEqual({
      use: "far",
      settings: { account: "acme", password: "canary-4", role: `of ${join(folder, ".snowflake")}`, size: 3 },
      shown: { account: "acme", role: `of ${join(folder, ".snowflake")}`, size: 3 },
      source: "connection dev of .snowflake/connections.toml",
      secrets: ["canary-4"],
    });
    expect(await found("warehouse: { use: far, connection: dev, role: own, account: other }", env)).toMatchObject({
      settings: { account: "other", role: "own" },
    });
  });
});

describe("what a user is told of credentials", () => {
  it("is which adapters there are, where dbt's is none of them", async () => {
    bids("{ type: bigquery, keyfile_json: { private_key: canary } }");
    expect(await found("")).toMatchInlineSnapshot(`
      "dbt/profiles.yml:1:37 error[profile-unsupported]: dbt's adapter "bigquery" is none that audit-run has a warehouse for
        1 | bids: { outputs: { default: { type: bigquery, keyfile_json: { private_key: ****** * * * *
          |                                     ^^^^^^^^
          = allowed: duckdb, far
          = with \`warehouse: { use: … }\` the audit reads another one than dbt"
    `);
  });

  it("is that `type` is missing, where the profile has none", async () => {
    bids("{ path: x.duckdb }");
    const told = await found("");
    expect(told).toContain("error[profile-unsupported]: `type` is missing: it names dbt's adapter\n");
    expect(told).toContain("= allowed: duckdb, far");
  });

  it("is where a profile was looked for", async () => {
    expect(await found("")).toMatch(
      /^the config has no `warehouse`, and there is no profiles\.yml of dbt: looked for \/dbt\/profiles\.yml, .*\.dbt\/profiles\.yml$/,
    );
    const told = await found("warehouse: { use: duckdb }");
    expect(told).toContain('audit.config.yaml:5:1 error[missing-key]: missing key "path" in warehouse');
    expect(told).toContain("= there is no profiles.yml of dbt: looked for /dbt/profiles.yml");
  });

  it("is that the profile is another vendor's", async () => {
    bids("{ type: far, account: acme }");
    expect(await found("warehouse: { use: duckdb }")).toMatchInlineSnapshot(`
      "audit.config.yaml:5:1 error[missing-key]: missing key "path" in warehouse
        5 | warehouse: { use: duckdb }
          | ^^^^^^^^^
          = dbt's target "default" is a far, so its profile has nothing for duckdb. Write the fields here"
    `);
  });

  it("is the field, in the file where it stands, and never a secret", async () => {
    bids("{ type: far, account: acme, password: short }");
    expect(await found("")).toMatchInlineSnapshot(`
      "dbt/profiles.yml:1:67 error[out-of-range]: password must be at least 8 characters long, not "…"
        1 | bids: { outputs: { default: { type: far, account: acme, password: ***** * * *
          |                                                                   ^^^^^"
    `);
    bids("{ type: far, password: canary-5 }");
    expect(await found("warehouse: { use: far, size: 1 }")).toMatchInlineSnapshot(`
      "dbt/profiles.yml:1:20 error[missing-key]: missing key "account" for the warehouse
        1 | bids: { outputs: { default: { type: far, password: ******** * * *
          |                    ^^^^^^^"
    `);
  });

  it("is that there is no file of connections", async () => {
    const env = { SNOWFLAKE_HOME: join(folder, "nowhere") };
    expect(await found("warehouse: { use: far, connection: dev }", env)).toMatchInlineSnapshot(`
      "audit.config.yaml:5:36 error[connection-missing]: there is no file with the connection "dev": looked for /nowhere/connections.toml, /nowhere/config.toml
        5 | warehouse: { use: far, connection: dev }
          |                                    ^^^
          = SNOWFLAKE_HOME names its folder"
    `);
  });
});
