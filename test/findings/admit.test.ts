/** Admission: what an agent says is checked in its shape, its meaning and its evidence. */
import { describe, expect, it } from "vitest";
import { type AdmissionContext, type Answers, admit, type Decision, missingCases } from "../../src/findings/admit.js";
import { defaultCategories } from "../../src/model/config.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import type { Cell, QueryResult } from "../../src/model/warehouse.js";
import { exceptionOf } from "../fixtures/report/audit.js";
import { caseOf } from "../rig/cases.js";

const context: AdmissionContext = {
  cases: [caseOf("duplicate", "VA", 3), caseOf("total_wrong", "VA", 127)],
  answered: new Set(),
  categories: defaultCategories,
  exceptions: [],
  today: "2026-02-03",
  repos: ["dbt", "dot-sync"],
  templateWords: ["what is wrong"],
  provenance: { agent: "command", model: null, run: "r1", at: "2026-02-03T00:00:00Z" },
};

const draft = {
  test: "duplicate",
  group: "VA",
  classification: "needs_fix",
  confidence: "high",
  root_cause: "Re-bids come under the same letting_id.",
  recommendation: "Use a composite key.",
  evidence: [{ sql: "select letting_id from raw.lettings", row_count: 3 }],
};

function rows(values: readonly (readonly Cell[])[], truncated = false): Result<QueryResult> {
  const columns = (values[0] ?? []).map((_, index) => ({ name: `c${index}`, type: "VARCHAR" }));
  return ok({ columns, rows: values, truncated });
}

const three = rows([["a"], ["b"], ["c"]]);

function decide(input: unknown, answers: Partial<Answers> = {}, more: Partial<AdmissionContext> = {}): Decision {
  const step = admit(input, { ...context, ...more });
  if (step.kind !== "needs-queries") return step;
  return step.decide({
    results: answers.results ?? step.sqls.map(() => three),
    files: answers.files ?? step.files.map(() => true),
  });
}

function objections(decision: Decision): readonly string[] {
  if (decision.kind !== "rejected") throw new Error(`is ${decision.kind}`);
  return decision.objections.map(({ code, message }) => `${code}: ${message}`);
}

function finding(decision: Decision) {
  if (decision.kind !== "admitted") throw new Error(JSON.stringify(decision));
  return decision.finding;
}

