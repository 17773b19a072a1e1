import { expect, test } from "vitest";
import { load, loaded, memoryFiles, said, smallest } from "./rig.js";

test("the smallest config gets every default", () => {
  expect(said(smallest)).toBe("");
  expect(loaded(smallest)).toMatchObject({
    file: "/data/audits/audit.config.yaml",
    baseDir: "/data/audits",
    name: "dot-audit",
    dir: "/data/audits/.audit",
    dbt: { path: "/data/platform", dir: "dbt", projectDir: "/data/platform/dbt", slot: true, command: "dbt" },
    warehouse: { use: "duckdb", settings: { path: "dev.duckdb" } },
    groupBy: { columns: ["state"], label: "State", map: {} },
    strategy: "per-group",
    maxTestsPerTask: 12,
    slots: { count: 3, provider: "worktree" },
    agent: { use: "lineage", runner: "process", settings: {} },
    exceptionsFile: "/data/audits/audit.exceptions.yaml",
    timeouts: { query: 60_000, task: 1_800_000 },
    prompt: null,
    evidence: true,
  });
});

test("the default categories are the pattern's four, one for each role", () => {
  const roles = Object.fromEntries(loaded(smallest).categories.map(({ id, role }) => [role, id]));
  expect(roles).toEqual({
    exception: "known_exception",
    transformation: "needs_fix",
    unclear: "needs_investigation",
    source: "source_data_issue",
  });
});

test("without `run` and `artifacts` the pattern's own command builds the summary, and its table is read", () => {
  expect(loaded(smallest).summary).toMatchObject({
    run: `dbt build -s marts_test_failures_summary --vars '{"build_test_summary": true}'`,
    cwd: "/data/platform/dbt",
    targetPath: "/data/audits/.audit/dbt-target",
    artifacts: "/data/audits/.audit/dbt-target",
    table: {
      relation: "marts_test_failures_summary",
      columns: { test: "test_name", group: null, failures: "failures" },
    },
  });
});

test("the pattern's command takes dbt's settings over, quoted for the shell", () => {
  const text = smallest.replace(
    "dir: dbt }",
    `dir: dbt, command: uv run dbt, dbtTarget: my prod, profilesDir: ., vars: { who: "it's", n: 1 } }`,
  );
  expect(loaded(`${text}summary: { cwd: .. }\n`).summary.run).toBe(
    `uv run dbt build -s marts_test_failures_summary --vars '{"who": "it'\\''s", "n": 1, "build_test_summary": true}'` +
      " --target 'my prod' --profiles-dir /data/audits --project-dir /data/platform/dbt",
  );
});

test("a dbt command given as a list stays a list", () => {
  const text = smallest.replace("dir: dbt }", "dir: dbt, command: [uv, run, dbt] }");
  expect(loaded(text).summary.run).toEqual([
    ...["uv", "run", "dbt", "build", "-s", "marts_test_failures_summary", "--vars", '{"build_test_summary": true}'],
  ]);
});

test("artifacts alone run nothing; a command alone leaves its artifacts in its own target path", () => {
  expect(loaded(`${smallest}summary: { artifacts: ../platform/dbt/target }\n`).summary).toMatchObject({
    run: null,
    artifacts: "/data/platform/dbt/target",
    table: null,
  });
  expect(loaded(`${smallest}summary: { run: dbt test }\n`).summary).toMatchObject({
    run: "dbt test",
    artifacts: "/data/audits/.audit/dbt-target",
    table: null,
  });
});

test("a summary table in its short and its long form", () => {
  const short = loaded(`${smallest}summary: { artifacts: target, table: marts.failures }\n`).summary.table;
  const long = loaded(`${smallest}summary: { table: { relation: f, columns: { group: st } } }\n`).summary.table;
  expect(short).toEqual({
    relation: "marts.failures",
    columns: { test: "test_name", group: null, failures: "failures" },
  });
  expect(long).toEqual({ relation: "f", columns: { test: "test_name", group: "st", failures: "failures" } });
});

test.each([
  ["STATE", "State"],
  ["bid_state", "Bid state"],
  ["stateCode", "StateCode"],
])("the label of the column %s is %s", (column, label) => {
  expect(loaded(smallest.replace("groupBy: state", `groupBy: ${column}`)).groupBy.label).toBe(label);
});

test("a home folder, a path out of the config's folder, and an absolute path", () => {
  const text = `${smallest}dir: ~/.claude-swarm/dbt-audit\nexceptions: ../known.yaml\n`;
  expect(loaded(text)).toMatchObject({ dir: "/home/me/.claude-swarm/dbt-audit", exceptionsFile: "/data/known.yaml" });
  expect(loaded(`${smallest}dir: /var/audit\n`).dir).toBe("/var/audit");
});

