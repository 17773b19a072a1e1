import { expect, test } from "vitest";
import { z } from "zod";
import { adapters, load, memoryFiles, said, smallest, usualFiles } from "./rig.js";

/** What is said of the smallest config with these lines added. */
const added = (lines: string, ...more: [] | [Parameters<typeof said>[1]]) => said(`${smallest}${lines}\n`, ...more);
/** What is said of the smallest config with one text in it replaced. */
const changed = (from: string, to: string) => said(smallest.replace(from, to));

test("a misspelt key is underlined, with what is allowed and what was meant", () => {
  expect(added("stratgy: per-test")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:1 error[unknown-key]: unknown key "stratgy"
      6 | stratgy: per-test
        | ^^^^^^^
        = allowed: version, name, dir, repos, warehouse, summary, groupBy, tests, strategy, maxTestsPerTask, slots, agent, budget, lineage, categories, prompt, evidence, exceptions, knowledge, digest, redactColumns, sql, timeouts, concurrency, failOn
        = did you mean "strategy"?"
  `);
});

test("a misspelt key that is required is one mistake, not two", () => {
  expect(changed("groupBy", "gruopBy")).toMatchInlineSnapshot(`
    "audit.config.yaml:5:1 error[unknown-key]: unknown key "gruopBy"
      5 | gruopBy: state
        | ^^^^^^^
        = allowed: version, name, dir, repos, warehouse, summary, groupBy, tests, strategy, maxTestsPerTask, slots, agent, budget, lineage, categories, prompt, evidence, exceptions, knowledge, digest, redactColumns, sql, timeouts, concurrency, failOn
        = did you mean "groupBy"?"
  `);
});

test("a misspelt key far down names its place", () => {
  expect(added("summary:\n  table:\n    relation: x\n    colums: { test: a }")).toMatchInlineSnapshot(`
    "audit.config.yaml:9:5 error[unknown-key]: unknown key "colums" in summary.table
      9 |     colums: { test: a }
        |     ^^^^^^
        = allowed: relation, columns
        = did you mean "columns"?"
  `);
});

test("missing keys are shown where they should be", () => {
  expect(said("# an audit\nversion: 1\nrepos:\n  dbt: {}\n")).toMatchInlineSnapshot(`
    "audit.config.yaml:2:1 error[missing-key]: missing key "name"
      2 | version: 1
        | ^

    audit.config.yaml:2:1 error[missing-key]: missing key "groupBy"
      2 | version: 1
        | ^

    audit.config.yaml:4:3 error[missing-key]: missing key "path" in repos.dbt
      4 |   dbt: {}
        |   ^^^"
  `);
});

test("a value that is not allowed", () => {
  expect(added("strategy: per_group")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:11 error[not-allowed]: strategy cannot be "per_group"
      6 | strategy: per_group
        |           ^^^^^^^^^
        = allowed: per-group, per-test, balanced, auto
        = did you mean "per-group"?"
  `);
});

