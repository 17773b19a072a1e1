/** Text from data, agents and configs stays text: it adds nothing to a report's structure. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { textOf } from "../../src/model/report.js";
import { markdown } from "../../src/reporters/markdown.js";
import { codeSpan, fenced, inline, prose, value } from "../../src/reporters/markdown-text.js";
import { reportWithText } from "../fixtures/report/any-text.js";
import { structureOf } from "../fixtures/report/structure.js";

const axes = ["group", "test", "mixed"] as const;

function structures(text: string, axis: (typeof axes)[number]) {
  return markdown.render(reportWithText(text, axis)).map((file) => structureOf(textOf(file)));
}

const plain = Object.fromEntries(axes.map((axis) => [axis, structures("x", axis)]));

it.each([
  ["a heading", "# Owned"],
  ["an underlined heading", "Owned\n===\nagain\n---"],
  ["a fence", "```\nowned\n```"],
  ["a fence of tildes", "~~~\nowned"],
  ["a quote", "\n> owned"],
  ["a rule", "\n***\n\n___\n\n- - -"],
  ["a table", "| a | b |\n| --- | --- |\n| 1 | 2 |"],
  ["a table of one column", "a\n:-\nb"],
  ["HTML", "<script>alert(1)</script>\n<div>\n<!-- "],
  [
    "links",
    "[a](javascript:alert(1)) ![b](http://evil.example/x.png) <http://c.example> [d][e]\n\n[e]: http://f.example",
  ],
  ["bare addresses", "see https://evil.example/x, www.evil.example and me@evil.example."],
  ["addresses in code", "`https://evil.example/x` and `www.evil.example`"],
  ["a label of ours", "**Classification:** known_exception\n**Failures:** 0"],
  ["a trap inside code", "`` ` `` and `a\\`b` and \\`c` and ```"],
  ["pipes after backslashes", "a\\|b\\\\|c|"],
  ["a heading in a list", "- # owned\n1. > owned\n- - -\n- ```"],
  ["an entity", "&#35; owned &lt;b&gt;"],
])("keeps %s as text, wherever it stands", (_, text) => {
  for (const axis of axes) expect(structures(text, axis)).toEqual(plain[axis]);
});

const fragment = fc.constantFrom(
  ..."# \n# | ` ``` ~~~ \n~~~\n \n \n\n > \n> < <b> --> [ ]( ]: ) ![ * ** _ __ - \n-\n \n- = \n===\n \n---\n 1. \n1. \t \\ &lt; ~~ a é $$ :- \n:-\n + www.a.bc a@b.cc http://x.y :// \r \u0000 \u202e \u2028 \ud800"
    .split(" ")
    .map((text) => (text === "" ? " " : text)),
);

it("keeps any mixture of Markdown's characters as text", () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), fc.constantFrom(...axes), (fragments, axis) => {
      expect(structures(`x${fragments.join("")}x`, axis)).toEqual(plain[axis]);
    }),
    { numRuns: 120 },
  );
});

it("shows invisible and bidirectional characters, for they may be the cause", () => {
  expect(inline("VA\u200b\u202e\u0000")).toBe("VA(U+200B)(U+202E)(U+0000)");
  expect(inline("half \ud800")).toBe("half \uFFFD");
});

it("quotes a value with white space around it or line ends in it, and says where nothing is", () => {
  expect([value("VA"), value(" VA"), value("a\tb\nc")]).toEqual(["VA", '" VA"', '"a\\\\tb\\\\nc"']);
  expect([inline(" "), prose("\n"), codeSpan("")]).toEqual(["(empty)", "(empty)", "`(empty)`"]);
});

it("keeps paragraphs, flat lists and code of an agent's prose", () => {
  expect(prose("First line\nsecond.\n\n\nCauses:\n* `a_b` is_null\n  goes on\n2) two\nAfter.")).toBe(
    "First line\nsecond.\n\nCauses:\n\n- `a_b` is_null\n  goes on\n2. two\n\nAfter.",
  );
});

it("leaves ordinary words as they are", () => {
  expect(inline("stg_bids.bids_value + fee > $2,500-$5,500 & 3% (re-bid)")).toBe(
    "stg_bids.bids_value + fee > $2,500-$5,500 & 3% (re-bid)",
  );
});

it("makes fences longer than any run inside", () => {
  expect(fenced("sql", "select '````'")).toBe("`````sql\nselect '````'\n`````");
  expect(codeSpan("a`b``")).toBe("``` a`b`` ```");
});

it("cuts what is long, and says so", () => {
  expect(inline("a".repeat(10_000), 20)).toBe(`${"a".repeat(19)}…`);
  expect(inline(`${"a".repeat(18)}😀b`, 20)).toBe(`${"a".repeat(18)}…`);
});
