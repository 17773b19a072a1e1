import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Check } from "../../src/audit/doctor/check.js";
import { type DiagnosisLine, examine } from "../../src/audit/doctor.js";
import type { AuditRequest, Registries } from "../../src/audit/load.js";
import { doctorText } from "../../src/commands/doctor.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import type { Warehouse, WarehouseAdapter } from "../../src/model/warehouse.js";
import { dialects } from "../../src/sql/index.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-run-doctor-test-"));
  mkdirSync(join(folder, "dbt"));
  writeFileSync(join(folder, "dbt/dbt_project.yml"), "name: bids\nprofile: bids\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = (): never => {
  throw new Error("BUG: nothing of it is needed");
};
const canary = "canary-of-the-doctor";

function far(open: () => Promise<Result<Warehouse>>): WarehouseAdapter {
  return {
    id: "far",
    settings: z.strictObject({ account: z.string(), password: z.string().optional() }),
    open,
    fromProfile: ({ account, password }) => ok({ account, password }),
  };
}

const answering: Warehouse = {
  dialect: dialects.duckdb,
  query: async () => ok({ columns: [], rows: [["1"]], truncated: false }),
  describe: never,
  close: async () => undefined,
};

interface Setting {
  readonly config?: string;
  readonly open?: () => Promise<Result<Warehouse>>;
  readonly agent?: Result<string>;
  readonly checks?: readonly Check[];
}

async function doctor({ config = "", open = async () => ok(answering), agent, checks }: Setting = {}) {
  const head = "version: 1\nname: audit\nrepos: { dbt: { path: dbt, command: no-such-dbt } }\ngroupBy: state\n";
  writeFileSync(join(folder, "audit.config.yaml"), `${head}${config}`);
  const signal = new AbortController().signal;
  const request: AuditRequest = {
    ...{ configFile: join(folder, "audit.config.yaml"), cwd: folder, env: { PATH: process.env.PATH, PASS: canary } },
    ...{ argv: [], program: [], version: "0", now: () => new Date(0), signal, targets: [] },
    ...{ selection: { groups: [], tests: [] }, failFast: false, retry: false, failOn: null, strategy: null },
  };
  const investigator = {
    ...{ id: "lineage", needsSlot: false, readsPrompt: false, parts: {}, model: null, investigate: never },
    close: async () => undefined,
  };
  const registries: Registries = {
    agents: {
      lineage: {
        id: "lineage",
        settings: z.strictObject({}),
        create: async () => ok(agent === undefined ? investigator : { ...investigator, check: async () => agent }),
      },
    },
    slots: { copy: { id: "copy", settings: z.strictObject({}), create: never } },
    warehouses: { far: far(open) },
    reporters: {},
    runners: { process: { id: "process", create: never, endLeftovers: never, attachment: never } },
  };
  return examine(request, registries, checks);
}

const profile = () =>
  writeFileSync(
    join(folder, "dbt/profiles.yml"),
    "bids: { outputs: { default: { type: far, account: acme, password: \"{{ env_var('PASS') }}\" } } }\n",
  );
const levels = (lines: readonly DiagnosisLine[]) => Object.fromEntries(lines.map(({ check, level }) => [check, level]));
const of = (lines: readonly DiagnosisLine[], check: string) =>
  lines.filter((line) => line.check === check).map(({ level, message, hint }) => ({ level, message, hint }));

const artifacts = "summary: { artifacts: target }\n";