test("an adapter that nobody registered, and settings of one that somebody did", () => {
  expect(changed("duckdb", "duckdbb")).toMatchInlineSnapshot(`
    "audit.config.yaml:4:19 error[not-allowed]: warehouse.use cannot be "duckdbb"
      4 | warehouse: { use: duckdbb, path: dev.duckdb }
        |                   ^^^^^^^
        = allowed: duckdb
        = did you mean "duckdb"?"
  `);
  expect(added("agent: { use: command, comand: [a] }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:24 error[unknown-key]: unknown key "comand" in agent
      6 | agent: { use: command, comand: [a] }
        |                        ^^^^^^
        = allowed: command, model, runner, use
        = did you mean "command"?"
  `);
  expect(added("agent: { use: command, command: claude }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:33 error[wrong-type]: agent.command must be a list, not "claude"
      6 | agent: { use: command, command: claude }
        |                                 ^^^^^^
        = write it as a list: [a, b]"
  `);
  expect(added("slots: { provider: worktee, root: x }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:20 error[not-allowed]: slots.provider cannot be "worktee"
      6 | slots: { provider: worktee, root: x }
        |                    ^^^^^^^
        = allowed: worktree, copy, command, none
        = did you mean "worktree"?"
  `);
});

test("the short form that an agent does not have", () => {
  expect(added("agent: lineage")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:8 error[wrong-type]: agent must be a mapping (key: value), not "lineage"
      6 | agent: lineage
        |        ^^^^^^^
        = write it as agent: { use: … }"
  `);
});

test("of a union the branch counts that was evidently meant", () => {
  expect(added("summary: { run: [dbt, 3] }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:23 error[wrong-type]: summary.run[1] must be text, not 3
      6 | summary: { run: [dbt, 3] }
        |                       ^
        = put it in quotes: "3""
  `);
  expect(added("summary: { timeout: 30 sec, maxAge: true }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:21 error[bad-format]: summary.timeout "30 sec" must be a number of seconds or text such as 30s, 10m, 2h
      6 | summary: { timeout: 30 sec, maxAge: true }
        |                     ^^^^^^

    audit.config.yaml:6:37 error[wrong-type]: summary.maxAge must be a number or text, not true
      6 | summary: { timeout: 30 sec, maxAge: true }
        |                                     ^^^^"
  `);
});

test("wrong types, with quotes suggested for a number that is meant as text", () => {
  expect(added("knowledge: { byGroup: { VA: 012 } }\nmaxTestsPerTask: 2.5\ntests: [a]")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:29 error[wrong-type]: knowledge.byGroup.VA must be text, not 12 (written 012)
      6 | knowledge: { byGroup: { VA: 012 } }
        |                             ^^^
        = put it in quotes: "012"

    audit.config.yaml:7:18 error[wrong-type]: maxTestsPerTask must be a whole number, not 2.5
      7 | maxTestsPerTask: 2.5
        |                  ^^^

    audit.config.yaml:8:8 error[wrong-type]: tests must be a mapping (key: value), not a list
      8 | tests: [a]
        |        ^^^"
  `);
});

test("a claim that would block its task for longer than a week", () => {
  expect(added("timeouts: { claim: 8d }")).toContain('timeouts.claim "8d" must be at most 7d');
});

test("numbers out of their range, and empty texts and lists", () => {
  expect(added('slots: { count: 0 }\ntimeouts: { task: 30d }\nprompt: ""\ncategories: []')).toMatchInlineSnapshot(`
    "audit.config.yaml:6:17 error[out-of-range]: slots.count must be at least 1, not 0
      6 | slots: { count: 0 }
        |                 ^

    audit.config.yaml:7:19 error[invalid]: timeouts.task "30d" must be at most 24d
      7 | timeouts: { task: 30d }
        |                   ^^^

    audit.config.yaml:8:9 error[empty]: prompt must not be empty
      8 | prompt: ""
        |         ^^

    audit.config.yaml:9:13 error[empty]: categories must not be empty
      9 | categories: []
        |             ^^"
  `);
});

test("a key without a value", () => {
  expect(added("digest:")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:1 error[no-value]: digest has no value; it must be a mapping (key: value)
      6 | digest:
        | ^^^^^^"
  `);
});

test("a folder that does not exist, with the name that was meant", () => {
  expect(changed("../platform", "../plattform")).toMatchInlineSnapshot(`
    "audit.config.yaml:3:23 error[path-not-found]: folder "../plattform" does not exist
      3 | repos: { dbt: { path: ../plattform, dir: dbt } }
        |                       ^^^^^^^^^^^^
        = did you mean "../platform"?
        = looked at /data/plattform"
  `);
  expect(changed("dir: dbt", "dir: dbtt")).toMatchInlineSnapshot(`
    "audit.config.yaml:3:41 error[path-not-found]: folder "dbtt" does not exist
      3 | repos: { dbt: { path: ../platform, dir: dbtt } }
        |                                         ^^^^
        = did you mean "dbt"?
        = looked at /data/platform/dbtt"
  `);
  expect(changed("dir: dbt", "dir: ../dot-sync")).toMatchInlineSnapshot(`
    "audit.config.yaml:3:41 error[outside-repo]: "../dot-sync" is outside of the repository
      3 | repos: { dbt: { path: ../platform, dir: ../dot-sync } }
        |                                         ^^^^^^^^^^^"
  `);
});

test("a folder without dbt_project.yml is a warning that names the one inside", () => {
  expect(changed(", dir: dbt", "")).toMatchInlineSnapshot(`
    "audit.config.yaml:3:23 warning[no-dbt-project]: there is no dbt_project.yml in this folder
      3 | repos: { dbt: { path: ../platform } }
        |                       ^^^^^^^^^^^
        = write \`dir: dbt\`"
  `);
});

test.each([
  ["/", "it holds your home folder"],
  ["~", "it is your home folder"],
  [".", "it is the folder of this config"],
  ["..", "it holds the folder of this config"],
  ["../platform", "it is the dbt repository"],
  ["../platform/dbt", "it is the dbt repository"],
  ["/home", "it holds your home folder"],
  ["../.git/audit", "it is inside of .git"],
  ["./link-to-home", "it is your home folder"],
])("%s is not taken as the audit folder: %s", (dir, why) => {
  const files = memoryFiles(usualFiles, { "/data/audits/link-to-home": "/home/me" });
  expect(said(`${smallest}dir: "${dir}"\n`, { files })).toContain(
    `error[unsafe-dir]: "${dir}" cannot be the audit folder: ${why}`,
  );
});

test("a file cannot be the audit folder", () => {
  const files = memoryFiles([...usualFiles, "/data/audits/.audit"]);
  expect(said(smallest, { files })).toContain('error[not-a-folder]: ".audit" is a file');
});

test("an exceptions file that is named and not there is a warning, since a misspelling would go unnoticed", () => {
  const files = memoryFiles([...usualFiles, "/data/audits/audit.exceptions.yaml"]);
  expect(added("exceptions: audit.exeptions.yaml", { files })).toMatchInlineSnapshot(`
    "audit.config.yaml:6:13 warning[path-not-found]: file "audit.exeptions.yaml" does not exist
      6 | exceptions: audit.exeptions.yaml
        |             ^^^^^^^^^^^^^^^^^^^^
        = did you mean "audit.exceptions.yaml"?
        = looked at /data/audits/audit.exeptions.yaml"
  `);
});

test("each role has exactly one category, and each id stands once", () => {
  const category = (id: string, role: string) => `  - { id: ${id}, meaning: m, action: a, role: ${role} }`;
  const categories = [category("a", "exception"), category("b", "exception"), category("a", "unclear")].join("\n");
  expect(added(`categories:\n${categories}`)).toMatchInlineSnapshot(`
    "audit.config.yaml:6:1 error[missing-role]: no category has the role "transformation"
      6 | categories:
        | ^^^^^^^^^^
        = add \`role: transformation\` to the category that it is by default

    audit.config.yaml:6:1 error[missing-role]: no category has the role "source"
      6 | categories:
        | ^^^^^^^^^^
        = add \`role: source\` to the category that it is by default

    audit.config.yaml:8:43 error[duplicate-role]: category "a" has the role "exception" already
      8 |   - { id: b, meaning: m, action: a, role: exception }
        |                                           ^^^^^^^^^
        = each role has exactly one category; others have no role

    audit.config.yaml:9:11 error[duplicate-id]: category "a" stands twice
      9 |   - { id: a, meaning: m, action: a, role: unclear }
        |           ^"
  `);
});

test("failOn names categories", () => {
  expect(added("failOn: [needs_fixx]")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:10 error[not-allowed]: "needs_fixx" is no category
      6 | failOn: [needs_fixx]
        |          ^^^^^^^^^^
        = allowed: known_exception, needs_fix, needs_investigation, source_data_issue
        = did you mean "needs_fix"?"
  `);
});

test("source repositories with one name, with the name of dbt, and with one source between them", () => {
  const sources = `sources: [
  { path: ../dot-sync, loads: [raw] },
  { name: DOT-sync, path: ../dot-sync, loads: [raw] },
  { name: dbt, path: ../platform } ]`;
  expect(changed("dir: dbt } }", `dir: dbt }, ${sources} }`)).toMatchInlineSnapshot(`
    "audit.config.yaml:5:11 error[duplicate-name]: two repositories have the name of "DOT-sync"
      5 |   { name: DOT-sync, path: ../dot-sync, loads: [raw] },
        |           ^^^^^^^^
        = give this one another \`name\`

    audit.config.yaml:5:48 error[duplicate-source]: "raw" is loaded by repos.sources[0] too
      5 |   { name: DOT-sync, path: ../dot-sync, loads: [raw] },
        |                                                ^^^

    audit.config.yaml:6:11 error[duplicate-name]: two repositories have the name of "dbt"
      6 |   { name: dbt, path: ../platform } ] }
        |           ^^^
        = give this one another \`name\`"
  `);
});

test("a variable that is not set, and a reference that is none", () => {
  expect(added(`summary: { run: "dbt --target \${TARGET} \${TARGET:-dev} \${" }`)).toMatchInlineSnapshot(`
    "audit.config.yaml:6:17 error[missing-variable]: environment variable "TARGET" is not set
      6 | summary: { run: "dbt --target \${TARGET} \${TARGET:-dev} \${" }
        |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        = set it, or write $\${TARGET} for the plain text \${TARGET}

    audit.config.yaml:6:17 error[bad-variable]: "\${TARGET:-dev}" is no reference to an environment variable
      6 | summary: { run: "dbt --target \${TARGET} \${TARGET:-dev} \${" }
        |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        = a reference is \${NAME}; write $\${ for a plain \${

    audit.config.yaml:6:17 error[bad-variable]: "\${" is no reference to an environment variable
      6 | summary: { run: "dbt --target \${TARGET} \${TARGET:-dev} \${" }
        |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        = a reference is \${NAME}; write $\${ for a plain \${"
  `);
});

test("a mistake that only a missing variable makes is not reported besides", () => {
  expect(changed("../platform", `"\${WHERE}"`).match(/error/g)).toEqual(["error"]);
});

test("values of variables are in no message", () => {
  const env = { NAME: "1secret value", AGENT: "secret-agent", MODEL: "secret-model-name", WHERE: "/secret/path" };
  const text = `version: 1
name: "\${NAME}"
repos: { dbt: { path: "\${WHERE}" } }
warehouse: { use: "\${AGENT}" }
agent: { use: command, command: [a], model: "\${MODEL}" }
groupBy: state
strategy: "\${AGENT}"
failOn: ["\${AGENT}"]
dir: "\${WHERE}/.git"
`;
  const messages = said(text, { env });
  expect(messages).not.toContain("secret");
  expect(messages).toMatchInlineSnapshot(`
    "audit.config.yaml:2:7 error[bad-format]: name "\${NAME}" must start with a letter and hold only letters, digits, _ . - (at most 64)
      2 | name: "\${NAME}"
        |       ^^^^^^^^^

    audit.config.yaml:3:23 error[path-not-found]: folder "\${WHERE}" does not exist
      3 | repos: { dbt: { path: "\${WHERE}" } }
        |                       ^^^^^^^^^^

    audit.config.yaml:4:19 error[not-allowed]: warehouse.use cannot be "\${AGENT}"
      4 | warehouse: { use: "\${AGENT}" }
        |                   ^^^^^^^^^^
        = allowed: duckdb

    audit.config.yaml:5:45 error[invalid]: agent.model: does not know the model \${MODEL}
      5 | agent: { use: command, command: [a], model: "\${MODEL}" }
        |                                             ^^^^^^^^^^

    audit.config.yaml:7:11 error[not-allowed]: strategy cannot be "\${AGENT}"
      7 | strategy: "\${AGENT}"
        |           ^^^^^^^^^^
        = allowed: per-group, per-test, balanced, auto

    audit.config.yaml:8:10 error[not-allowed]: "\${AGENT}" is no category
      8 | failOn: ["\${AGENT}"]
        |          ^^^^^^^^^^
        = allowed: known_exception, needs_fix, needs_investigation, source_data_issue

    audit.config.yaml:9:6 error[unsafe-dir]: "\${WHERE}/.git" cannot be the audit folder: it is inside of .git
      9 | dir: "\${WHERE}/.git"
        |      ^^^^^^^^^^^^^^^
        = choose a folder of its own, such as .audit"
  `);
});

test("every mistake in a file is reported at once, by place", () => {
  const outcome = load(`version: 2
name: a b
repos: { dbt: { path: ../platfrom, slott: true }, sources: [{ path: ../dot-sink, loads: raw }] }
warehouse: { use: duckdb, path: [here] }
groupBy: { columns: [] }
slots: { count: many }
agent: { use: claude }
failOn: [nothing]
dir: ..
`);
  const found = "diagnostics" in outcome ? outcome.diagnostics : [];
  expect(found.map(({ line, column, code }) => `${line}:${column} ${code}`)).toMatchInlineSnapshot(`
    [
      "1:10 not-allowed",
      "2:7 bad-format",
      "3:23 path-not-found",
      "3:36 unknown-key",
      "3:69 path-not-found",
      "3:89 wrong-type",
      "4:33 wrong-type",
      "5:21 empty",
      "6:17 wrong-type",
      "7:15 not-allowed",
      "8:10 not-allowed",
      "9:6 unsafe-dir",
    ]
  `);
});

test("a budget names what bounds a whole run", () => {
  expect(added("budget: { task: 2 }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:9 error[invalid]: budget: needs \`audit\`, or \`tokens\`
      6 | budget: { task: 2 }
        |         ^^^^^^^^^^^"
  `);
  expect(added("budget: -5")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:9 error[out-of-range]: budget must be more than 0, not -5
      6 | budget: -5
        |         ^^"
  `);
  expect(added("budget: { audit: 20, tasks: 2 }")).toMatchInlineSnapshot(`
    "audit.config.yaml:6:22 error[unknown-key]: unknown key "tasks" in budget
      6 | budget: { audit: 20, tasks: 2 }
        |                      ^^^^^
        = allowed: audit, task, tokens
        = did you mean "task"?"
  `);
});

test("a secret that stands in the file is neither in a message nor in the line that is shown", () => {
  const secretive = { ...adapters, warehouses: { far: z.strictObject({ account: z.string(), password: z.string() }) } };
  const told = (password: string) => {
    const text = smallest.replace("use: duckdb, path: dev.duckdb", `use: far, password: ${password}, acount: x`);
    return said(text, { adapters: secretive });
  };
  expect(told("4711")).toMatchInlineSnapshot(`
    "audit.config.yaml:4:34 error[wrong-type]: warehouse.password must be text, not "…"
      4 | warehouse: { use: far, password: ***** ******* * *
        |                                  ^^^^

    audit.config.yaml:4:40 error[unknown-key]: unknown key "acount" in warehouse
      4 | warehouse: { use: far, password: ***** ******* * *
        |                                        ^^^^^^
        = allowed: account, password, use
        = did you mean "account"?"
  `);
  expect(told('"canary" ')).not.toContain("canary");
  expect(told("'unclosed canary")).not.toContain("canary");
});
