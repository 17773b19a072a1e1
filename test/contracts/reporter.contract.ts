/** What every reporter must keep, whatever its format. Run against each one that is registered. */
import { describe, expect, it } from "vitest";
import type { AuditReport, Reporter } from "../../src/model/report.js";
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

export function reporterContract(reporter: Reporter): void {
  describe.each(reports)(`reporter ${reporter.id}, given %s`, (_, report) => {
    const files = reporter.render(report);

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
      expect(reporter.render(report)).toEqual(files);
      expect(report).toEqual(before);
    });
  });

  it(`reporter ${reporter.id} names every failing test and every group`, () => {
    const report = realisticReport();
    const whole = reporter
      .render(report)
      .map(({ content }) => content)
      .join("\n");
    for (const { case: each } of report.cases) {
      expect(whole).toContain(each.test.name);
      expect(whole).toContain(each.group.key);
    }
  });
}