describe("the doctor", () => {
  it("looks at everything at once, and changes nothing", async () => {
    profile();
    mkdirSync(join(folder, "target"));
    writeFileSync(join(folder, "target/manifest.json"), "{}");
    writeFileSync(join(folder, "target/run_results.json"), "{}");
    const before = readdirSync(folder, { recursive: true }).sort();
    const { lines, exitCode } = await doctor({ config: artifacts });
    expect(levels(lines)).toEqual({
      ...{ config: "ok", git: "warning", dbt: "warning", summary: "ok", profile: "ok", warehouse: "warning" },
      ...{ agent: "ok", slots: "ok", runner: "ok", disk: "ok" },
    });
    expect(of(lines, "profile")[0]?.message).toBe("far, by profile bids, target default, of dbt/profiles.yml");
    expect(exitCode).toBe(0);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([...before, "audit.config.yaml"].sort());
  });

  it("ends with 4 where something is missing, and says what to do", async () => {
    profile();
    const refused = failed("warehouse-unreachable", `no login with ${canary}`, { hint: "rotate the password" });
    const { lines, exitCode } = await doctor({ config: artifacts, open: async () => refused });
    expect(exitCode).toBe(4);
    expect(of(lines, "warehouse")).toEqual([
      { level: "problem", message: "no login with [redacted]", hint: "rotate the password" },
    ]);
    expect(of(lines, "summary")[0]).toMatchObject({ level: "problem", hint: expect.stringContaining("Run the tests") });
  });

  it("ends with 4 where dbt is not there and the summary calls it, or the agent has no login", async () => {
    profile();
    const agent = failed("agent-auth", "nobody is logged in to it", { hint: "log in" });
    const { lines, exitCode } = await doctor({ config: "summary: { run: no-such-dbt test }\n", agent });
    expect([exitCode, levels(lines)]).toMatchObject([4, { dbt: "problem", summary: "problem", agent: "problem" }]);
  });

  it("ends with 2 where the config or the profile is wrong, and looks at the rest where it can", async () => {
    const broken = await doctor({ config: "agnet: {}\n" });
    expect(broken).toMatchObject({ exitCode: 2, lines: [{ check: "config", level: "problem" }] });
    expect(broken.lines[0]?.message).toBe('audit.config.yaml:5:1: unknown key "agnet"');
    profile();
    writeFileSync(join(folder, "dbt/profiles.yml"), "bids: { outputs: { default: { type: bigquery } } }\n");
    const unsupported = await doctor({ config: artifacts });
    expect(unsupported.exitCode).toBe(2);
    expect(levels(unsupported.lines)).toMatchObject({ profile: "problem", agent: "ok", disk: "ok" });
    expect(of(unsupported.lines, "profile")[0]?.message).toContain('dbt\'s adapter "bigquery"');
  });

  it("waits for no check for ever", async () => {
    const slow: Check = { id: "slow", timeout: 1, look: () => new Promise(() => undefined) };
    profile();
    expect(await doctor({ checks: [slow] })).toEqual({
      exitCode: 4,
      lines: [{ check: "slow", level: "problem", message: "did not answer within 1 ms", hint: null }],
      late: true,
    });
  });

  it("tells the relations that cannot be read, with the grants, as the warehouse does", async () => {
    profile();
    mkdirSync(join(folder, "target"));
    const source = {
      ...{ unique_id: "source.b.raw.bids", resource_type: "source", name: "bids", source_name: "raw" },
      ...{ database: "db", schema: "raw", identifier: "bids", relation_name: "db.raw.bids", package_name: "b" },
    };
    const test = {
      ...{ unique_id: "test.b.t", resource_type: "test", name: "t", package_name: "b", config: {} },
      depends_on: { nodes: ["source.b.raw.bids"] },
    };
    const manifest = {
      metadata: { dbt_schema_version: "https://schemas.getdbt.com/dbt/manifest/v12.json", adapter_type: "far" },
      ...{ nodes: { "test.b.t": test }, sources: { "source.b.raw.bids": source }, macros: {} },
    };
    const results = [{ unique_id: "test.b.t", status: "fail", failures: 1 }];
    const metadata = { dbt_schema_version: "https://schemas.getdbt.com/dbt/run-results/v6.json" };
    writeFileSync(join(folder, "target/manifest.json"), JSON.stringify(manifest));
    writeFileSync(join(folder, "target/run_results.json"), JSON.stringify({ metadata, results }));
    const asked: unknown[] = [];
    const open = async () =>
      ok<Warehouse>({
        ...answering,
        preflight: async (relations) => {
          asked.push(...relations);
          return ok([{ level: "problem" as const, message: "db.raw.bids cannot be read", hint: "GRANT SELECT …" }]);
        },
      });
    const { lines } = await doctor({ config: artifacts, open });
    expect(asked).toEqual([{ database: "db", schema: "raw", name: "bids" }]);
    expect(of(lines, "warehouse")).toEqual([
      { level: "ok", message: "far opens and answers", hint: null },
      { level: "problem", message: "db.raw.bids cannot be read", hint: "GRANT SELECT …" },
    ]);
  });
});

describe("what the doctor says", () => {
  it("is a line for each thing, with the next step below it", () => {
    const lines: readonly DiagnosisLine[] = [
      { check: "git", level: "ok", message: "git version 2.39.5", hint: null },
      { check: "warehouse", level: "problem", message: "it is not there\nsecond line\u001b[31m", hint: "make it" },
      { check: "disk", level: "warning", message: "little is free", hint: "make room" },
    ];
    expect(doctorText(lines)).toMatchInlineSnapshot(`
      "ok       git        git version 2.39.5
      problem  warehouse  it is not there
                          second line
                          → make it
      warning  disk       little is free
                          → make room
      1 problem, 1 warning."
    `);
    expect(doctorText(lines.slice(0, 1))).toContain("All that a run needs is there.");
    expect(doctorText(lines.slice(2))).toContain("1 warning. A run can start.");
  });
});
