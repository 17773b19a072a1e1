import { expect, test } from "vitest";
import { type ExceptionsOutcome, readExceptions } from "../../src/config/exceptions.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";

const read = (text: string): ExceptionsOutcome =>
  readExceptions({ file: "/data/audits/audit.exceptions.yaml", cwd: "/data", reading: { kind: "text", text } });
const said = (text: string) => renderDiagnostics(read(text).diagnostics, { color: false });

test("an entry with all its fields, and one that never expires", () => {
  const text = `version: 1
exceptions:
  - test: bid_extension_total_wrong
    group: VA
    reason: Bond fees are no line items
    owner: bids
    expires: 2027-12-31
    ticket: DATA-12
  - { test: "*", group: "(all)", reason: r, owner: o, expires: never }
`;
  expect(read(text)).toEqual({
    entries: [
      {
        test: "bid_extension_total_wrong",
        group: "VA",
        reason: "Bond fees are no line items",
        owner: "bids",
        expires: "2027-12-31",
        ticket: "DATA-12",
        at: "audits/audit.exceptions.yaml:3",
      },
      {
        ...{ test: "*", group: "(all)", reason: "r", owner: "o", expires: null, ticket: null },
        at: "audits/audit.exceptions.yaml:9",
      },
    ],
    diagnostics: [],
  });
});

test("no file, an empty one, and one with no entries yet are no exceptions", () => {
  const nothing = { entries: [], diagnostics: [] };
  expect(readExceptions({ file: "/x", cwd: "/", reading: { kind: "absent" } })).toEqual(nothing);
  expect([read(""), read("version: 1\nexceptions:\n"), read("version: 1\nexceptions: []\n")]).toEqual(
    Array(3).fill(nothing),
  );
});

test("a file that cannot be read is an error, since its exceptions would be lost", () => {
  const reading = { kind: "unreadable", reason: "it is a folder" } as const;
  const { diagnostics } = readExceptions({ file: "/data/x.yaml", cwd: "/data", reading });
  expect(renderDiagnostics(diagnostics, { color: false })).toBe(
    "x.yaml:1:1 error[unreadable]: the file cannot be read: it is a folder",
  );
});

test("broken entries are located and do not hide the good ones", () => {
  const text = `version: 1
exceptions:
  - { test: a, group: 012, reason: r, owner: o, expires: 2027-02-30 }
  - { test: good, group: VA, reason: r, owner: o, expires: "2027-02-28" }
  - { test: b, group: VA, reson: r, owner: " ", expires: soon }
  - nonsense
  - { test: good, group: VA, reason: other, owner: o, expires: never }
  - { test: c, group: VA, reason: r, expires: 2027-01-01T00:00:00Z }
`;
  expect(read(text).entries.map(({ test, at }) => `${test} ${at}`)).toEqual(["good audits/audit.exceptions.yaml:4"]);
  expect(said(text)).toMatchInlineSnapshot(`
    "audits/audit.exceptions.yaml:3:23 error[wrong-type]: exceptions[0].group must be text, not 12 (written 012)
      3 |   - { test: a, group: 012, reason: r, owner: o, expires: 2027-02-30 }
        |                       ^^^
        = put it in quotes: "012"

    audits/audit.exceptions.yaml:3:58 error[invalid]: exceptions[0].expires "2027-02-30" must be a day such as 2026-12-31, or never
      3 |   - { test: a, group: 012, reason: r, owner: o, expires: 2027-02-30 }
        |                                                          ^^^^^^^^^^

    audits/audit.exceptions.yaml:5:27 error[unknown-key]: unknown key "reson" in exceptions[2]
      5 |   - { test: b, group: VA, reson: r, owner: " ", expires: soon }
        |                           ^^^^^
        = allowed: test, group, reason, owner, expires, ticket
        = did you mean "reason"?

    audits/audit.exceptions.yaml:5:44 error[bad-format]: exceptions[2].owner " " must not be blank
      5 |   - { test: b, group: VA, reson: r, owner: " ", expires: soon }
        |                                            ^^^

    audits/audit.exceptions.yaml:5:58 error[invalid]: exceptions[2].expires "soon" must be a day such as 2026-12-31, or never
      5 |   - { test: b, group: VA, reson: r, owner: " ", expires: soon }
        |                                                          ^^^^

    audits/audit.exceptions.yaml:6:5 error[wrong-type]: exceptions[3] must be a mapping (key: value), not "nonsense"
      6 |   - nonsense
        |     ^^^^^^^^

    audits/audit.exceptions.yaml:7:13 error[duplicate-exception]: an exception for "good" in "VA" stands in line 4 already
      7 |   - { test: good, group: VA, reason: other, owner: o, expires: never }
        |             ^^^^

    audits/audit.exceptions.yaml:8:5 error[missing-key]: missing key "owner" in exceptions[5]
      8 |   - { test: c, group: VA, reason: r, expires: 2027-01-01T00:00:00Z }
        |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    audits/audit.exceptions.yaml:8:47 error[invalid]: exceptions[5].expires "2027-01-01T00:00:00Z" must be a day such as 2026-12-31, or never
      8 |   - { test: c, group: VA, reason: r, expires: 2027-01-01T00:00:00Z }
        |                                               ^^^^^^^^^^^^^^^^^^^^"
  `);
});

test("a file of another shape says what it should be", () => {
  expect(said("- { test: a }\n")).toMatchInlineSnapshot(`
    "audits/audit.exceptions.yaml:1:1 error[wrong-type]: the file must be a mapping (key: value)
      1 | - { test: a }
        | ^^^^^^^^^^^^^
        = write \`version: 1\`, then \`exceptions:\` with a list below it"
  `);
  expect(said("version: 1\nexeptions: []\n")).toMatchInlineSnapshot(`
    "audits/audit.exceptions.yaml:2:1 error[unknown-key]: unknown key "exeptions"
      2 | exeptions: []
        | ^^^^^^^^^
        = allowed: version, exceptions
        = did you mean "exceptions"?"
  `);
  expect(said("version: 1\nexceptions:\n  test: a\n")).toMatchInlineSnapshot(`
    "audits/audit.exceptions.yaml:3:3 error[wrong-type]: exceptions must be a list, not a mapping
      3 |   test: a
        |   ^^^^^^^"
  `);
});

test("a star without quotes is told to get some", () => {
  expect(said("version: 1\nexceptions:\n  - test: a\n    group: *\n")).toMatchInlineSnapshot(`
    "audits/audit.exceptions.yaml:4:12 error[broken-yaml]: this is not valid YAML: an alias (*name) without a name
      4 |     group: *
        |            ^
        = a text that starts with * needs quotes: "*""
  `);
});
