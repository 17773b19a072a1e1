// Prints "N passed, N failed" of a vitest JSON report. A test file that could not even be loaded counts as one failure,
// and so does a report that is not there. Usage: node scripts/test-counts.mjs <report.json>
import { readFileSync } from "node:fs";

function countTests(path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length };
}

const { passed, failed } = countTests(process.argv[2]);
console.log(`${passed} passed, ${failed} failed`);
