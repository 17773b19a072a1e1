// What a run says at its end where there is little to say.
import { expect, it } from "vitest";
import { summaryOf } from "../../src/audit/end-summary.js";
import { runText } from "../../src/commands/run-text.js";
import type { Export } from "../../src/model/case.js";
import { collectReport } from "../../src/tasks/collect.js";
import { exportOf, inputOf } from "../fixtures/report/audit.js";
import { caseOf } from "../rig/cases.js";

const said = (more: Partial<Export>) => {
  const summary = summaryOf(collectReport(inputOf([], { export: exportOf([], more) })));
  const end = { exitCode: 0, run: "r", folder: process.cwd(), settled: [], spent: null, summary };
  return runText(end).split("\n");
};

it("says that no test fails only where all that fail could be looked at", () => {
  expect(said({})).toEqual(["No failing tests.", "Report: ./full-report.md"]);
  const { test } = caseOf("late_bid", "VA");
  const message = 'role auditor may not read failures.late_bid; GRANT USAGE ON SCHEMA "failures" TO "auditor";';
  expect(said({ broken: [{ test, message, transient: true }] })).toEqual([
    "Nothing to report of the other tests.",
    `1 failing test could not be looked at: late_bid (${message})`,
    "Incomplete: what they would show is not known. Mend what is said there, and run `audit-run` again.",
    "Report: ./full-report.md",
  ]);
  const two = said({ broken: [test, test].map((each) => ({ test: each, message })) });
  expect(two).toContain(`2 failing tests could not be looked at: late_bid (${message}); and 1 other, see the report`);
});
