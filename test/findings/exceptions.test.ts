/** Accepted failures: which entry holds for which case, and until when. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { applyExceptions, matchesGlob } from "../../src/findings/exceptions.js";
import { exceptionOf } from "../fixtures/report/audit.js";
import { caseOf } from "../rig/cases.js";

const cases = [caseOf("total_wrong", "VA", 127), caseOf("total_wrong", "TX"), caseOf("duplicate", "VA", 3)];

function applied(entries: Parameters<typeof applyExceptions>[1], today = "2026-02-03") {
  const result = applyExceptions(cases, entries, today);
  return {
    remaining: result.remaining.map(({ id }) => id),
    excepted: result.excepted.map((each) => `${each.case.id} by ${each.exception.at}`),
    expired: result.expired.map(({ at }) => at),
    unmatched: result.unmatched.map(({ at }) => at),
  };
}

it("takes out the cases that an entry names, and leaves the others", () => {
  expect(applied([exceptionOf("total_wrong", "VA", { at: "1" })])).toEqual({
    remaining: ["total_wrong@TX", "duplicate@VA"],
    excepted: ["total_wrong@VA by 1"],
    expired: [],
    unmatched: [],
  });
});

it("lets the first entry of the file win, and does not call the second one unmatched", () => {
  const entries = [exceptionOf("*", "VA", { at: "1" }), exceptionOf("duplicate", "*", { at: "2" })];
  expect(applied(entries)).toMatchObject({
    excepted: ["total_wrong@VA by 1", "duplicate@VA by 1"],
    unmatched: [],
  });
});

it("holds an entry up to and including its day, in UTC", () => {
  const entries = [exceptionOf("*", "*", { at: "1", expires: "2026-02-03" })];
  expect(applied(entries, "2026-02-03T23:59:59.999Z").expired).toEqual([]);
  expect(applied(entries, "2026-02-04T00:00:00Z")).toEqual({
    remaining: cases.map(({ id }) => id),
    excepted: [],
    expired: ["1"],
    unmatched: [],
  });
});

it("never lets an entry without a date expire", () => {
  expect(applied([exceptionOf("duplicate", "VA", { expires: null })], "9999-12-31").expired).toEqual([]);
});

it("reports entries that fit no case", () => {
  const entries = [exceptionOf("duplicate", "FL", { at: "1" }), exceptionOf("dup*x", "*", { at: "2" })];
  expect(applied(entries).unmatched).toEqual(["1", "2"]);
});

it("takes only the star for more than itself", () => {
  expect(matchesGlob("assert_*_percent", "assert_catalog_100_percent")).toBe(true);
  expect(matchesGlob("*a*a*", "a")).toBe(false);
  expect(matchesGlob("a*a", "a")).toBe(false);
  expect(matchesGlob("[ab].?", "a.b")).toBe(false);
  expect(matchesGlob("[ab].?", "[ab].?")).toBe(true);
  expect(matchesGlob("(all)", "(all)")).toBe(true);
  expect(matchesGlob("", "")).toBe(true);
  expect(matchesGlob("**", "")).toBe(true);
});

it("matches as a regular expression would", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (glob, name) => {
      const pattern = new RegExp(`^${glob.replaceAll(".", "\\.").replaceAll("*", ".*")}$`, "s");
      expect(matchesGlob(glob, name)).toBe(pattern.test(name));
    }),
  );
});

it("is linear where a regular expression is not", () => {
  expect(matchesGlob("*a".repeat(2_000), `${"a".repeat(200_000)}b`)).toBe(false);
});

it("loses no case, whatever the entries say", () => {
  const entry = fc
    .record({
      test: fc.constantFrom("*", "total_wrong", "dup*", "nothing"),
      group: fc.constantFrom("*", "VA", "T*", ""),
      expires: fc.constantFrom(null, "2026-02-02", "2026-02-03", "not a date"),
    })
    .map(({ test, group, expires }) => exceptionOf(test, group, { expires }));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const result = applyExceptions(cases, entries, "2026-02-03");
      const all = [...result.remaining, ...result.excepted.map((each) => each.case)];
      expect(new Set(all)).toEqual(new Set(cases));
      expect(all).toHaveLength(cases.length);
      for (const { exception } of result.excepted) expect(result.expired).not.toContain(exception);
      for (const unmatched of result.unmatched) expect(result.expired).not.toContain(unmatched);
    }),
  );
});
