// The lineage agent as an adapter: one walk a test for all tasks, one draft a case, categories by role.
import { describe, expect, test } from "vitest";
import { lineage } from "../../src/adapters/agents/lineage.js";
import type { InvestigationRequest, Investigator } from "../../src/model/agent.js";
import type { Case, Group } from "../../src/model/case.js";
import { defaultCategories, type SourceRepoConfig } from "../../src/model/config.js";
import type { FindingDraft } from "../../src/model/finding.js";
import { failed, ok } from "../../src/model/result.js";
import { duckdb } from "../../src/sql/duckdb.js";
import { createAgentTools } from "../../src/tasks/agent-tools.js";
import { build, type Rig, type Spec } from "./rig.js";

const spec: Spec = {
  sources: {
    bids: "select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, case when i % 2 = 0 and i < 6 then null when i % 2 = 1 and i < 9 then 'n/a' else cast(i as varchar) end as amount from range(40) t(i)",
  },
  models: { stg: "select id, state, try_cast(amount as integer) as amount from {{ bids }}" },
  tests: [
    { on: "stg", kind: "not_null", column: "amount" },
    { on: "stg", kind: "singular" },
  ],
};

const value = (text: string): Group => ({ kind: "value", key: text, value: text });

function caseOf(group: Group, name = "t0", rows = 3): Case {
  return {
    id: `${name}@${group.key}`,
    test: {
      id: `test.rig.${name}`,
      name,
      kind: "not_null",
      severity: "error",
      attachedTo: null,
      file: null,
      description: "",
    },
    group,
    failures: rows,
    rows,
    rowsDigest: "",
    failingRows: {
      sql: 'select * from "memory"."rig"."stg" where amount is null',
      groupColumn: "state",
      source: "compiled",
      relation: null,
    },
  };
}

function asked(rig: Rig, cases: readonly Case[], more: Partial<InvestigationRequest> = {}) {
  const drafts: FindingDraft[] = [];
  const request: InvestigationRequest = {
    task: { id: "VA", title: "VA", axis: "group", cases },
    cases,
    prompt: "",
    followUp: null,
    round: 0,
    objections: [],
    evidenceDir: "",
    logDir: "",
    checkouts: {},
    dbtDir: ".",
    categories: defaultCategories,
    sourceRepos: [],
    project: rig.project,
    dialect: duckdb,
    query: rig.query,
    describe: rig.describe,
    submit: async (draft) => {
      drafts.push(draft);
      return { admitted: true };
    },
    reject: () => undefined,
    unanswered: () => [...cases],
    progress: () => undefined,
    onActivity: () => undefined,
    tools: null,
    signal: new AbortController().signal,
    ...more,
  };
  return { request, drafts };
}

async function agent(): Promise<Investigator> {
  const made = await lineage.create({ maxQueries: 40 }, { baseDir: "/", env: {}, redact: (text) => text });
  if (!made.ok) throw new Error("BUG: the agent was not made");
  return made.value;
}

const repo = (loads: readonly string[]): SourceRepoConfig => ({
  name: "dot-sync",
  path: "/",
  dir: ".",
  slot: false,
  loads,
});

test("what a run's walks may ask together ends the task that would ask more; what was found before is handed in", async () => {
  const {
    tests: [test = { on: "stg", kind: "not_null" }],
  } = spec;
  const rig = await build({ ...spec, tests: [test, test] });
  const cases = [caseOf(value("VA")), caseOf(value("TX"), "t1", 4)];
  const whole = asked(rig, cases);
  expect(await (await agent()).investigate(whole.request)).toEqual(ok(undefined));
  const first = asked(rig, cases.slice(0, 1));
  rig.asked.length = 0;
  await (await agent()).investigate(first.request);
  const needed = rig.asked.length;
  expect(needed).toBeGreaterThan(1);

  const { walkBudget } = createAgentTools(needed);
  const cut = asked(rig, cases, { walkBudget });
  rig.asked.length = 0;
  expect(await (await agent()).investigate(cut.request)).toMatchObject({
    ok: false,
    failure: { code: "agent-budget", message: `the ${needed} queries of this run's lineage walks are used up` },
  });
  expect(rig.asked).toHaveLength(needed);
  expect(cut.drafts).toEqual(whole.drafts.slice(0, 1));
});

