// What is known already of a task's tests: of its own cases from earlier audits, then of other groups.
import { describe, expect, test } from "vitest";
import type { Case } from "../../src/model/case.js";
import type { Finding } from "../../src/model/finding.js";
import type { Trace } from "../../src/model/graph.js";
import { byTest, earlierFindings } from "../../src/tasks/earlier-findings.js";
import { caseOf } from "../rig/cases.js";

const finding = (item: Case, rootCause: string): Finding => ({ case: item.id, rootCause }) as Finding;

/** A store with one finding for each case, newest first; `damaged` outputs cannot be read. */
function storeOf(findings: readonly Finding[], damaged: readonly string[] = []) {
  const read: string[] = [];
  const traces = {
    find: (subject: string) =>
      findings.filter((each) => each.case === subject).map((each) => ({ subject, output: each.rootCause }) as Trace),
    read: async ({ subject, output }: Trace) => {
      read.push(subject);
      return damaged.includes(subject) ? null : findings.find((each) => each.rootCause === output);
    },
  };
  return { traces, read };
}

const told = (findings: readonly Finding[]) => findings.map(({ case: id, rootCause }) => `${id}: ${rootCause}`);

describe("earlier findings", () => {
  const [va, tx, fl, la, other] = [
    caseOf("t", "VA", 5),
    caseOf("t", "TX", 1),
    caseOf("t", "FL", 9),
    caseOf("t", "LA", 3),
    caseOf("u", "TX", 7),
  ];
  const all = byTest([va, tx, fl, la, other]);

  test("are those of the case itself, then of the test's other groups, those with the most failures first", async () => {
    const { traces } = storeOf([
      ...[va, tx, fl, la, other].map((item) => finding(item, `of ${item.id}`)),
      finding(va, "an older one"),
    ]);
    const found = await earlierFindings({ cases: [va], all, traces, found: new Map() });
    expect(told(found)).toEqual(["t@VA: of t@VA", "t@FL: of t@FL", "t@LA: of t@LA", "t@TX: of t@TX"]);
  });

  test("of this audit need not be read, and go before older ones of the same case", async () => {
    const { traces, read } = storeOf([finding(fl, "then")]);
    const found = new Map([["t@FL", { finding: finding(fl, "now") }]]);
    expect(told(await earlierFindings({ cases: [va], all, traces, found }))).toEqual(["t@FL: now"]);
    expect(read).toEqual([]);
  });

  test("that cannot be read are left out", async () => {
    const { traces } = storeOf([finding(fl, "a"), finding(la, "b")], ["t@FL"]);
    expect(told(await earlierFindings({ cases: [va], all, traces, found: new Map() }))).toEqual(["t@LA: b"]);
  });

  test("are few, whatever there is: three other groups a test, 24 a task, a hundred groups looked at", async () => {
    const groups = Array.from({ length: 10_000 }, (_, at) => caseOf("t", `S${at}`, 10_000 - at));
    const many = byTest(groups);
    const asked: string[] = [];
    const find = (id: string): readonly Trace[] => {
      asked.push(id);
      return [];
    };
    const traces = { find, read: async () => null };
    await earlierFindings({ cases: groups.slice(0, 1), all: many, traces, found: new Map() });
    expect(asked).toHaveLength(101);

    const found = new Map(groups.map((item) => [item.id, { finding: finding(item, "x") }]));
    expect(await earlierFindings({ cases: [caseOf("t", "new")], all: many, traces, found })).toHaveLength(3);
    expect(await earlierFindings({ cases: groups.slice(0, 500), all: many, traces, found })).toHaveLength(24);
  });
});
