// The lineage's verdict for other agents: a lead that is shared, and that keeps nobody from anything.
import { describe, expect, test } from "vitest";
import type { Case } from "../../src/model/case.js";
import { failed } from "../../src/model/result.js";
import type { Query } from "../../src/model/warehouse.js";
import { duckdb } from "../../src/sql/duckdb.js";
import { createAgentTools } from "../../src/tasks/agent-tools.js";
import { lineageVerdict, lineageVerdicts, type VerdictRoom } from "../../src/tasks/lineage-verdict.js";
import { build, type Rig, type Spec } from "../lineage/rig.js";
import { caseOf } from "../rig/cases.js";
import { exportConfig } from "./export-rig.js";

const spec: Spec = {
  sources: {
    bids: "select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, case when i < 6 then null else i end as amount from range(40) t(i)",
  },
  models: { stg: "select id, state, amount from {{ bids }}" },
  tests: [{ on: "stg", kind: "not_null", column: "amount" }],
};

const cases: readonly Case[] = ["VA", "TX"].map((group) => {
  const item = caseOf("t0", group, 3);
  const sql = 'select * from "memory"."rig"."stg" where amount is null';
  return { ...item, test: { ...item.test, id: "test.rig.t0" }, failingRows: { ...item.failingRows, sql } };
});

function roomOf(rig: Rig, more: Partial<VerdictRoom> = {}, signal = new AbortController().signal) {
  const tools = createAgentTools();
  const session = { config: exportConfig(), signal, tools };
  const warehouse = { dialect: duckdb, describe: rig.describe };
  return { tools, room: { session, project: rig.project, query: rig.query, warehouse, ...more } };
}

/** Queries that never answer, but end when they are told to. */
const hanging: Query = (_sql, options) =>
  new Promise((resolve) => {
    const end = () => resolve(failed("aborted", "stopped"));
    if (options?.signal?.aborted) end();
    options?.signal?.addEventListener("abort", end, { once: true });
  });

describe("the lineage's verdicts", () => {
  test("are one walk for all groups of a test, with reasons for each", async () => {
    const rig = await build(spec);
    const { room, tools } = roomOf(rig);
    const verdicts = await lineageVerdicts(cases, room, () => undefined);
    expect([...verdicts.keys()]).toEqual(["t0@VA", "t0@TX"]);
    expect(verdicts.get("t0@VA")).toMatchObject({ classification: "source_data_issue" });
    expect(verdicts.get("t0@VA")?.evidence.length).toBeGreaterThan(0);
    const asked = rig.asked.length;
    await lineageVerdicts(cases, room, () => undefined);
    expect(rig.asked).toHaveLength(asked);
    expect(tools.walks.size).toBe(1);
  });

  test("are none where the run's walks may ask no more, and a warning says so", async () => {
    const { room } = roomOf(await build(spec));
    const tools = createAgentTools(2);
    const warnings: string[] = [];
    const own = { ...room, session: { ...room.session, tools } };
    expect((await lineageVerdicts(cases, own, (message) => warnings.push(message))).size).toBe(0);
    expect(warnings).toEqual([
      "the 2 queries of this run's lineage walks are used up: 2 cases go without the lineage's verdict",
    ]);
  });

  test("are none where there is no manifest", async () => {
    const { room } = roomOf(await build(spec), { project: null });
    expect((await lineageVerdicts(cases, room, () => undefined)).size).toBe(0);
  });

  test("that the warehouse refuses are missing, and nothing fails", async () => {
    const rig = await build(spec);
    const away: Query = async () => failed("warehouse-unreachable", "gone");
    const { room, tools } = roomOf(rig, { query: away });
    expect((await lineageVerdicts(cases, room, () => undefined)).size).toBe(0);
    expect(tools.walks.size).toBe(0);
  });

  test("that a bug keeps from coming are missing, and the person is told", async () => {
    const rig = await build(spec);
    const warnings: string[] = [];
    const broken: Query = async () => {
      throw new Error("BUG: the driver fell over");
    };
    const { room } = roomOf(rig, { query: broken });
    expect((await lineageVerdicts(cases, room, (message) => warnings.push(message))).size).toBe(0);
    expect(warnings).toEqual(["the lineage could not be followed: BUG: the driver fell over"]);
  });

  test("that take too long are not waited for", async () => {
    const rig = await build(spec);
    const warnings: string[] = [];
    const { room, tools } = roomOf(rig, { query: hanging });
    const verdicts = await lineageVerdicts(cases, room, (message) => warnings.push(message), Promise.resolve());
    expect(verdicts.size).toBe(0);
    expect(warnings).toEqual(["the lineage was not followed to its end in time: 2 cases go without its verdict"]);
    // The walk goes on for who else asks, and ends with the run.
    expect(tools.walks.size).toBe(1);
    await tools.close();
    expect(tools.walks.size).toBe(0);
  });

  test("of a task that is stopped end for it alone: who else waits for the walk gets it", async () => {
    const rig = await build(spec);
    const stop = new AbortController();
    let answerFirst = (): void => {};
    const first = new Promise<void>((resolve) => {
      answerFirst = resolve;
    });
    let begun = (): void => {};
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const slow: Query = async (sql, options) => {
      begun();
      await first;
      return options?.signal?.aborted ? failed("aborted", "stopped") : rig.query(sql);
    };
    const { room } = roomOf(rig, { query: slow });
    const stopped = { ...room, session: { ...room.session, signal: stop.signal } };
    const [item] = cases as [Case];
    const left = lineageVerdict(item, stopped);
    const stays = lineageVerdict(item, room);
    await hasBegun;
    stop.abort();
    expect(await left).toMatchObject({ ok: false, failure: { code: "aborted" } });
    answerFirst();
    expect(await stays).toMatchObject({ ok: true, value: { test: "t0", group: "VA" } });
  });
});
