// audit.exceptions.yaml gains entries, and keeps every byte that a person wrote.
import fc from "fast-check";
import { expect, test } from "vitest";
import { withExceptions } from "../../src/config/add-exceptions.js";
import { readExceptions } from "../../src/config/exceptions.js";
import type { ExceptionEntry } from "../../src/model/exceptions.js";

const entry: ExceptionEntry = {
  test: "late_rows",
  group: "TX",
  reason: "They come on Mondays.",
  owner: "data-team",
  expires: "2035-12-31",
};

/** Test and group of each entry, as a run reads the file; fails where anything is wrong with it. */
function read(text: string): readonly string[] {
  const { entries, diagnostics } = readExceptions({ file: "/e.yaml", cwd: "/", reading: { kind: "text", text } });
  expect(diagnostics, text).toEqual([]);
  return entries.map(({ test, group }) => `${test}@${group}`);
}

const before = `# Who accepts what.
version: 1

exceptions:
  # The first.
  - test:   total_wrong   # aligned by hand
    group: 'VA'
    reason: >-
      Fees are in the total
      and in no line.
    owner: bids
    expires: 2027-12-31 # then somebody looks at it again
`;

test("an entry is added after the last one, and what stood there stays as it was", () => {
  const after = withExceptions(before, [entry]);
  expect(after).toBe(`${before}  - test: late_rows
    group: TX
    reason: They come on Mondays.
    owner: data-team
    expires: 2035-12-31
`);
  expect(read(after)).toEqual(["total_wrong@VA", "late_rows@TX"]);
});

test("what comes after the list stays behind it, and a second entry comes after the first", () => {
  const text = "exceptions:\n- {test: a, group: VA, reason: r, owner: o, expires: never}\n# the end\nversion: 1\n";
  const once = withExceptions(text, [entry]);
  expect(once.startsWith("exceptions:\n- {test: a")).toBe(true);
  expect(once.endsWith("# the end\nversion: 1\n")).toBe(true);
  const twice = withExceptions(once, [{ ...entry, group: "FL", ticket: "AUD-1" }]);
  expect(read(twice)).toEqual(["a@VA", "late_rows@TX", "late_rows@FL"]);
});

test.each([
  ["no file", null],
  ["an empty file", "\n"],
  ["an empty list", "# mine\nversion: 1\nexceptions: []\n"],
  ["no list yet", "# mine\nversion: 1\nexceptions:\n"],
  [
    "a list in brackets",
    "# mine\nversion: 1\nexceptions: [{test: a, group: VA, reason: r, owner: o, expires: never}]\n",
  ],
  ["no newline at the end", before.trimEnd()],
  [
    "a last value of several lines",
    `${before.replace(/ {4}owner.*\n.*\n/, "")}    owner: o\n    expires: never\n    ticket: |\n      T-1\n\n\n`,
  ],
  ["lines of Windows", before.replaceAll("\n", "\r\n")],
])("%s", (_name, text) => {
  const after = withExceptions(text, [entry, { ...entry, group: "FL" }]);
  expect(read(after).slice(-2)).toEqual(["late_rows@TX", "late_rows@FL"]);
  if (text?.includes("# mine")) expect(after).toContain("# mine");
  expect(after.endsWith("\n")).toBe(true);
});

test("names and reasons are read back as they were given, whatever they hold", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter((value) => /\S/.test(value));
  fc.assert(
    fc.property(
      fc.record({ test: text, group: text, reason: text, owner: text }),
      fc.constantFrom(before, null),
      (own, file) => {
        const after = withExceptions(file, [{ ...own, expires: "never" }]);
        const reading = { kind: "text", text: after } as const;
        const { entries, diagnostics } = readExceptions({ file: "/e.yaml", cwd: "/", reading });
        expect(diagnostics).toEqual([]);
        expect(entries.at(-1)).toMatchObject(own);
        expect(after.startsWith(file ?? "")).toBe(true);
      },
    ),
  );
});