test("slots are copies where a repository that needs them is no git checkout", () => {
  const files = memoryFiles(["/data/audits/", "/data/platform/dbt/dbt_project.yml"]);
  expect(loaded(smallest, { files }).slots).toEqual({ count: 3, provider: "copy", settings: { keep: false } });
  const withoutSlot = smallest.replace("dir: dbt }", "dir: dbt, slot: false }");
  expect(loaded(withoutSlot, { files }).slots.provider).toBe("worktree");
});

test("a slot provider keeps its settings apart from the count", () => {
  const text = `${smallest}slots: { count: 2, provider: command, create: jg slot new {n}, delete: jg slot delete {n}, path: "{repo}-{n}" }\n`;
  expect(loaded(text.replaceAll(/: (jg[^,]*)/g, ': "$1"')).slots).toEqual({
    count: 2,
    provider: "command",
    settings: { create: "jg slot new {n}", delete: "jg slot delete {n}", path: "{repo}-{n}" },
  });
});

test("a source repository is named after its folder", () => {
  const text = smallest.replace("dir: dbt } }", "dir: dbt }, sources: [{ path: ../dot-sync, loads: [raw] }] }");
  expect(loaded(text).sources).toEqual([
    { name: "dot-sync", path: "/data/dot-sync", dir: ".", slot: false, loads: ["raw"] },
  ]);
});

test.each([
  ["250ms", 250],
  ["1.5h", 5_400_000],
  ["90", 90_000],
])("a time of %s is %d milliseconds", (written, time) => {
  expect(loaded(`${smallest}timeouts: { query: ${written} }\n`).timeouts.query).toBe(time);
});

test("groups are text as they are written: 012, NO and null are no number, boolean or nothing", () => {
  const { knowledge } = loaded(`${smallest}knowledge: { byGroup: { 012: a, NO: b, null: c, 1e3: d } }\n`);
  expect({ ...knowledge.byGroup }).toEqual({ "012": "a", NO: "b", null: "c", "1e3": "d" });
});

test("a group may have the name of something that every object has", () => {
  const { byGroup } = loaded(`${smallest}knowledge: { byGroup: { VA: a } }\n`).knowledge;
  expect([byGroup.constructor, byGroup.toString, byGroup.VA]).toEqual([undefined, undefined, "a"]);
});

test("aliases repeat a value", () => {
  const text = `${smallest}knowledge: { byGroup: { VA: &fees Bond fees, TX: *fees } }\n`;
  expect({ ...loaded(text).knowledge.byGroup }).toEqual({ VA: "Bond fees", TX: "Bond fees" });
});

test("a byte order mark and carriage returns change nothing", () => {
  expect(loaded(`\ufeff${smallest.replaceAll("\n", "\r\n")}`)).toEqual(loaded(smallest));
});

test("a variable is put in where it is referred to, and nowhere else", () => {
  const text = `${smallest}summary: { run: "dbt test --target \${TARGET}; echo $\${HOME} $HOME" }\n`;
  const outcome = load(text, { env: { TARGET: "prod", HOME: "/x" } });
  expect("config" in outcome && outcome.config.summary.run).toBe(`dbt test --target prod; echo \${HOME} $HOME`);
  expect("config" in outcome && [...outcome.variables]).toEqual([["TARGET", "prod"]]);
  expect("config" in outcome && outcome.secrets).toEqual(["prod"]);
});

test("an empty variable is set, and its value is not read for references again", () => {
  const text = `${smallest}knowledge: { all: "[\${EMPTY}\${NESTED}]" }\n`;
  expect(loaded(text, { env: { EMPTY: "", NESTED: `\${EMPTY}` } }).knowledge.all).toBe(`[\${EMPTY}]`);
});

test("a budget that is a number is one of dollars for the run", () => {
  expect(loaded(smallest).budget).toBeNull();
  expect(loaded(`${smallest}budget: 20\n`).budget).toEqual({ audit: 20, task: null, tokens: null });
  expect(loaded(`${smallest}budget: { tokens: 5_000_000, task: 2 }\n`.replaceAll("_", "")).budget).toEqual({
    audit: null,
    task: 2,
    tokens: 5_000_000,
  });
});

test("a variable that says where the warehouse is, and sounds like that, is no secret", () => {
  const env = { DATA: "/data", DB_TOKEN: "t", BOTH: "b" };
  const path = (variable: string) => smallest.replace("dev.duckdb", `"\${${variable}}/dev.duckdb"`);
  const secrets = (text: string) => {
    const outcome = load(text, { env });
    return "config" in outcome ? outcome.secrets : outcome.diagnostics;
  };
  expect(secrets(path("DATA"))).toEqual([]);
  expect(secrets(path("DB_TOKEN"))).toEqual(["t"]);
  expect(secrets(`${path("BOTH")}knowledge: { all: "\${BOTH}" }\n`)).toEqual(["b"]);
});
