// The pattern's set-up in examples/snowflake: read from a disk as its README says it is, with dbt's own login in profiles.yml,
// it loads without a word and can be planned. No warehouse is there, and none is asked.
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AuditRequest, type LoadedAudit, loadAudit } from "../../src/audit/load.js";
import { planAudit } from "../../src/audit/plan.js";
import { registries } from "../../src/audit.js";
import { root } from "../docs/documents.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-snowflake-"));
  await cp(join(root, "examples/snowflake"), join(folder, "audit"), { recursive: true });
  for (const name of ["ai-platform-dbt", "dot-sync", "s3-v2", "home"]) {
    await mkdir(join(folder, name, ".git"), { recursive: true });
  }
  const dbt = join(folder, "ai-platform-dbt");
  await writeFile(join(dbt, "dbt_project.yml"), "name: ai_platform\nprofile: ai_platform\n");
  await writeFile(
    join(dbt, "profiles.yml"),
    `ai_platform:
  target: dev
  outputs:
    dev:
      type: snowflake
      account: "{{ env_var('SNOWFLAKE_ACCOUNT') }}"
      user: "{{ env_var('SNOWFLAKE_USER') }}"
      password: "{{ env_var('SNOWFLAKE_PASSWORD') }}"
      role: TRANSFORMER
      warehouse: TRANSFORM_WH
      database: EV3_US_DOT_DB
      schema: DBT_MPIBER
      threads: 8
`,
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(): Promise<LoadedAudit> {
  const request: AuditRequest = {
    configFile: join(folder, "audit/audit.config.yaml"),
    cwd: join(folder, "audit"),
    env: {
      HOME: join(folder, "home"),
      PATH: "/nowhere",
      SNOWFLAKE_ACCOUNT: "myorg-account1",
      SNOWFLAKE_USER: "DBT",
      SNOWFLAKE_PASSWORD: "canary-of-snowflake",
    },
    argv: ["plan"],
    program: [],
    version: "test",
    now: () => new Date("2026-02-03T00:00:00Z"),
    signal: new AbortController().signal,
    targets: [],
    selection: { groups: [], tests: [] },
    retry: false,
    failFast: false,
    failOn: null,
    strategy: null,
  };
  const loaded = await loadAudit(request, registries);
  if ("exitCode" in loaded) throw new Error(JSON.stringify(loaded));
  return loaded;
}

it("loads without a diagnostic, with dbt's login and the audit's own role", async () => {
  const { config, credentials, warnings, exceptions, agent } = await load();
  expect(warnings).toEqual([]);
  expect(credentials.adapter.id).toBe("snowflake");
  expect(credentials.settings).toMatchObject({
    account: "myorg-account1",
    user: "DBT",
    password: "canary-of-snowflake",
    role: "AUDIT_READER",
    virtualWarehouse: "AUDIT_WH",
    database: "EV3_US_DOT_DB",
  });
  expect(JSON.stringify(config)).not.toContain("canary-of-snowflake");
  expect(config.dbt.failuresSchema).toBe("EV3_US_DOT_DB.DBT_MPIBER_test_failures");
  expect(config.summary.table?.relation).toBe("marts_test_failures_summary");
  expect(config.slots).toMatchObject({ count: 3, provider: "command", settings: { create: "jg slot new {n}" } });
  expect([agent.id, config.agent.runner]).toEqual(["claude", "tmux"]);
  expect(exceptions.map(({ test, group }) => [test, group])).toEqual([["bid_extension_total_wrong", "VA"]]);
  await agent.close();
});

it("can be planned before there is anything, and asks no warehouse for it", async () => {
  const planned = await planAudit(await load());
  if ("exitCode" in planned) throw new Error(JSON.stringify(planned));
  expect(planned.plan.rows.map(({ node, verdict }) => [node, verdict])).toEqual([
    ["setup", "run"],
    ["summary", "run"],
    ["export", "undecided"],
    ["collect", "run"],
    ["cleanup", "run"],
  ]);
  expect(JSON.stringify(planned.plan)).not.toContain("canary-of-snowflake");
});
