// The tools to share tasks, asked by the SDK's own client: who has them, what goes through them, and what they refuse.
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { TaskSharing } from "../../src/mcp/context.js";
import { failed, ok } from "../../src/model/result.js";
import type { TemporaryWarehouse } from "../fakes/warehouse.js";
import { bidsWarehouse, call, connectTo, goodDraft, type ToolsRig, toolsRig, value } from "../rig/tools.js";

let temporary: TemporaryWarehouse;
let rig: ToolsRig;
let client: Client;
let asked: unknown[];
let sharing: TaskSharing;
beforeAll(async () => {
  temporary = await bidsWarehouse();
});
afterAll(() => temporary.close());
beforeEach(async () => {
  rig = await toolsRig(temporary.warehouse);
  asked = [];
  const noting =
    <Value>(answer: Value) =>
    async (request?: unknown) => {
      asked.push(request);
      return answer;
    };
  sharing = {
    list: noting(ok([{ task: "VA" }, { task: "TX" }])),
    next: noting(ok(null)),
    claim: noting(ok({ task: "VA", token: 3, cases: [{ test: "vendor_missing", group: "VA" }] })),
    heartbeat: noting(ok({ until: "2026-01-01T00:00:00.000Z" })),
    release: noting(failed("claim-lost", "the claim of VA with token 3 was given back", { hint: "Claim it again." })),
    complete: noting(ok({ admitted: ["vendor_missing@TX"], objections: null, hadFinding: [] })),
  };
});
afterEach(async () => {
  await client.close();
  await rig.close();
});

const names = ["list_tasks", "next_task", "claim_task", "heartbeat_task", "release_task", "complete_task"];

async function open(more: { readonly sharing?: TaskSharing }): Promise<void> {
  const server = await rig.host.open({ ...rig.context, ...more });
  if (!server.ok) throw new Error(server.failure.message);
  client = await connectTo(server.value);
}

it("an agent that a run has started has none of them", async () => {
  await open({});
  const { tools } = await client.listTools();
  expect(tools.filter(({ name }) => names.includes(name))).toEqual([]);
  expect(await call(client, "claim_task", { owner: "me" })).toMatchObject({
    isError: true,
    text: expect.stringContaining("There is no tool"),
  });
});

it("they are listed beside the others, and only looking is read-only", async () => {
  await open({ sharing });
  const { tools } = await client.listTools();
  const listed = tools.filter(({ name }) => names.includes(name));
  expect(listed.map(({ name, annotations }) => [name, annotations?.readOnlyHint, annotations?.idempotentHint])).toEqual(
    [
      ["list_tasks", true, true],
      ["next_task", true, true],
      ["claim_task", false, false],
      ["heartbeat_task", false, true],
      ["release_task", false, true],
      ["complete_task", false, true],
    ],
  );
  expect(tools.length).toBe(9 + names.length);
});

it("a task is listed, claimed and prolonged; nothing left is {}", async () => {
  await open({ sharing });
  expect(await value(client, "list_tasks")).toEqual({ tasks: [{ task: "VA" }, { task: "TX" }] });
  expect(await value(client, "next_task")).toEqual({});
  expect(await value(client, "claim_task", { owner: "me", task: "VA", lease: "10m" })).toMatchObject({ token: 3 });
  expect(await value(client, "heartbeat_task", { task: "VA", token: 3 })).toEqual({
    task: "VA",
    until: "2026-01-01T00:00:00.000Z",
  });
  expect(asked.slice(2)).toEqual([
    { owner: "me", task: "VA", lease: 600_000 },
    { task: "VA", token: 3 },
  ]);
});

it("a claim with more cases than can be shown is not lost: its token is told, and how many more there are", async () => {
  const cases = Array.from({ length: 5_000 }, (_, at) => ({ test: `test_${at}`, group: "VA", failures: 1 }));
  await open({ sharing: { ...sharing, claim: async () => ok({ task: "VA", token: 3, cases }) } });
  const claimed = await value(client, "claim_task", { owner: "me" });
  expect(claimed.token).toBe(3);
  expect(claimed.cases.length + claimed.more_cases).toBe(5_000);
});

it("findings go on with the SQL of the queries that they cite", async () => {
  await open({ sharing });
  const { query_id } = await value(client, "run_sql", { sql: "select 1 as one" });
  const findings = [
    { ...goodDraft, evidence: [{ title: "one", query_id }, { query_id: "q99" }, { sql: "select 2" }] },
    { test: "no_evidence" },
  ];
  expect(await value(client, "complete_task", { task: "TX", token: 3, owner: "me", findings })).toEqual({
    task: "TX",
    completed: true,
  });
  const [{ answer, ...right }] = asked as [{ readonly answer: string }];
  expect(right).toEqual({ task: "TX", token: 3, owner: "me" });
  expect(JSON.parse(answer).findings).toEqual([
    { ...goodDraft, evidence: [{ title: "one", sql: "select 1 as one" }, { query_id: "q99" }, { sql: "select 2" }] },
    { test: "no_evidence" },
  ]);
});

it("what is missing comes back as a list, and a claim that is lost says so", async () => {
  const missing = { case: "vendor_missing@FL", code: "missing-case", message: "it has no finding" } as const;
  const complete: TaskSharing["complete"] = async () =>
    ok({ admitted: ["vendor_missing@TX"], objections: [missing], hadFinding: ["other@TX"] });
  await open({ sharing: { ...sharing, complete } });
  const refused = await call(client, "complete_task", { task: "TX", token: 3, findings: [] });
  expect(refused).toEqual({
    isError: true,
    text: "TX is not completed, and still yours. Admitted and kept: vendor_missing@TX.\n1. vendor_missing@FL: it has no finding\nThese had a finding before, which stays, so that what came for them now was not looked at: other@TX",
  });
  expect(await call(client, "release_task", { task: "VA", token: 3 })).toEqual({
    isError: true,
    text: "the claim of VA with token 3 was given back (claim-lost). Claim it again.",
  });
});
