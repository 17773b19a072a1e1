// The config that `init` writes: whatever names it is made of, it reads back as they were, and no comment runs out of its line.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Choices, configText, type Remarks } from "../../src/audit/init/config-text.js";
import { dbtProjects } from "../../src/audit/init/dbt-projects.js";
import { groupColumns, likelyColumn } from "../../src/audit/init/group-columns.js";
import { projectFacts } from "../../src/config/dbt-project.js";
import { recorded, temporaryDuckdb } from "../fakes/warehouse.js";
import { projectOf } from "../tasks/export-rig.js";

const remarks: Remarks = {
  profile: "profile dot_bids, target demo, of profiles.yml (duckdb)",
  failuresIn: [],
  testCommand: "dbt test",
  columns: [],
  failing: 0,
  agents: [],
  hasTmux: false,
  neighbours: [],
  dbtSources: [],
};

const choices: Choices = {
  name: "bids-audit",
  dbt: { path: ".", dir: ".", command: "dbt", failuresSchema: null },
  sources: [],
  summary: { kind: "artifacts", folder: "target" },
  groupBy: "state",
  agent: "lineage",
  budget: null,
};

describe("the text of the config", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
    fc.constantFrom("yes", "1.5", "~", "a: b", "# c", "'", '"', "- x", "{a}", "null", "a\nb", "\u2028", " "),
  );

  it("says what was chosen, whatever the names are", () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 9, maxLength: 9 }), (texts) => {
        const [
          path = "",
          dir = "",
          command = "",
          schema = "",
          source = "",
          loads = "",
          run = "",
          column = "",
          odd = "",
        ] = texts;
        const text = configText(
          {
            ...choices,
            dbt: { path, dir, command, failuresSchema: schema },
            sources: [{ path: source, loads: [loads] }],
            summary: { kind: "run", command: run },
            groupBy: column,
          },
          {
            ...remarks,
            profile: odd,
            columns: [{ column: odd, tests: 1, values: 2 }],
            neighbours: [odd],
            dbtSources: [odd],
          },
        );
        const written = parse(text);
        expect(written.repos.dbt.path).toBe(path);
        expect(written.repos.dbt.dir ?? ".").toBe(dir);
        expect(written.repos.dbt.command ?? "dbt").toBe(command);
        expect(written.repos.dbt.failuresSchema).toBe(schema);
        expect(written.repos.sources).toEqual([{ path: source, loads: [loads] }]);
        expect(written.summary).toEqual({ run });
        expect(written.groupBy).toBe(column);
        expect(Object.keys(written)).toEqual(["version", "name", "repos", "summary", "groupBy", "agent"]);
      }),
    );
  });

  it("tells in comments what else there is, and who costs money", () => {
    const text = configText(
      { ...choices, groupBy: null, agent: "claude", budget: 20 },
      {
        ...remarks,
        profile: null,
        agents: [{ name: "codex", version: "0.9.1" }],
        hasTmux: true,
        neighbours: ["../dot-sync"],
      },
    );
    expect(text).toContain("# dbt's profile could not be read, so say here where the data is");
    expect(text).toContain("# No column was found that most failing tests share: say which one.\ngroupBy: state");
    expect(text).toContain("# Installed here: codex (0.9.1); each costs money and needs a budget");
    expect(text).toContain("#   - { path: ../dot-sync, loads: [NAME] }");
    expect(parse(text)).toMatchObject({ agent: { use: "claude" }, budget: 20 });
  });
});

describe("the column to group by", () => {
  it("is the one that most failing tests' tables have, with counts of its values, in two statements", async () => {
    const database = await temporaryDuckdb([
      "create schema audit",
      "create table bids as select i as bid_id, 'S' || i % 7 as market, i % 2 as flag, 'v' || i as vendor, now() as loaded_at from range(2000) t(i)",
      "create table audit.t0 as select * from bids where bid_id < 100",
      "create table audit.t1 as select 'x' as unique_field, 2 as n_records",
      "create table audit.t2 as select 'one' as kind, vendor from bids limit 3",
    ]);
    const project = projectOf(
      ["bids"],
      [{ id: "t0", kind: "not_null", on: "bids" }, { id: "t1", kind: "unique", on: "bids" }, { id: "t2" }],
    );
    const { warehouse, statements } = recorded(database.warehouse);
    const tests = [...project.resources.values()].filter(({ test }) => test !== null);
    const found = await groupColumns(tests, project, warehouse);
    expect(found[0]).toEqual({ column: "market", tests: 2, values: 7 });
    expect(found.map(({ column }) => column)).not.toContain("bid_id");
    expect(
      found.map(({ column }) => column),
      "one value splits nothing",
    ).not.toContain("kind");
    expect(statements).toHaveLength(2);
    await database.close();
  });

  it("is proposed only where at least half of the failing tests have it", () => {
    const vendor = { column: "vendor_name", tests: 4, values: null };
    expect(likelyColumn([vendor], 19)).toBe(null);
    expect(likelyColumn([vendor], 9)).toBe(null);
    expect(likelyColumn([vendor], 8)).toBe("vendor_name");
    expect(likelyColumn([vendor, { ...vendor, column: "state", tests: 10 }], 19)).toBe("state");
    expect(likelyColumn([], 19)).toBe(null);
  });

  it("is none where no table is there, and documented columns are guessed from where the warehouse is closed", async () => {
    const project = projectOf(["bids"], [{ id: "t0", kind: "not_null", on: "bids" }]);
    const tests = [...project.resources.values()].filter(({ test }) => test !== null);
    expect(await groupColumns(tests, project, null)).toEqual([]);
    const resources = new Map(
      [...project.resources].map(([id, each]) => [
        id,
        each.name === "bids" ? { ...each, columns: ["state", "id"] } : each,
      ]),
    );
    expect(await groupColumns(tests, { ...project, resources }, null)).toEqual([
      { column: "state", tests: 1, values: null },
    ]);
  });
});

describe("the dbt project", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "audit-run-projects-"));
    for (const path of ["mono/a/dbt", "mono/b/dbt", "mono/a/dbt/dbt_packages/utils", "mono/node_modules/x", "empty"]) {
      await mkdir(join(folder, path), { recursive: true });
      if (path !== "empty") await writeFile(join(folder, path, "dbt_project.yml"), "name: x");
    }
    await mkdir(join(folder, "mono/a/dbt/models/marts"), { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is the one that the folder is in, else those below, without packages", () => {
    const at = (...paths: string[]) => paths.map((path) => join(folder, path));
    expect(dbtProjects(join(folder, "mono/a/dbt/models/marts"))).toEqual(at("mono/a/dbt"));
    expect(dbtProjects(join(folder, "mono"))).toEqual(at("mono/a/dbt", "mono/b/dbt"));
    expect(dbtProjects(join(folder, "empty"))).toEqual([]);
  });

  it("says where its failures go, by its own settings before the general ones", () => {
    const text =
      "name: bids\ntarget-path: out\ntests:\n  +store_failures: false\n  bids: { +store_failures: true, +schema: failed }";
    expect(projectFacts(text)).toEqual({ name: "bids", targetPath: "out", storesFailures: true, testSchema: "failed" });
    expect(projectFacts("name: '{{ x }}'\n: [")).toEqual({
      ...{ name: null, targetPath: null, storesFailures: null, testSchema: null },
    });
  });
});
