// The last line of CI, from the reports that vitest writes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const script = resolve(import.meta.dirname, "../../scripts/test-counts.mjs");
const folder = mkdtempSync(join(tmpdir(), "audit-run-counts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function counted(report: string): string {
  const path = join(folder, "report.json");
  writeFileSync(path, report);
  return spawnSync(process.execPath, [script, path], { encoding: "utf8" }).stdout;
}

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((end) => ({ status: end })),
});

describe("test-counts", () => {
  test("says how many tests passed and failed", () => {
    const testResults = [file("passed", "passed", "passed"), file("failed", "passed", "failed")];
    expect(counted(JSON.stringify({ numPassedTests: 3, numFailedTests: 1, testResults }))).toBe("3 passed, 1 failed\n");
  });

  test("counts a file that could not be loaded as a failure", () => {
    const testResults = [file("passed", "passed"), file("failed")];
    expect(counted(JSON.stringify({ numPassedTests: 1, numFailedTests: 0, testResults }))).toBe("1 passed, 1 failed\n");
  });

  test("counts a report that was never written, or only half, as a failure", () => {
    expect(counted('{"numPassedTests": 3')).toBe("0 passed, 1 failed\n");
  });
});
