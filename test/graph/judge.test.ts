import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprint, judge } from "../../src/graph/judge.js";
import type { Parts, Trace } from "../../src/model/graph.js";

const traceOf = (parts: Parts, observed: Parts = {}, run = "r1"): Trace => ({
  subject: "duplicate@VA",
  fingerprint: fingerprint(parts),
  parts,
  observed,
  output: "o",
  run,
  at: "2026-02-03T00:00:00Z",
});
const known = (parts: Parts) => ({ kind: "known" as const, parts });
const nothing = () => null;

test("without a trace a case runs", () => {
  expect(judge(known({ rows: "1" }), [], nothing)).toEqual({
    kind: "run",
    reasons: [{ part: "trace", change: "no-trace" }],
  });
});

test("the same parts reuse the trace", () => {
  const trace = traceOf({ rows: "1", model: "m" });
  expect(judge(known({ model: "m", rows: "1" }), [trace], nothing)).toEqual({ kind: "reuse", trace });
});

test("each part that differs is a reason by name", () => {
  const verdict = judge(known({ rows: "2", prompt: "p" }), [traceOf({ rows: "1", model: "m" })], nothing);
  expect(verdict).toEqual({
    kind: "run",
    reasons: [
      { part: "model", change: "removed" },
      { part: "prompt", change: "new" },
      { part: "rows", change: "changed" },
    ],
  });
});

test("reverting an input finds the older trace", () => {
  const [newer, older] = [traceOf({ rows: "2" }, {}, "r2"), traceOf({ rows: "1" }, {}, "r1")];
  expect(judge(known({ rows: "1" }), [newer, older], nothing)).toEqual({ kind: "reuse", trace: older });
});

test("a cited file that changed reopens the case", () => {
  const trace = traceOf({ rows: "1" }, { "file:dot-sync/extract.mjs": "a" });
  expect(judge(known({ rows: "1" }), [trace], () => "a").kind).toBe("reuse");
  expect(judge(known({ rows: "1" }), [trace], () => "b")).toEqual({
    kind: "run",
    reasons: [{ part: "file:dot-sync/extract.mjs", change: "changed" }],
  });
  expect(judge(known({ rows: "1" }), [trace], nothing)).toMatchObject({ reasons: [{ change: "removed" }] });
});

test("inputs that wait for a node are undecided", () => {
  expect(judge({ kind: "awaiting", node: "export" }, [], nothing)).toEqual({ kind: "undecided", awaiting: "export" });
});

test("a verdict is reuse exactly where some trace has these very parts", () => {
  const parts = fc.dictionary(fc.constantFrom("rows", "model", "prompt"), fc.constantFrom("1", "2"));
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 5 }), parts, (recorded, now) => {
      const verdict = judge(
        known(now),
        recorded.map((one) => traceOf(one)),
        nothing,
      );
      const same = recorded.some((one) => fingerprint(one) === fingerprint(now));
      expect(verdict.kind).toBe(same ? "reuse" : "run");
      if (verdict.kind === "run") expect(verdict.reasons.length).toBeGreaterThan(0);
    }),
  );
});
