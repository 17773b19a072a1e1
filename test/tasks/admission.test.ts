// What is kept of an admitted finding: no value that the config took from the environment, no hidden column.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultDigest } from "../../src/findings/claims.js";
import { defaultCategories } from "../../src/model/config.js";
import type { Finding } from "../../src/model/finding.js";
import type { Trace } from "../../src/model/graph.js";
import { createRedactor } from "../../src/support/redact.js";
import { observedQuery, openDesk, shownResult } from "../../src/tasks/admission.js";
import { newProgress, type Session } from "../../src/tasks/session.js";
import { type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";
import { caseOf } from "../rig/cases.js";

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await temporaryDuckdb([
    "create schema secret_schema",
    "create table secret_schema.bids as select 1 as id, 'me@example.org' as contact_email, 'hunter2' as note",
  ]);
});
afterAll(() => temporary.close());

/** A desk for one case, with what it commits. */
function desk() {
  const committed: { trace: Omit<Trace, "output">; finding: Finding }[] = [];
  const config = { categories: defaultCategories, redactColumns: ["*_email"] } as unknown as Session["config"];
  const session = {
    config,
    exceptions: [],
    run: { id: "run", folder: "/nowhere", startedAt: new Date(0) },
    now: () => new Date(0),
    agent: { id: "command", model: null },
    redact: createRedactor(["hunter2"]),
    redactValues: createRedactor(["hunter2", "secret_schema", "needs_fix"], { shapes: "tokens" }),
    traces: {
      commit: async (trace: Omit<Trace, "output">, output: unknown) => {
        committed.push({ trace, finding: output as Finding });
        return { ...trace, output: "" };
      },
    },
    progress: newProgress(),
    emit: () => {},
  } as unknown as Session;
  const open = openDesk({
    session,
    node: "investigate:VA",
    cases: [caseOf("hunter2_is_unique", "VA")],
    partsOf: () => ({}),
    factsOf: () => ({}),
    query: temporary.warehouse.query,
    repos: {},
  });
  return { open, committed, session };
}

it("tells which relation is not there, until the next question", async () => {
  const { open } = desk();
  await open.submit(draft);
  expect(open.objections.map(({ code }) => code)).toEqual(["query-failed"]);
  expect(open.missing).toMatchObject({ code: "relation-missing", message: expect.stringContaining("nothing") });
  open.newRound();
  expect(open.missing).toBeNull();
});

const draft = {
  test: "hunter2_is_unique",
  group: "VA",
  classification: "needs_fix",
  confidence: "high",
  root_cause: "The login hunter2 and password=abc are in the rows.",
  recommendation: "Take hunter2 out of them.",
  alternatives: ["hunter2 was meant to be there"],
  evidence: [{ title: "rows of hunter2", sql: "select * from demo.main.nothing" }],
};
const admit = async (sql: string, claim: Record<string, unknown> = {}) => {
  const { open, committed, session } = desk();
  const admission = await open.submit({ ...draft, evidence: [{ title: "rows of hunter2", sql, ...claim }] });
  return { admission, open, session, finding: committed[0]?.finding, observed: committed[0]?.trace.observed };
};

describe("what an agent told that it spent", () => {
  const plain = { ...draft, evidence: [{ title: "one", sql: "select 1 as one" }] };

  it("is recorded with the findings that it was spent for, when the agent has ended", async () => {
    const { open, committed } = desk();
    open.spent(0.25);
    await open.submit(plain, 4_000);
    open.spent(0.5);
    await open.settle();
    expect(committed.map(({ trace: { took, cost } }) => ({ took, cost }))).toEqual([
      { took: 4_000, cost: undefined },
      { took: 4_000, cost: 0.75 },
    ]);
    expect({ ...committed[1], trace: null }).toEqual({ ...committed[0], trace: null });
  });

  it("is not made up where it told nothing", async () => {
    const { open, committed } = desk();
    await open.submit(plain);
    await open.settle();
    expect(committed.map(({ trace }) => "cost" in trace)).toEqual([false]);
  });
});

describe("an admitted finding", () => {
  it("is kept and shown without the values of the config's variables, and SQL's shapes stay", async () => {
    const { finding, session } = await admit("select note, 'password=abc' as shape from secret_schema.bids", {});
    expect(finding).toMatchObject({
      case: "hunter2_is_unique@VA",
      classification: "needs_fix",
      rootCause: "The login [redacted] and password=abc are in the rows.",
      recommendation: "Take [redacted] out of them.",
      alternatives: ["[redacted] was meant to be there"],
    });
    expect(finding?.evidence).toMatchObject([
      {
        title: "rows of [redacted]",
        sql: "select note, 'password=abc' as shape from [redacted].bids",
        result: { rows: [["[redacted]", "password=abc"]] },
      },
    ]);
    expect(session.progress.findings.get("hunter2_is_unique@VA")?.finding).toEqual(finding);
  });

  it("may claim such a value: it is compared as it is shown", async () => {
    const { admission } = await admit("select note from secret_schema.bids", { value: "hunter2", row_count: 1 });
    expect(admission).toEqual({ admitted: true });
  });

  it("has hidden columns masked, and the digest of later runs is that of the masked result", async () => {
    const sql = "select * exclude (note) from secret_schema.bids";
    const { finding } = await admit(sql);
    const evidence = finding?.evidence[0];
    expect(evidence?.result.rows).toEqual([["1", "[redacted]"]]);
    const again = await temporary.warehouse.query(sql);
    if (!again.ok) throw new Error(again.failure.message);
    expect(resultDigest(shownResult(again.value, desk().session))).toBe(evidence?.resultDigest);
  });

  it("tells nobody a secret by what the warehouse refuses with", async () => {
    const { admission } = await admit("select hunter2 from secret_schema.nothing_of_hunter2");
    expect(JSON.stringify(admission)).toContain("nothing_of_[redacted]");
    expect(JSON.stringify(admission)).not.toContain("hunter2 ");
  });

  it("tells nobody a hidden value by an objection to a wrong claim", async () => {
    const { open, admission } = await admit("select contact_email from secret_schema.bids", { value: "you" });
    expect(admission.admitted).toBe(false);
    expect(JSON.stringify(open.objections)).toContain("claim-differs");
    expect(JSON.stringify(open.objections)).not.toContain("example.org");
  });

  it("is looked at again later by its queries, but for one that lost a value to redaction", async () => {
    const plain = "select 1 as one";
    expect((await admit(plain)).observed).toEqual({ [observedQuery(plain)]: expect.any(String) });
    expect((await admit("select 1 as one from secret_schema.bids")).observed).toEqual({});
  });
});
