/** Admission and claims hold for any JSON and any result. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type AdmissionContext, admit } from "../../src/findings/admit.js";
import { resultDigest, sameValue } from "../../src/findings/claims.js";
import { cleanText } from "../../src/findings/text.js";
import { defaultCategories } from "../../src/model/config.js";
import { failed, ok } from "../../src/model/result.js";
import { caseOf } from "../rig/cases.js";

const context: AdmissionContext = {
  cases: [caseOf("duplicate", "VA", 3)],
  answered: new Set(),
  categories: defaultCategories,
  exceptions: [],
  today: "2026-02-03",
  repos: ["dbt"],
  templateWords: ["description"],
  provenance: { agent: "command", model: null, run: "r", at: "2026-02-03T00:00:00Z" },
};

const anyText = fc.string({ unit: "binary", maxLength: 40 });
const cell = fc.option(fc.oneof(anyText, fc.integer().map(String)));
const result = fc
  .record({ width: fc.integer({ min: 0, max: 3 }), height: fc.integer({ min: 0, max: 3 }), truncated: fc.boolean() })
  .chain(({ width, height, truncated }) =>
    fc.record({
      columns: fc.array(fc.record({ name: anyText, type: anyText }), { minLength: width, maxLength: width }),
      rows: fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: height, maxLength: height }),
      truncated: fc.constant(truncated),
    }),
  );
const answer = fc.oneof(
  result.map((value) => ok(value)),
  anyText.map((message) => failed("query-failed", message)),
);
const location = fc.record({ file: anyText, line: fc.integer(), repo: anyText }, { requiredKeys: ["file"] });
const nearDraft = fc.record({
  test: fc.constant("duplicate"),
  group: fc.constant("VA"),
  classification: fc.constantFrom("needs_fix", "known_exception", "needs_investigation", "x"),
  confidence: fc.constantFrom("high", "sure"),
  root_cause: anyText,
  recommendation: anyText,
  evidence: fc.array(
    fc.record({ sql: anyText, row_count: fc.nat(3), value: fc.jsonValue() }, { requiredKeys: ["sql"] }),
    {
      maxLength: 3,
    },
  ),
  locations: fc.array(location, { maxLength: 2 }),
});

it("answers any JSON with an admission or with objections, and never throws", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), nearDraft),
      fc.infiniteStream(answer),
      fc.boolean(),
      (input, answers, there) => {
        const step = admit(input, context);
        const decision =
          step.kind === "needs-queries"
            ? step.decide({ results: [...answers.take(step.sqls.length)], files: step.files.map(() => there) })
            : step;
        if (decision.kind === "rejected") {
          expect(decision.objections.length).toBeGreaterThan(0);
          for (const { message } of decision.objections) expect(message).toMatch(/\S/);
        }
        if (decision.kind === "admitted") {
          for (const text of [decision.finding.rootCause, decision.finding.recommendation]) {
            expect(text).toMatch(/\S/);
            expect(text).toBe(cleanText(text));
          }
          for (const { file } of decision.finding.locations) expect(file.split("/")).not.toContain("..");
        }
      },
    ),
    { numRuns: 300 },
  );
});

it("compares numbers as decimals, however they are written", () => {
  for (const claim of ["127", 127, "127.0", "1.27e2", "+127", "0127", " 127 "]) {
    for (const got of ["127", "127.00", "1270e-1"])
      expect([claim, got, sameValue(claim, got)]).toEqual([claim, got, true]);
  }
  expect(sameValue("127", "128")).toBe(false);
  expect(sameValue("-0", "0.000")).toBe(true);
  expect(sameValue("-1", "1")).toBe(false);
  expect(sameValue(0.3, "0.30000000000000004")).toBe(false);
  expect(sameValue("12345678901234567890", "12345678901234567891")).toBe(false);
  // As JSON readers round it.
  expect(sameValue(Number("12345678901234567891"), "12345678901234567891")).toBe(true);
  expect(sameValue("1e999999", "1e-999999")).toBe(false);
  expect(sameValue(`1${"0".repeat(100_000)}1`, `1${"0".repeat(100_000)}2`)).toBe(false);
});

it("compares null, booleans and text each in its own way", () => {
  expect([sameValue(null, null), sameValue(null, "null"), sameValue("NULL", null), sameValue(0, null)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([sameValue(true, "TRUE"), sameValue(true, "t"), sameValue(false, "false"), sameValue(true, "1")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([sameValue("VA", "VA "), sameValue("VA", "va"), sameValue("", ""), sameValue(".", "0")]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

it("calls every number equal to itself with zeros around it", () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.nat(30), fc.nat(30), (whole, places, zeros) => {
      const digits = whole
        .toString()
        .replace("-", "")
        .padStart(places + 1, "0");
      const cut = digits.length - places;
      const sign = whole < 0n ? "-" : "";
      const plain = `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`;
      expect(
        sameValue(plain, `${sign}${"0".repeat(zeros)}${digits.slice(0, cut)}.${digits.slice(cut)}${"0".repeat(zeros)}`),
      ).toBe(true);
      expect(sameValue(plain, `${sign}${digits}e-${places}`)).toBe(true);
      expect(sameValue(plain, `${sign}${digits}1e-${places}`)).toBe(false);
    }),
  );
});

it("digests a result without regard to the order of its rows, and to nothing else", () => {
  fc.assert(
    fc.property(result, (given) => {
      const digest = resultDigest(given);
      expect(resultDigest({ ...given, rows: given.rows.toReversed() })).toBe(digest);
      expect(resultDigest({ ...given, truncated: !given.truncated })).not.toBe(digest);
      expect(resultDigest({ ...given, rows: [...given.rows, ["more"]] })).not.toBe(digest);
      expect(resultDigest({ ...given, columns: [...given.columns, { name: "more", type: "" }] })).not.toBe(digest);
    }),
  );
});
