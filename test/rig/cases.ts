/** Cases for tests, from `test@group` and a number of failures. */
import type { Case, Group } from "../../src/model/case.js";

export function caseOf(test: string, group: string, failures = 1, more: Partial<Case> = {}): Case {
  return {
    id: `${test}@${group}`,
    test: {
      id: `test.demo.${test}`,
      name: test,
      kind: "not_null",
      severity: "error",
      attachedTo: "model.demo.bids",
      file: `models/${test}.sql`,
      description: "",
    },
    group: groupNamed(group),
    failures,
    rows: failures,
    rowsDigest: `digest of ${test}@${group} ${failures}`,
    failingRows: { sql: `select * from failures.${test}`, groupColumn: "state", source: "stored", relation: null },
    ...more,
  };
}

function groupNamed(key: string): Group {
  if (key === "(null)") return { kind: "null", key, value: null };
  if (key === "(all)") return { kind: "all", key, value: null };
  if (key === "(empty)") return { kind: "empty", key, value: "" };
  return { kind: "value", key, value: key };
}
