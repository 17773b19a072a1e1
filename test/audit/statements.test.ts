// Statements of a whole audit, counted in one process: a plan and a run with nothing to do send none, new data costs chunks.
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { type AuditRequest, loadAudit } from "../../src/audit/load.js";
import { openAudit } from "../../src/audit/open.js";
import { planAudit } from "../../src/audit/plan.js";
import { runAudit } from "../../src/audit/run.js";
import { registries as all } from "../../src/audit.js";
import type { AgentAdapter } from "../../src/model/agent.js";
import type { ProgressView } from "../../src/model/progress.js";
import { ok } from "../../src/model/result.js";
import type { WarehouseAdapter } from "../../src/model/warehouse.js";
import { counting, type StatementKind } from "../rig/failing-tests.js";
import { type AuditFolder, setFailures, smallAudit } from "../rig/small-audit.js";

const tests = 60;
const failures = (rows: number) =>
  Object.fromEntries(
    Array.from({ length: tests }, (_, index) => [
      `t${index}`,
      [
        ["VA", rows],
        ["TX", 2],
      ] as const,
    ]),
  );

let audit: AuditFolder;
let counted: ReturnType<typeof counting>[] = [];

/** Cites one query for each case, which gives the same whatever else changes. */
const scripted: AgentAdapter<unknown> = {
  id: "scripted",
  settings: z.strictObject({}) as z.ZodType<unknown>,
  create: async () =>
    ok({
      id: "scripted",
      needsSlot: false,
      isolation: "built-in",
      isFree: true,
      readsPrompt: false,
      parts: {},
      model: null,
      async investigate({ cases, submit }) {
        for (const { id, test, group } of cases) {
          const sql = `select '${id}' as id, count(*) as n from "small"."main"."bids" where test is null`;
          await submit({
            test: test.name,
            group: group.key,
            classification: "needs_fix",
            confidence: "high",
            root_cause: "The join loses the vendor of these rows.",
            recommendation: "Join by vendor_id.",
            evidence: [{ title: "rows without a test", sql }],
          });
        }
        return ok(undefined);
      },
      close: async () => {},
    }),
};

const warehouse: WarehouseAdapter<never> = {
  ...(duckdb as unknown as WarehouseAdapter<never>),
  async open(settings, context) {
    const opened = await (duckdb as unknown as WarehouseAdapter<never>).open(settings, context);
    if (!opened.ok) return opened;
    const counts = counting(opened.value);
    counted.push(counts);
    return ok(counts.warehouse);
  },
};

const registries = { ...all, agents: { scripted }, warehouses: { duckdb: warehouse } };
const silent: ProgressView = { open: () => {}, event: () => {}, close: () => {} };

beforeAll(async () => {
  audit = await smallAudit(failures(3), { agent: { use: "scripted" }, evidence: false });
});
afterAll(() => audit.remove());

function request(): AuditRequest {
  return {
    configFile: join(audit.folder, "audit.config.yaml"),
    cwd: audit.folder,
    env: { PATH: process.env.PATH },
    argv: [],
    program: [],
    version: "test",
    now: () => new Date(),
    signal: new AbortController().signal,
    targets: [],
    selection: { groups: [], tests: [] },
    retry: false,
    failFast: false,
    failOn: null,
    strategy: null,
  };
}

async function load() {
  counted = [];
  const loaded = await loadAudit(request(), registries);
  if ("exitCode" in loaded) throw new Error(JSON.stringify(loaded));
  return loaded;
}

/** What was asked since the last call, by kind. */
function asked(): Partial<Record<StatementKind, number>> {
  const sums: Partial<Record<StatementKind, number>> = {};
  for (const { counts } of counted) {
    for (const [kind, count] of Object.entries(counts) as [StatementKind, number][]) {
      if (count > 0) sums[kind] = (sums[kind] ?? 0) + count;
    }
  }
  return sums;
}

async function run() {
  const opened = await openAudit(await load(), registries, silent);
  if ("exitCode" in opened) throw new Error(JSON.stringify(opened));
  await runAudit(opened);
  return asked();
}

async function plan() {
  const planned = await planAudit(await load());
  if ("exitCode" in planned) throw new Error(JSON.stringify(planned));
  return asked();
}

it("a plan sends none, a first run few besides what its findings cite, a second one none", async () => {
  expect(await plan()).toEqual({});
  expect(await run()).toEqual({
    ...{ catalog: 1, "count again": 2, groups: 2 },
    // Each cited query is run when its finding is handed in, and once more to see whether it gives the same again. And one
    // for the gate: where the warehouse looks for names.
    other: 2 * 2 * tests + 1,
  });
  expect(await plan()).toEqual({});
  expect(await run()).toEqual({});
});

it("new data costs chunks: the cited queries are run again by the forty, not one by one", async () => {
  await setFailures(audit, { ...failures(3), another: [["VA", 1]] });
  const counts = await run();
  const cited = 2 * tests;
  expect(counts).toEqual({
    ...{ catalog: 1, "count again": 2, groups: 2 },
    columns: Math.ceil(cited / 20),
    evidence: Math.ceil(cited / 40),
    // Of the one new finding, and of the gate.
    other: 2 + 1,
  });
});
