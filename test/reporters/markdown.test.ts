/** The Markdown of a realistic audit, as a reader sees it. */
import { expect, it } from "vitest";
import type { Case, Export } from "../../src/model/case.js";
import { defaultCategories } from "../../src/model/config.js";
import type { Finding } from "../../src/model/finding.js";
import { textOf } from "../../src/model/report.js";
import { markdown } from "../../src/reporters/markdown.js";
import { collectReport } from "../../src/tasks/collect.js";
import { exceptionOf, exportOf, findingOf, inputOf, realisticReport } from "../fixtures/report/audit.js";
import { caseOf } from "../rig/cases.js";

function render(path: string, report = realisticReport()): string {
  const file = markdown.render(report).find((each) => each.path === path);
  if (file === undefined) throw new Error(`no ${path}`);
  return textOf(file);
}

it("writes VA.md in the pattern's template", async () => {
  await expect(render("results/VA.md")).toMatchFileSnapshot("../fixtures/report/results/VA.md");
});

it("writes full-report.md", async () => {
  await expect(render("full-report.md")).toMatchFileSnapshot("../fixtures/report/full-report.md");
});

const duplicate = (group: string, failures = 3) => caseOf("duplicate_identifier", group, failures);

function found(cases: readonly Case[], more: Partial<Finding> = {}) {
  return new Map(cases.map((each) => [each.id, { finding: findingOf(each, more), reused: false }]));
}

it("says plainly that no test fails", () => {
  const clean = collectReport(
    inputOf([], { export: exportOf([], { testsSeen: 48, noLongerFailing: [duplicate("VA").test] }) }),
  );
  expect(markdown.render(clean).map((file) => [file.path, textOf(file)])).toEqual([
    [
      "full-report.md",
      "# dot-bids - Test Failures Audit\n\n2026-02-03 14:05 UTC · run `2026-02-03-a`\n\n## Summary\n\nNo failing tests. 48 tests were looked at.\n\n## No longer failing\n\n- duplicate_identifier\n",
    ],
  ]);
});

it("does not call an audit clean whose failing tests are left out, or could not be read", () => {
  const summaryOf = (more: Partial<Export>, notes: readonly string[] = []) => {
    const report = collectReport(inputOf([], { notes, export: exportOf([], { testsSeen: 0, ...more }) }));
    return render("full-report.md", report).split("## Summary\n\n")[1];
  };
  const note = "tests.include: no test is called 'nosuch*'";
  expect(summaryOf({ leftOut: 5, notes: [note] }, ["Strategy per-group."])).toBe(
    `Nothing to report, but 5 failing tests are left out by \`tests.include\`, \`exclude\` or \`severity\`.\n\n**Notes:**\n\n- ${note.replaceAll("*", "\\*")}\n- Strategy per-group.\n`,
  );
  expect(summaryOf({ leftOut: 1, testsSeen: 1 })).toBe(
    "Nothing to report, but 1 failing test is left out by `tests.include`, `exclude` or `severity`. 1 test was looked at.\n",
  );
  expect(summaryOf({})).toBe("No tests were looked at.\n");
  expect(summaryOf({ source: "summary-table" })).toBe("No failing tests.\n");
  const broken = [{ test: duplicate("VA").test, message: "there is no such table" }];
  expect(summaryOf({ testsSeen: 2, broken })).toMatch(
    /^No failing tests but the broken ones below\. 2 tests were looked at\.\n\n## Broken tests\n/,
  );
});

it("reads an export of an older version, which says nothing of what is left out", () => {
  const { leftOut: _, notes: __, ...older } = exportOf([duplicate("VA", 1)]);
  const text = render("full-report.md", collectReport(inputOf(older.cases, { export: older })));
  expect(text).toContain("- Total failing cases: 1 (1 test in 1 state, 1 failure)\n- Missing: 1\n\n");
  expect(text).toContain("## Incomplete: 1 of 1 failing case has no finding");
  expect(text).not.toContain("Notes");
});

it("does not call an audit clean whose export failed", () => {
  const failure = { code: "dbt-failed", message: "dbt could not compile", hint: "run dbt compile" } as const;
  const report = collectReport(
    inputOf([], { settled: [{ node: "summary", outcome: "failed", duration: 1, failure }] }),
  );
  const text = render("full-report.md", report);
  expect(text).toContain("- `summary`: dbt could not compile (run dbt compile)");
  expect(text).toContain("Nothing is known of the tests.");
  expect(text).not.toContain("No failing tests");
});

it("opens with what is missing, why, and how to retry it", () => {
  const lines = render("full-report.md").split("\n");
  expect(lines.slice(4, 11).join("\n")).toMatchInlineSnapshot(`
    "## Incomplete: 3 of 36 failing cases have no finding

    - **State: TX**: 2 missing (accepted_values_lettings_status__open__closed__awarded, duplicate_identifier): the agent gave no answer within 30m (raise timeouts.task, or lower maxTestsPerTask)
    - **State: WA**: 1 missing (accepted_values_lettings_status__open__closed__awarded): the agent's answer was not accepted

    To run what failed or is missing, and nothing else:
    "
  `);
});

