// What is kept of an answer of an agent that audit-run has not started: whose it is, and of which model.
import { afterAll, beforeAll, expect, it } from "vitest";
import { defaultCategories } from "../../src/model/config.js";
import type { Finding } from "../../src/model/finding.js";
import { takeAnswer } from "../../src/tasks/hand-in.js";
import { newProgress, type Session } from "../../src/tasks/session.js";
import type { TemporaryWarehouse } from "../fakes/warehouse.js";
import { bidsCase, bidsProject, bidsWarehouse, goodDraft } from "../rig/tools.js";

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await bidsWarehouse();
});
afterAll(() => temporary.close());

it("is its owner's, of no model that the config gives to its own agent or to one test", async () => {
  const committed: Finding[] = [];
  const agent = { id: "claude", model: "opus", variantOf: () => ({ model: "sonnet" }) };
  const session = {
    config: {
      ...{ categories: defaultCategories, redactColumns: [], timeouts: { query: 60_000 }, sources: [] },
      ...{ dbt: { failuresSchema: null }, sql: { schemas: [], functions: [] }, summary: { table: null } },
    },
    artifacts: async () => ({ ok: true, value: { project: bidsProject, runResults: null } }),
    exceptions: [],
    run: { id: "run", folder: "/nowhere", startedAt: new Date(0) },
    now: () => new Date(0),
    signal: new AbortController().signal,
    agent,
    redactValues: (text: string) => text,
    warehouse: async () => ({ ok: true, value: temporary.warehouse }),
    traces: {
      commit: async (trace: object, output: unknown) => {
        committed.push(output as Finding);
        return { ...trace, output: "" };
      },
    },
    progress: newProgress(),
    emit: () => {},
  } as unknown as Session;
  const cases = [bidsCase("TX", 2)];
  const given = { session, node: "investigate:TX", owner: "agent-7", open: cases, cases, took: 0 };
  const taken = await takeAnswer(JSON.stringify(goodDraft), { ...given, partsOf: () => ({}), factsOf: () => ({}) });
  expect(taken).toEqual({ admitted: ["vendor_missing@TX"], objections: [], hadFinding: [], failure: null });
  expect(committed.map(({ provenance }) => [provenance.agent, provenance.model])).toEqual([["agent-7", null]]);
  // Once more, for a case that is open no more: it is named, and not looked at.
  const again = await takeAnswer(JSON.stringify(goodDraft), {
    ...{ ...given, open: [], partsOf: () => ({}), factsOf: () => ({}) },
  });
  expect(again).toEqual({ admitted: [], objections: [], hadFinding: ["vendor_missing@TX"], failure: null });
  expect(committed).toHaveLength(1);
  // The session's own agent is what it was.
  expect(session.agent).toBe(agent);
});