it("asks for each evidence query and each cited file, then admits", () => {
  const step = admit(
    {
      ...draft,
      locations: [
        { file: "./models//a.sql", line: 3 },
        { repo: "dot-sync", file: "sync.py" },
        { file: "models/a.sql" },
      ],
    },
    context,
  );
  if (step.kind !== "needs-queries") throw new Error(step.kind);
  expect(step.sqls).toEqual(["select letting_id from raw.lettings"]);
  expect(step.files).toEqual([
    { repo: "dbt", file: "models/a.sql" },
    { repo: "dot-sync", file: "sync.py" },
  ]);
  expect(finding(step.decide({ results: [three], files: [true, true] }))).toMatchObject({
    case: "duplicate@VA",
    failures: 3,
    rootCause: draft.root_cause,
    proposedException: false,
    locations: [
      { repo: "dbt", file: "models/a.sql", line: 3 },
      { repo: "dot-sync", file: "sync.py" },
      { repo: "dbt", file: "models/a.sql" },
    ],
    evidence: [
      {
        title: null,
        sql: "select letting_id from raw.lettings",
        resultDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ],
    provenance: context.provenance,
  });
});

describe("a cited query_id", () => {
  const more = { sqlOf: (id: string) => (id === "q1" ? "select letting_id from raw.lettings" : null) };

  it("stands for the SQL of that query, which is run again", () => {
    const cited = { ...draft, evidence: [{ query_id: "q1", row_count: 3 }] };
    expect(finding(decide(cited, {}, more))).toEqual(finding(decide(draft)));
    expect(objections(decide({ ...draft, evidence: [{ query_id: "q1", row_count: 4 }] }, {}, more))).toEqual([
      "claim-differs: evidence[0]: row_count is 4, but the query gives 3 rows.",
    ]);
  });

  it("of no query of this task is refused, beside all else that is wrong", () => {
    const evidence = [
      { title: "made up", query_id: "q9" },
      ...draft.evidence.map((each) => ({ ...each, row_count: 1 })),
    ];
    expect(objections(decide({ ...draft, evidence, failures: 2 }, {}, more))).toEqual([
      expect.stringContaining("count-differs: failures is 2"),
      'unknown-query: evidence[0] ("made up"): no query of this task has the query_id "q9"; cite one that run_sql gave you, or give its sql.',
      "claim-differs: evidence[1]: row_count is 1, but the query gives 3 rows.",
    ]);
    expect(objections(decide({ ...draft, evidence: [{ query_id: "q1" }] }))[0]).toMatch(/^unknown-query/);
  });
});

describe("shape", () => {
  it("says where the shape is wrong, and of which case", () => {
    const decision = decide({ ...draft, confidence: "sure", evidence: [{ sql: 7 }], rootcause: "x" });
    expect(decision).toMatchObject({ kind: "rejected", objections: [{ case: "duplicate@VA" }, {}, {}] });
    expect(objections(decision)).toEqual([
      expect.stringContaining("`confidence` has the wrong shape"),
      expect.stringContaining("`evidence[0].sql` has the wrong shape"),
      expect.stringContaining('Unrecognized key: "rootcause"'),
    ]);
  });

  it("lists at most ten mistakes", () => {
    const found = objections(decide({ ...draft, evidence: Array.from({ length: 20 }, () => ({})) }));
    expect(found).toHaveLength(11);
    expect(found.at(-1)).toBe("schema: And 10 more mistakes of shape.");
  });

  it("wants of each evidence either its SQL or a query_id", () => {
    const wrong = { ...draft, evidence: [{ title: "neither" }, { sql: "select 1", query_id: "q1" }] };
    expect(objections(decide(wrong))).toEqual([
      "schema: `evidence[0]` has the wrong shape: give either sql or query_id.",
      "schema: `evidence[1]` has the wrong shape: give either sql or query_id.",
    ]);
  });

  it("refuses what is no object at all", () => {
    expect(decide("DONE")).toMatchObject({ kind: "rejected", objections: [{ case: null, code: "schema" }] });
  });
});

describe("meaning", () => {
  it("refuses a case that the task does not have, and names the open ones", () => {
    expect(objections(decide({ ...draft, group: "TX" }))).toEqual([
      'unknown-case: This task has no test "duplicate" in group "TX". Open cases: "duplicate" in "VA", "total_wrong" in "VA".',
    ]);
  });

  it("refuses a second finding for a case", () => {
    const decision = decide(draft, {}, { answered: new Set(["duplicate@VA"]) });
    expect(objections(decision)).toEqual([
      'duplicate-case: There is a finding for test "duplicate" in group "VA" already. Open cases: "total_wrong" in "VA".',
    ]);
  });

  it("refuses an unknown category and names the known ones", () => {
    expect(objections(decide({ ...draft, classification: "needs-fix" }))).toEqual([
      'unknown-category: classification is "needs-fix"; it must be one of: known_exception, needs_fix, needs_investigation, source_data_issue.',
    ]);
  });

  it.each([
    "TODO",
    "todo: look into it",
    "{description}",
    "…",
    "N/A",
    "<root cause>",
    "[action]",
    "  \u0000 ",
    "What is wrong?",
    "**TBD**",
  ])("refuses the placeholder %j", (text) => {
    expect(objections(decide({ ...draft, root_cause: text }))).toEqual([
      expect.stringMatching(/^placeholder: root_cause is/),
    ]);
  });

  it.each([
    "None of the rows has a vendor.",
    "{{ ref('stg_bids') }} joins on name",
    "No action: {x} is accepted",
    "注文が重複しています",
  ])("takes %j for an answer", (text) => {
    expect(decide({ ...draft, root_cause: text }).kind).toBe("admitted");
  });

  it("wants evidence for every category but the unclear one", () => {
    expect(objections(decide({ ...draft, evidence: [] }))).toEqual([expect.stringMatching(/^no-evidence: needs_fix/)]);
    expect(decide({ ...draft, evidence: [], classification: "needs_investigation" }).kind).toBe("admitted");
  });

  it("counts failures itself", () => {
    expect(objections(decide({ ...draft, failures: 4 }))).toEqual([
      "count-differs: failures is 4, but this test fails 3 times in this group; correct it or leave it out.",
    ]);
    expect(decide({ ...draft, failures: 3 }).kind).toBe("admitted");
  });

  it("marks an exception that nobody accepted as proposed", () => {
    const proposal = { ...draft, classification: "known_exception" };
    expect(finding(decide(proposal)).proposedException).toBe(true);
    const exceptions = [exceptionOf("dup*", "VA")];
    expect(finding(decide(proposal, {}, { exceptions })).proposedException).toBe(false);
    expect(finding(decide(proposal, {}, { exceptions, today: "2027-01-01" })).proposedException).toBe(true);
  });

  it("reports everything at once, the evidence too", () => {
    const decision = decide(
      { ...draft, recommendation: "TBD", failures: 9, locations: [{ file: "gone.sql" }] },
      {
        results: [rows([["a"]])],
        files: [false],
      },
    );
    expect(objections(decision).map((text) => text.split(":")[0])).toEqual([
      "placeholder",
      "count-differs",
      "unknown-file",
      "claim-differs",
    ]);
  });
});

describe("files", () => {
  it.each([
    "/etc/passwd",
    "../other/x.sql",
    "models/../../x",
    "C:/x.sql",
    "models\\x.sql",
    "~/x",
    ".",
    "a\nb",
    "a\u0000b",
  ])("refuses the path %j without asking for it", (file) => {
    const step = admit({ ...draft, locations: [{ file }] }, context);
    expect(step).toMatchObject({ kind: "needs-queries", files: [] });
    expect(objections(decide({ ...draft, locations: [{ file }] }))).toEqual([
      expect.stringMatching(/^unknown-file: .*must be a path/),
    ]);
  });

  it("refuses a repository that the config does not name", () => {
    expect(objections(decide({ ...draft, locations: [{ repo: "s3", file: "x" }] }))).toEqual([
      'unknown-file: There is no repository "s3"; it must be one of: dbt, dot-sync.',
    ]);
  });

  it("refuses a file that is not there, and lines in the wrong order", () => {
    const locations = [{ file: "models/gone.sql", line: 9, end_line: 3 }];
    expect(objections(decide({ ...draft, locations }, { files: [false] }))).toEqual([
      'schema: In "models/gone.sql", end_line 3 is before line 9.',
      'unknown-file: There is no file "models/gone.sql" in repository "dbt".',
    ]);
  });
});

describe("evidence", () => {
  it("hands the warehouse's refusal on", () => {
    const refused = decide(draft, {
      results: [failed("query-refused", "only one SELECT is allowed", { hint: "Drop the DELETE." })],
    });
    expect(objections(refused)).toEqual([
      "query-refused: evidence[0] was refused: only one SELECT is allowed Drop the DELETE.",
    ]);
    const broken = decide(
      { ...draft, evidence: [{ title: "Twice", sql: "select x" }] },
      { results: [failed("query-failed", 'Binder Error: column "x" not found')] },
    );
    expect(objections(broken)).toEqual([
      'query-failed: evidence[0] ("Twice") could not be run: Binder Error: column "x" not found',
    ]);
  });

  it.each(["aborted", "warehouse-unreachable"] as const)("does not blame the agent when the query was %s", (code) => {
    expect(decide(draft, { results: [failed(code, "gone")] })).toEqual({
      kind: "failed",
      failure: { code, message: "gone" },
    });
  });

  it("compares the stated number of rows", () => {
    expect(objections(decide(draft, { results: [rows([["a"]])] }))).toEqual([
      "claim-differs: evidence[0]: row_count is 3, but the query gives 1 row.",
    ]);
    expect(objections(decide(draft, { results: [rows([["a"], ["b"], ["c"]], true)] }))).toEqual([
      expect.stringContaining("cut off after 3 rows"),
    ]);
  });

  it("compares the stated value", () => {
    const valued = { ...draft, evidence: [{ sql: "select count(*) from x", value: 127 }] };
    expect(decide(valued, { results: [rows([["127"]])] }).kind).toBe("admitted");
    expect(objections(decide(valued, { results: [rows([["126"]])] }))).toEqual([
      'claim-differs: evidence[0]: value is 127, but the query gives "126".',
    ]);
    expect(objections(decide(valued, { results: [rows([[null]])] }))).toEqual([
      "claim-differs: evidence[0]: value is 127, but the query gives NULL.",
    ]);
    expect(objections(decide(valued, { results: [rows([["127", "1"]])] }))).toEqual([
      expect.stringContaining("a value needs a query with one row and one column"),
    ]);
    expect(objections(decide(valued, { results: [rows([])] }))).toEqual([expect.stringContaining("0 rows")]);
  });

  it("refuses to judge with answers to other questions", () => {
    expect(() => decide(draft, { results: [] })).toThrow("BUG");
  });
});

it("stores text without control characters and lone surrogates", () => {
  const admitted = finding(
    decide({
      ...draft,
      root_cause: " a\u0000b\r\nc\td\ud800 ",
      alternatives: ["\u0007", "not this"],
      evidence: [{ title: " one\ntwo ", sql: "select\u0000 1\r\n" }],
    }),
  );
  expect(admitted.rootCause).toBe("ab\nc\td\uFFFD");
  expect(admitted.alternatives).toEqual(["not this"]);
  expect(admitted.evidence[0]).toMatchObject({ title: "one two", sql: "select 1\n" });
});

it("names the cases that an answer left out", () => {
  expect(missingCases(context.cases, new Set(["duplicate@VA"]))).toEqual([
    {
      case: "total_wrong@VA",
      code: "missing-case",
      message: 'There is no finding for test "total_wrong" in group "VA".',
    },
  ]);
});