describe("the lineage agent", () => {
  test("each group gets its own category, with queries whose claims hold", async () => {
    const rig = await build(spec);
    const { request, drafts } = asked(rig, [caseOf(value("VA")), caseOf(value("TX"), "t0", 4)]);
    expect(await (await agent()).investigate(request)).toEqual(ok(undefined));
    expect(drafts.map((draft) => [draft.group, draft.classification, draft.confidence])).toEqual([
      ["VA", "source_data_issue", "high"],
      ["TX", "needs_fix", "high"],
    ]);
    expect(drafts[1]?.root_cause).toContain("model stg (models/stg.sql)");
    for (const claim of drafts.flatMap((draft) => draft.evidence)) {
      const answer = await rig.query(claim.sql ?? "");
      expect(answer).toMatchObject({ ok: true, value: { rows: [[String(claim.value)]] } });
    }
  });

  test("what a source repository loads may be its bug: unclear, and the repository is named", async () => {
    const rig = await build(spec);
    const { request, drafts } = asked(rig, [caseOf(value("VA"))], { sourceRepos: [repo(["raw"])] });
    await (await agent()).investigate(request);
    expect(drafts[0]?.classification).toBe("needs_investigation");
    expect(drafts[0]?.root_cause).toContain("dot-sync");
    const other = asked(rig, [caseOf(value("VA"))], { sourceRepos: [repo(["other"])] });
    await (await agent()).investigate(other.request);
    expect(other.drafts[0]?.classification).toBe("source_data_issue");
  });

  test("tasks that run at the same time share one walk", async () => {
    const rig = await build(spec);
    const investigator = await agent();
    const one = asked(rig, [caseOf(value("VA"))]);
    const other = asked(rig, [caseOf(value("TX"), "t0", 4)]);
    await Promise.all([investigator.investigate(one.request), investigator.investigate(other.request)]);
    expect(rig.asked).toEqual([...new Set(rig.asked)]);
    expect(other.drafts[0]?.classification).toBe("needs_fix");
  });

  test("a walk that was cut short is not remembered", async () => {
    const rig = await build(spec);
    const investigator = await agent();
    const outage = async () => failed("aborted", "stopped");
    const first = await investigator.investigate(asked(rig, [caseOf(value("VA"))], { query: outage }).request);
    expect(first).toMatchObject({ ok: false, failure: { code: "aborted" } });
    const again = asked(rig, [caseOf(value("VA"))]);
    expect(await investigator.investigate(again.request)).toEqual(ok(undefined));
    expect(again.drafts[0]?.classification).toBe("source_data_issue");
  });

  test("what has no rule, or fails no longer, is unclear with the reason and a query", async () => {
    const rig = await build(spec);
    const { request, drafts } = asked(rig, [caseOf(value("VA"), "t1"), caseOf(value("FL"), "t0", 0)]);
    await (await agent()).investigate(request);
    expect(drafts.map((draft) => draft.classification)).toEqual(["needs_investigation", "needs_investigation"]);
    expect(drafts[0]?.root_cause).toContain("no compiled SQL of the test");
    expect(drafts[1]?.root_cause).toContain("no row of this group fails");
    expect(drafts[0]?.evidence).toHaveLength(1);
  });

  test("a mapped group is found by the failing rows that export made", async () => {
    const rig = await build(spec);
    const failingRows = {
      sql: `select s.*, case state when 'VA' then 'Virginia' else state end as audit_group from "memory"."rig"."stg" as s where amount is null`,
      groupColumn: "audit_group",
      source: "compiled",
      relation: null,
    } as const;
    const { request, drafts } = asked(rig, [{ ...caseOf(value("Virginia")), failingRows }]);
    await (await agent()).investigate(request);
    expect(drafts[0]?.classification).toBe("source_data_issue");
    expect(drafts[0]?.root_cause).toContain("3 rows");
  });

  test("without a manifest it says what it needs", async () => {
    const rig = await build(spec);
    const { request } = asked(rig, [caseOf(value("VA"))], { project: null });
    expect(await (await agent()).investigate(request)).toMatchObject({
      ok: false,
      failure: { code: "artifacts-missing" },
    });
  });
});
