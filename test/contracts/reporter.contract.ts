/** What every reporter must keep, whatever its format. Run against each one that is registered. */
import { describe, expect, it } from "vitest";
import type { Finding } from "../../src/model/finding.js";
import { type AuditReport, type ReportedCase, type Reporter, textOf } from "../../src/model/report.js";
import { collectReport } from "../../src/tasks/collect.js";
import { reportWithText } from "../fixtures/report/any-text.js";
import { inputOf, realisticReport } from "../fixtures/report/audit.js";

const reports: readonly (readonly [string, AuditReport])[] = [
  ["a realistic audit", realisticReport()],
  ["an audit without failures", collectReport(inputOf([]))],
  ["an audit whose every text is empty", reportWithText("")],
  ["an audit whose every text climbs out of folders", reportWithText("../../etc/passwd\u0000")],
  ["an audit whose every text is long", reportWithText("long ".repeat(20_000))],
  ["an audit whose every text is broken Unicode", reportWithText("\ud800\udfff\u202e")],
  ["an audit whose every text names a built-in property", reportWithText("__proto__")],
];

function textsOf(reporter: Reporter, report: AuditReport) {
  return reporter.render(report).map((file) => ({ path: file.path, content: textOf(file) }));
}

/** The same audit where a word, a category, a name or a time is another, one at a time. */
function* turned(report: AuditReport): Iterable<AuditReport> {
  yield report;
  yield { ...report, run: "another", at: "2027-01-01T00:00:00Z", notes: ["A note."] };
  yield { ...report, groupLabel: "Market" };
  yield { ...report, retryCommand: "make retry" };
  yield { ...report, categories: report.categories.map((each) => ({ ...each, action: "Ring somebody." })) };
  yield { ...report, export: { ...report.export, unsplit: [] } };
  const cases = (change: (each: ReportedCase) => ReportedCase) => ({ ...report, cases: report.cases.map(change) });
  const findings = (change: (finding: Finding) => Finding) =>
    cases((each) =>
      each.report.status === "found"
        ? { ...each, report: { ...each.report, finding: change(each.report.finding) } }
        : each,
    );
  yield findings((finding) => ({ ...finding, rootCause: "Nobody knows." }));
  yield findings((finding) => ({ ...finding, provenance: { ...finding.provenance, agent: "another" } }));
  yield cases((each) => ({ ...each, case: { ...each.case, failures: each.case.failures + 1 } }));
  yield cases((each) => ({
    ...each,
    case: { ...each.case, test: { ...each.case.test, description: "Other words." } },
  }));
  yield cases((each) =>
    each.report.status === "found" ? { ...each, report: { ...each.report, reused: !each.report.reused } } : each,
  );
  yield { ...report, cases: report.cases.slice(0, -1) };
}

export function reporterContract(reporter: Reporter): void {
  describe.each(reports)(`reporter ${reporter.id}, given %s`, (_, report) => {
    const files = textsOf(reporter, report);

    it("gives files with distinct safe paths below the audit folder", () => {
      expect(files.length).toBeGreaterThan(0);
      for (const { path } of files)
        expect(path).toMatch(/^([A-Za-z0-9_][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_][A-Za-z0-9_.-]*$/);
      expect(new Set(files.map(({ path }) => path.toLowerCase())).size).toBe(files.length);
    });

    it("gives well-formed text that ends with one line end", () => {
      for (const { content } of files) {
        expect(content).toMatch(/[^\n]\n$/);
        expect(content).not.toMatch(/[\p{Surrogate}\0]/u);
      }
    });

    it("gives the same again, and leaves the report as it is", () => {
      const before = structuredClone(report);
      expect(textsOf(reporter, report)).toEqual(files);
      expect(report).toEqual(before);
    });
  });

  it(`reporter ${reporter.id} gives pieces of the same key the same text, whatever else changes`, () => {
    const texts = new Map<string, string>();
    let shared = 0;
    for (const report of turned(realisticReport())) {
      for (const { path, pieces } of reporter.render(report)) {
        for (const { key, text } of pieces) {
          if (key === null) continue;
          // A file is put together from the pieces of the same file.
          const known = texts.get(`${path} ${key}`);
          if (known !== undefined) shared += 1;
          expect(text()).toBe(known ?? text());
          texts.set(`${path} ${key}`, text());
        }
      }
    }
    expect(shared).toBeGreaterThan(0);
  });

  it(`reporter ${reporter.id} names every failing test and every group`, () => {
    const report = realisticReport();
    const whole = textsOf(reporter, report)
      .map(({ content }) => content)
      .join("\n");
    for (const { case: each } of report.cases) {
      expect(whole).toContain(each.test.name);
      expect(whole).toContain(each.group.key);
    }
  });
}