it("shows a test's page with a section for each state", () => {
  const cases = ["FL", "VA"].map((state) => ({
    ...duplicate(state),
    test: { ...duplicate(state).test, description: "A letting has one identifier." },
  }));
  const report = collectReport(
    inputOf(cases, {
      tasks: [{ id: "duplicate_identifier", title: "duplicate_identifier", axis: "test", cases }],
      findings: found(cases.slice(1)),
    }),
  );
  expect(render("results/duplicate_identifier.md", report)).toMatchInlineSnapshot(`
    "# Test: duplicate_identifier - Test Failures Audit

    A letting has one identifier.

    ## Summary

    - Total states with failures: 2
    - Needs fix: 1
    - Missing: 1

    Investigated by lineage.

    ---

    ## Missing: no finding

    its investigation did not start:

    - FL: 3

    To run what is missing: \`npx audit-run retry\`

    ---

    ## State: VA

    **Failures:** 3  
    **Classification:** needs_fix  
    **Confidence:** high · found 2026-02-03

    **Root Cause:**
    The join in stg_bids loses the vendor.

    **Recommendation:**
    Join on vendor_id.
    "
  `);
});

it("shows the groups of a balanced task inside it", () => {
  const cases = [duplicate("FL"), duplicate("VA"), caseOf("total_wrong", "VA", 127)];
  const report = collectReport(
    inputOf(cases, { tasks: [{ id: "task-1", title: "Task 1", axis: "mixed", cases }], findings: found(cases) }),
  );
  const headings = render("results/task-1.md", report).match(/^#.*$/gm);
  expect(headings).toEqual([
    "# Task 1 - Test Failures Audit",
    "## Summary",
    "## State: FL",
    "### Test: duplicate_identifier",
    "## State: VA",
    "### Test: duplicate_identifier",
    "### Test: total_wrong",
  ]);
});

it("writes a page for a group with accepted failures only, under a name of its own", () => {
  const cases = [duplicate("VA"), duplicate("va"), duplicate("../x")];
  const excepted = cases.slice(1).map((each) => ({ case: each, exception: exceptionOf("*", "*") }));
  const report = collectReport(
    inputOf(cases, {
      tasks: [{ id: "VA", title: "VA", axis: "group", cases: cases.slice(0, 1) }],
      findings: found(cases),
      exceptions: { excepted, expired: [], unmatched: [] },
    }),
  );
  const files = markdown.render(report).map((file) => [file.path, textOf(file).split("\n")[0]]);
  expect(files).toEqual([
    [expect.stringMatching(/^results\/x-[0-9a-f]{8}\.md$/), "# State: ../x - Test Failures Audit"],
    ["results/VA.md", "# State: VA - Test Failures Audit"],
    [expect.stringMatching(/^results\/va-accepted-[0-9a-f]{8}\.md$/), "# State: va - Test Failures Audit"],
    ["full-report.md", "# dot-bids - Test Failures Audit"],
  ]);
});

it("counts a proposed exception apart from accepted ones, and says whose word it is", () => {
  const cases = [duplicate("VA")];
  const report = collectReport(
    inputOf(cases, { findings: found(cases, { classification: "known_exception", proposedException: true }) }),
  );
  const text = render("results/VA.md", report);
  expect(text).toContain("- Proposed exceptions: 1\n");
  expect(text).not.toContain("- Known exceptions");
  expect(text).toContain("**Classification:** known_exception (proposed by the agent; nobody has accepted it yet)");
});

it("leaves pages of other groups alone when a run was narrowed", () => {
  const cases = [duplicate("TX"), duplicate("VA")];
  const report = collectReport(
    inputOf(cases, {
      findings: found(cases.slice(1)),
      isAsked: (id) => id.endsWith("@VA"),
    }),
  );
  expect(markdown.render(report).map(({ path }) => path)).toEqual(["results/VA.md", "full-report.md"]);
  const text = render("full-report.md", report);
  expect(text).toContain("- Not asked for in this run: 1\n");
  expect(text).not.toContain("Incomplete");
});

it("names agents with each finding only where there are several", () => {
  const cases = [duplicate("VA"), caseOf("total_wrong", "VA", 127)];
  const [first, second] = cases.map((each) => findingOf(each));
  if (!first || !second) throw new Error("BUG: two cases");
  const other = {
    ...second,
    provenance: { ...second.provenance, agent: "command", model: "m-1", isolation: "checkout" } as const,
  };
  const findings = new Map([first, other].map((finding) => [finding.case, { finding, reused: true }]));
  const text = render("results/VA.md", collectReport(inputOf(cases, { findings })));
  expect(text).toContain("**Confidence:** high · by lineage · found 2026-02-03");
  expect(text).toContain("**Confidence:** high · by command (m-1, isolation: checkout) · found 2026-02-03");
  expect(text).not.toContain("Investigated by");
});

it("uses the categories of the config", () => {
  const cases = [duplicate("VA"), duplicate("TX"), duplicate("FL")];
  const categories = [
    ...defaultCategories,
    { id: "vendor_outage", meaning: "The vendor was down", action: "Wait" },
    { id: "stale_data", meaning: "Late", action: "Wait" },
  ];
  const classes = ["vendor_outage", "stale_data", "vendor_outage"];
  const findings = new Map(
    cases.map((each, index) => [
      each.id,
      { finding: findingOf(each, { classification: classes[index] ?? "" }), reused: false },
    ]),
  );
  const text = render("full-report.md", collectReport(inputOf(cases, { categories, findings })));
  expect(text).toContain("- Vendor outages: 2\n- Stale data: 1\n");
  expect(text).toContain("| vendor_outage | The vendor was down | Wait | 6 |");
});
