import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { readExceptions } from "../../src/config/exceptions.js";
import type { Diagnostic } from "../../src/model/diagnostic.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";
import { load, smallest } from "./rig.js";

/** Any text; a right config with something spliced in; and right YAML with our keys and wrong values. */
const yamlPiece = fc.constantFrom(
  ...[
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "&a ",
    "*a",
    "<<: *a",
    "|",
    ">",
    '"',
    "'",
    "#",
    "---\n",
    "!!set",
  ],
  ...[
    "${",
    "$${",
    `\${HOME}`,
    "~",
    "012",
    "null",
    "\r\n",
    "\u2028",
    "\ud800",
    "名",
    "? ",
    "%YAML 1.1\n",
    "@",
    "\ufeff",
  ],
);
const spliced = fc
  .tuple(fc.nat(smallest.length), fc.nat(12), fc.oneof(yamlPiece, fc.string({ unit: "binary" })))
  .map(([at, gone, piece]) => smallest.slice(0, at) + piece + smallest.slice(at + gone));
const pieces = fc.array(fc.oneof(yamlPiece, fc.string({ maxLength: 5 })), { maxLength: 40 }).map((all) => all.join(""));
const ourKey = fc.constantFrom(
  "repos",
  "dbt",
  "path",
  "dir",
  "groupBy",
  "slots",
  "use",
  "categories",
  "id",
  "__proto__",
);
const keyed = fc
  .dictionary(ourKey, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
  .map((value) => smallest + stringify({ knowledge: value, ...value }));
const anyText = fc.oneof(fc.string({ unit: "binary" }), spliced, pieces, keyed);

function expectInside(text: string, file: string, diagnostics: readonly Diagnostic[]): void {
  const lines = text.split("\n");
  for (const one of diagnostics) {
    const line = (lines[one.line - 1] ?? "no such line").replace(/\r$/, "");
    expect(one.file).toBe(file);
    expect(one.sourceLine).toBe(line);
    expect(one.column).toBeGreaterThanOrEqual(1);
    expect(one.column).toBeLessThanOrEqual(line.length + 1);
    expect(one.length).toBeGreaterThanOrEqual(1);
    expect(one.column - 1 + one.length).toBeLessThanOrEqual(Math.max(line.length, one.column));
  }
  expect(renderDiagnostics(diagnostics, { color: false })).not.toMatch(/\p{Surrogate}|\p{Cc}(?<!\n)/u);
}

test("no text makes the loader throw, every diagnostic lies in the text, and an error means no config", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const outcome = load(text, { env: { HOME: "/home/me" } });
      if ("config" in outcome) expect(outcome.warnings.every(({ severity }) => severity === "warning")).toBe(true);
      else expect(outcome.diagnostics.some(({ severity }) => severity === "error")).toBe(true);
      expectInside(text, "audit.config.yaml", "config" in outcome ? outcome.warnings : outcome.diagnostics);
    }),
    { numRuns: 200 },
  );
});

test("no text makes the reader of exceptions throw, and every diagnostic lies in the text", () => {
  const start = "version: 1\nexceptions:\n  - { test: a, group: VA, reason: r, owner: o, expires: never }\n";
  const text = fc.oneof(
    anyText,
    pieces.map((piece) => start + piece),
  );
  fc.assert(
    fc.property(text, (text) => {
      const { diagnostics } = readExceptions({ file: "/data/e.yaml", cwd: "/data", reading: { kind: "text", text } });
      expectInside(text, "e.yaml", diagnostics);
    }),
    { numRuns: 100 },
  );
});
