import { expect, test } from "vitest";
import type { Diagnostic } from "../../src/model/diagnostic.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";

const base: Diagnostic = {
  severity: "error",
  code: "unknown-key",
  message: 'unknown key "stratgy"',
  file: "audit.config.yaml",
  line: 14,
  column: 1,
  length: 7,
  sourceLine: "stratgy: per-test",
};
const render = (more: Partial<Diagnostic>) => renderDiagnostics([{ ...base, ...more }], { color: false });
/** The word that stands above the underline. */
function underlined(text: string): string {
  const [, source = "", marks = ""] = text.split("\n");
  return [...source].slice(marks.indexOf("^"), marks.lastIndexOf("^") + 1).join("");
}

test("place, code, message, frame and notes", () => {
  const text = render({ allowed: ["strategy", "slots"], didYouMean: "strategy", hint: "look it up" });
  expect(text).toMatchInlineSnapshot(`
    "audit.config.yaml:14:1 error[unknown-key]: unknown key "stratgy"
      14 | stratgy: per-test
         | ^^^^^^^
         = allowed: strategy, slots
         = did you mean "strategy"?
         = look it up"
  `);
});

test("an empty line gets no frame", () => {
  expect(render({ sourceLine: "  ", column: 3 })).toBe(
    'audit.config.yaml:14:3 error[unknown-key]: unknown key "stratgy"',
  );
});

test("diagnostics stand apart, and none is nothing", () => {
  expect(renderDiagnostics([base, base], { color: false }).split("\n\n")).toHaveLength(2);
  expect(renderDiagnostics([], { color: false })).toBe("");
});

test("colour changes nothing but colour", () => {
  const colored = renderDiagnostics([base, { ...base, severity: "warning" }], { color: true });
  const plain = renderDiagnostics([base, { ...base, severity: "warning" }], { color: false });
  expect(colored).toContain("\u001b[31merror[unknown-key]\u001b[0m");
  expect(colored).toContain("\u001b[33mwarning[unknown-key]\u001b[0m");
  expect(colored.replaceAll(/\p{Cc}\[\d+m/gu, "")).toBe(plain);
});

test("tabs are drawn as spaces, and the underline stays in place", () => {
  expect(underlined(render({ sourceLine: "\ta:\tword\t# x", column: 5, length: 4 }))).toBe("word");
});

test("wide characters take two columns, combining marks none", () => {
  const text = render({ sourceLine: "名前: e\u0301 word", column: 8, length: 4 });
  const [, source = "", marks = ""] = text.split("\n");
  // Seven characters stand before the word; two of them are wide and one takes no room.
  expect(marks.indexOf("^") - source.indexOf("名")).toBe(8);
});

test.each([0, 300, 596])("a long line is cut around the word at column %d", (start) => {
  const line = `${"a".repeat(start)}WORD${"b".repeat(596 - start)}`;
  const text = render({ sourceLine: line, column: start + 1, length: 4 });
  expect(underlined(text)).toBe("WORD");
  expect(Math.max(...text.split("\n").map((each) => each.length))).toBeLessThan(120);
});

test("a word longer than the frame is cut too", () => {
  const text = render({ sourceLine: `key: ${"x".repeat(5000)}`, column: 6, length: 5000 });
  expect(Math.max(...text.split("\n").map((each) => each.length))).toBeLessThan(120);
});

test("control characters, reversed text and broken halves of characters are made visible", () => {
  const hostile = "a\u001b[2Jb\rc\u202ed\u200be\ud800f\u0085g";
  const text = render({
    message: hostile,
    file: hostile,
    sourceLine: hostile,
    hint: hostile,
    didYouMean: hostile,
    allowed: [hostile],
  });
  expect(text).not.toMatch(/\p{Surrogate}|[\u202e\u200b\u0085]|\p{Cc}(?<!\n)/u);
  expect(text.split("\n")[0]).toContain("a␛[2Jb␍c�d�e�f�g");
});
