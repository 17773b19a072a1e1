import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAnswer, readFinding } from "../../src/adapters/agents/answer.js";

describe("an answer", () => {
  it("is found between any other text, whatever braces and quotes that has", () => {
    const noise = fc
      .array(fc.constantFrom("{", "}", '"', "'", "\\", "[", "log line", "\n", '{"a": 1}', "`", "```json\n"), {
        maxLength: 20,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(noise, fc.array(fc.jsonValue(), { maxLength: 4 }), (before, findings) => {
        const answer = readAnswer(`${before}\n${JSON.stringify({ findings })}\n`);
        expect(answer.kind === "answer" && JSON.stringify(answer.findings)).toBe(JSON.stringify(findings));
      }),
    );
  });

  it("is never made up: any text gives an answer that stands in it, or none", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"findings"', ":", ",", '"', "1") }),
        (text) => {
          const answer = readAnswer(text);
          if (answer.kind === "answer")
            expect(text.replaceAll(" ", "")).toContain(`"findings":${JSON.stringify(answer.findings)}`);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is not an object that has findings only deeper inside", () => {
    expect(readAnswer('{"result": {"nothing": []}}').kind).toBe("none");
    expect(readAnswer('{"findings": {"findings": 1}}').kind).toBe("none");
  });

  it("with a byte order mark is an answer", () => {
    expect(readAnswer('\uFEFF{"findings": []}')).toMatchObject({ kind: "answer", findings: [] });
  });

  it("that is hostile takes no minutes", () => {
    for (const unit of ["{", '{"findings":[', '"findings"', '{"', '"findings":{{{{{{{{']) {
      expect(readAnswer(unit.repeat(5_000_000 / unit.length)).kind).toBe("none");
    }
  });

  it("may hold anything at all as a finding", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (raw) => {
        expect(readFinding(raw, 0, []).ok).toBe(false);
      }),
    );
  });
});
