import { expect, test } from "vitest";
import { load, said, smallest } from "./rig.js";

test.each([
  ["an unclosed list", "a: [1, 2\nb: 3\n", "2:1", "a list [ must end with ], indented more than its key"],
  ["a tab as indentation", "a:\n\tb: 1\n", "2:1", "a tab stands where only spaces may"],
  ["a text with a colon", "a: b: c\n", "1:4", "a second `key: value` on one line"],
  ["a star without quotes", "tests: { include: [*] }\n", "1:20", "an alias (*name) without a name"],
  ["a reserved character", "a: @handle\n", "1:4", "plain value cannot start with reserved character @"],
  ["an unclosed quote", 'a: "x\nb: 1\nc: 2\n', "1:4", 'missing closing "quote'],
  ["a second document", "a: 1\n---\nb: 2\n", "2:1", "a second document starts here"],
  ["a list as a key", "? [a, b]\n: 1\n", "1:3", "a key must be text"],
])("%s is one error, at its place", (_what, text, place, message) => {
  const [first, ...others] = said(text).split("\n\n");
  expect(first).toContain(`audit.config.yaml:${place} error[broken-yaml]: this is not valid YAML: ${message}\n`);
  expect(others).toEqual([]);
});

test("a key that stands twice does not hide other mistakes", () => {
  expect(said(`${smallest}name: again\nstratgy: auto\n`)).toMatchInlineSnapshot(`
    "audit.config.yaml:6:1 error[duplicate-key]: key "name" stands twice
      6 | name: again
        | ^^^^

    audit.config.yaml:7:1 error[unknown-key]: unknown key "stratgy"
      7 | stratgy: auto
        | ^^^^^^^
        = allowed: version, name, dir, repos, warehouse, summary, groupBy, tests, strategy, maxTestsPerTask, slots, agent, budget, lineage, categories, prompt, evidence, exceptions, knowledge, digest, redactColumns, sql, timeouts, concurrency, failOn
        = did you mean "strategy"?"
  `);
});

test("what YAML can do and this file does not take", () => {
  expect(said(`%YAML 1.1\n---\n${smallest}`)).toMatchInlineSnapshot(`
    "audit.config.yaml:1:1 error[yaml-version]: this file is read as YAML 1.2
      1 | %YAML 1.1
        | ^
        = remove the %YAML line"
  `);
  expect(said(`${smallest}knowledge: { all: !!binary aGk= }\n`)).toMatchInlineSnapshot(`
    "audit.config.yaml:6:19 error[unknown-tag]: this tag is not supported
      6 | knowledge: { all: !!binary aGk= }
        |                   ^^^^^^^^
        = remove it; put text in quotes"
  `);
  expect(said(`${smallest}tests: { <<: { include: [a] } }\n`)).toMatchInlineSnapshot(`
    "audit.config.yaml:6:10 error[merge-key]: merge keys (<<) are not part of YAML 1.2
      6 | tests: { <<: { include: [a] } }
        |          ^^
        = write the keys out, or use an alias (*name) for the whole value"
  `);
  expect(said(`${smallest}knowledge: { all: *missing }\n`)).toMatchInlineSnapshot(`
    "audit.config.yaml:6:19 error[unknown-alias]: no anchor (&name) stands before this alias
      6 | knowledge: { all: *missing }
        |                   ^^^^^^^^
        = a text that starts with * needs quotes: "*""
  `);
});

test("a number that would lose digits, and one that is none", () => {
  const text = smallest.replace("dir: dbt }", "dir: dbt, vars: { id: 12345678901234567890, no: .nan } }");
  expect(said(text)).toMatchInlineSnapshot(`
    "audit.config.yaml:3:58 error[inexact-number]: this number cannot be kept exactly
      3 | repos: { dbt: { path: ../platform, dir: dbt, vars: { id: 12345678901234567890, no: .nan } } }
        |                                                          ^^^^^^^^^^^^^^^^^^^^
        = put it in quotes to keep it as text

    audit.config.yaml:3:84 error[inexact-number]: this number cannot be kept exactly
      3 | repos: { dbt: { path: ../platform, dir: dbt, vars: { id: 12345678901234567890, no: .nan } } }
        |                                                                                    ^^^^
        = put it in quotes to keep it as text"
  `);
});

test.each([
  ["", "empty-file"],
  ["# nothing but a comment\n", "empty-file"],
  ["- a\n- b\n", "wrong-type"],
  ["just words", "wrong-type"],
  ["\0", "wrong-type"],
  [`a: &a { b: *a }`, "recursive-alias"],
  [`a: [${"x, ".repeat(600_000)}]`, "file-too-large"],
  ["[".repeat(200_000), "too-deep"],
  ["- ".repeat(200_000), "too-deep"],
  ["? ".repeat(200_000), "too-deep"],
  ["{a: ".repeat(200_000), "too-deep"],
  [Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(""), "too-deep"],
  [aliasBomb(), "too-many-aliases"],
])("%.20s… is refused as %2$s", (text, code) => {
  const outcome = load(text);
  expect("diagnostics" in outcome && outcome.diagnostics.map((one) => one.code)).toEqual([code]);
});

test("brackets in a text are no nesting", () => {
  const { length } = said(
    `${smallest}knowledge:\n  all: |\n    ${"[{".repeat(500)}\n  byGroup: { VA: "${"[".repeat(500)}" }\n`,
  );
  expect(length).toBe(0);
});

test("escape sequences in the file are shown, not obeyed", () => {
  const text = said(`${smallest}"\\e[31mred\\a": 1\nb\u001b[2J: 1\n`);
  expect(text).not.toMatch(/\p{Cc}(?<!\n)/u);
  expect(text).toContain("␛[2J");
});

function aliasBomb(): string {
  const rows = Array.from({ length: 9 }, (_, row) => {
    const item = row === 0 ? "x" : `*a${row - 1}`;
    return `a${row}: &a${row} [${Array(9).fill(item).join(", ")}]`;
  });
  return `${rows.join("\n")}\n`;
}
