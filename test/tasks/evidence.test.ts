import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readProject } from "../../src/dbt/artifacts.js";
import type { Case } from "../../src/model/case.js";
import { failed } from "../../src/model/result.js";
import type { Query } from "../../src/model/warehouse.js";
import { type EvidenceInput, writeEvidence } from "../../src/tasks/evidence.js";
import { sampleTexts } from "../../src/tasks/sample-rows.js";
import { recorded, type TemporaryWarehouse, temporaryDuckdb } from "../fakes/warehouse.js";
import { caseOf } from "../rig/cases.js";
import { exportConfig } from "./export-rig.js";

const never = new AbortController().signal;
let database: TemporaryWarehouse;
let folder: string;

beforeAll(async () => {
  database = await temporaryDuckdb([
    "create table bids as select i as id, case when i % 3 = 0 then 'VA' when i % 3 = 1 then 'TX' else null end as state, " +
      "'=cmd, \"x\"' as note, 'me' || i || '@example.org' as email from range(90) r(i)",
  ]);
  folder = await mkdtemp(join(tmpdir(), "audit evidence "));
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const failingRows: Case["failingRows"] = {
  sql: "select * from demo.main.bids",
  groupColumn: "state",
  source: "stored",
  relation: { database: "demo", schema: "audit", name: "not_null_bids_vendor" },
};

interface Given extends Omit<EvidenceInput, "samples"> {
  readonly query: Query;
}

function inputFor(name: string, cases: readonly Case[], more: Partial<Given> = {}): Given {
  return {
    config: exportConfig(),
    project: null,
    cases,
    query: database.warehouse.query,
    folder: join(folder, name),
    signal: never,
    ...more,
  };
}

function sampled({ cases, query, config }: Given) {
  return sampleTexts(cases, query, database.warehouse.dialect, config.redactColumns, (text) => text);
}

async function written(input: Given) {
  const samples = await sampled(input);
  if (!samples.ok) throw new Error(samples.failure.message);
  const files = await writeEvidence({ ...input, samples: samples.value });
  if (!files.ok) throw new Error(files.failure.message);
  return { files: files.value, samples: samples.value };
}

describe("the sample of failing rows", () => {
  it("is at most 20 rows of the case's own group, for all groups of a test in two statements", async () => {
    const { warehouse, statements } = recorded(database.warehouse);
    const cases = ["VA", "TX", "(null)"].map((group) => caseOf("t", group, 30, { failingRows }));
    const { samples } = await written(inputFor("groups", cases, { query: warehouse.query }));
    expect(statements).toHaveLength(2);
    for (const [id, state] of [
      ["t@VA", "VA"],
      ["t@TX", "TX"],
      ["t@(null)", ""],
    ] as const) {
      const [header, ...rows] = (samples.get(id) ?? "").trimEnd().split("\n");
      expect(header).toBe("id,state,note,email");
      expect(rows).toHaveLength(20);
      expect(new Set(rows.map((row) => row.split(",")[1]))).toEqual(new Set([state]));
    }
  });

  it("of a task's tests, with columns of their own each, takes two statements for twenty of them", async () => {
    const { warehouse, statements } = recorded(database.warehouse);
    const cases = Array.from({ length: 40 }, (_, index) =>
      caseOf(`t${index}`, "VA", 30, {
        failingRows: { ...failingRows, sql: `select ${index} as number_${index}, r.* from (${failingRows.sql}) as r` },
      }),
    );
    const { samples } = await written(inputFor("tests", cases, { query: warehouse.query }));
    expect(statements, "the columns of twenty tests at a time, the rows of forty").toHaveLength(3);
    expect([...samples.keys()]).toHaveLength(40);
    for (const [index, { id }] of cases.entries()) {
      const [header, first] = (samples.get(id) ?? "").split("\n");
      expect(header).toBe(`number_${index},id,state,note,email`);
      expect(first?.split(",").slice(0, 3)).toEqual([String(index), expect.any(String), "VA"]);
    }
  });

  it("of a test that could not be split is of all its rows", async () => {
    const whole = caseOf("t", "(all)", 90, { failingRows: { ...failingRows, groupColumn: null } });
    const { samples } = await written(inputFor("all", [whole]));
    expect(samples.get("t@(all)")?.trimEnd().split("\n")).toHaveLength(21);
  });

  it("quotes what CSV needs quoted, and masks hidden columns", async () => {
    const config = exportConfig({ redactColumns: ["EM*"] });
    const { samples } = await written(inputFor("redacted", [caseOf("t", "VA", 30, { failingRows })], { config }));
    expect(samples.get("t@VA")).toContain('0,VA,"=cmd, ""x""",[redacted]');
    expect(samples.get("t@VA")).not.toContain("@example.org");
  });

  it("that the warehouse refuses is told in its file, and the others are there", async () => {
    const broken = caseOf("broken", "VA", 1, { failingRows: { ...failingRows, sql: "select * from gone" } });
    const { samples } = await written(inputFor("broken", [broken, caseOf("t", "VA", 30, { failingRows })]));
    expect(samples.get("broken@VA")).toMatch(/^The failing rows could not be read: /);
    expect(samples.get("t@VA")).toContain("id,state");
  });

  it("is a failure where the warehouse is away", async () => {
    const query = async () => failed("warehouse-unreachable", "gone");
    expect(await sampled(inputFor("away", [caseOf("t", "VA", 1)], { query }))).toMatchObject({ ok: false });
  });
});

describe("the evidence pack", () => {
  async function demo() {
    const root = join(folder, "project");
    await mkdir(join(root, "models"), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=Ann", "-c", "user.email=a@example.org", ...args], { cwd: root });
    git("init", "--quiet");
    for (const subject of ["one", "two", "three", "four", "five", "six"]) {
      await writeFile(join(root, "models/bids.sql"), subject);
      git("add", "--all");
      git("commit", "--quiet", "--message", subject);
    }
    const node = (id: string, more: object) => ({
      [id]: { name: id.split(".").at(-1), package_name: "demo", ...more },
    });
    const read = readProject(
      JSON.stringify({
        metadata: { project_name: "demo", adapter_type: "duckdb" },
        nodes: {
          ...node("model.demo.bids", {
            resource_type: "model",
            original_file_path: "models/bids.sql",
            raw_code: "select * from {{ ref('stg_bids') }}",
            compiled_code: "select * from demo.main.stg_bids",
            relation_name: '"demo"."main"."bids"',
            config: { materialized: "table" },
            depends_on: { nodes: ["model.demo.stg_bids"] },
          }),
          ...node("model.demo.stg_bids", {
            resource_type: "model",
            original_file_path: "models/stg_bids.sql",
            raw_code: "select * from {{ source('raw', 'bids') }}",
            compiled_code: "select * from demo.raw.bids",
            config: { materialized: "view" },
            depends_on: { nodes: ["source.demo.raw.bids"] },
          }),
          ...node("test.demo.t", {
            resource_type: "test",
            compiled_code: "select * from demo.main.bids where vendor is null",
            raw_code: "{{ test_not_null(model, 'vendor') }}",
            attached_node: "model.demo.bids",
            depends_on: { nodes: ["model.demo.bids"] },
            test_metadata: { name: "not_null", kwargs: {} },
          }),
        },
        sources: {
          "source.demo.raw.bids": { resource_type: "source", name: "bids", source_name: "raw", package_name: "demo" },
        },
      }),
    );
    if (!read.ok) throw new Error(read.failure.message);
    const config = exportConfig({ dbt: { path: root, projectDir: root } });
    return { project: read.value, config };
  }

  it("has counts, the test's SQL, the tested model's and its parents', what lies upstream, commits and exceptions", async () => {
    const { project, config } = await demo();
    const exceptions = [
      { test: "t", group: "TX", reason: "known", owner: "ann", expires: null, ticket: null, at: "x:1" },
    ];
    const input = inputFor("pack", [caseOf("t", "VA", 30, { failingRows })], { project, config, exceptions });
    const { files } = await written(input);
    const read = (path: string) => readFile(join(input.folder, path), "utf8");
    expect(files).toEqual([
      "README.md",
      expect.stringMatching(/^cases\/t-VA-\w+\/case\.json$/),
      expect.stringMatching(/^cases\/t-VA-\w+\/rows\.csv$/),
      "commits.txt",
      "exceptions.json",
      expect.stringMatching(/^resources\/model-demo-bids-\w+\.raw\.sql$/),
      expect.stringMatching(/^resources\/model-demo-bids-\w+\.sql$/),
      expect.stringMatching(/^resources\/model-demo-stg_bids-\w+\.raw\.sql$/),
      expect.stringMatching(/^resources\/model-demo-stg_bids-\w+\.sql$/),
      "tests/t/test.raw.sql",
      "tests/t/test.sql",
      "tests/t/upstream.txt",
    ]);
    expect(JSON.parse(await read(files[1] ?? ""))).toMatchObject({ id: "t@VA", group: "VA", failures: 30 });
    expect(await read("tests/t/test.sql")).toContain("vendor is null");
    expect(await read("tests/t/upstream.txt")).toBe(
      "model.demo.bids (table) demo.main.bids in models/bids.sql\n" +
        "  model.demo.stg_bids (view) stg_bids in models/stg_bids.sql\n" +
        "    source.demo.raw.bids bids\n",
    );
    expect((await read("commits.txt")).split("\n").map((line) => line.split(": ").at(-1))).toEqual([
      "models/bids.sql",
      "six",
      "five",
      "four",
      "three",
      "two",
      "",
    ]);
    for (const file of files.filter((name) => name.endsWith(".sql"))) expect(await read("README.md")).toContain(file);
  });

  it("has what the lineage says of a case, with its queries", async () => {
    const item = caseOf("t", "VA", 30, { failingRows });
    const verdict = {
      test: "t",
      group: "VA",
      classification: "needs_fix",
      confidence: "high" as const,
      root_cause: "The join loses the vendor.",
      recommendation: "Mend the join.",
      evidence: [{ title: "30 rows fail", sql: "select 30 as n -- ```", value: 30 }],
      alternatives: ["the source has them all"],
    };
    const input = inputFor("lineage", [item]);
    const files = await writeEvidence({ ...input, samples: new Map(), verdicts: new Map([[item.id, verdict]]) });
    const page = files.ok ? files.value.find((file) => file.endsWith("/lineage.md")) : undefined;
    expect(await readFile(join(input.folder, page ?? ""), "utf8")).toMatchInlineSnapshot(`
      "# What the lineage says

      \`needs_fix\`, confidence high. A lead to be checked, not the truth.

      **Root cause:** The join loses the vendor.

      **Recommendation:** Mend the join.

      Ruled out:

      - the source has them all

      30 rows fail: 30

      \`\`\`\`sql
      select 30 as n -- \`\`\`
      \`\`\`\`

      "
    `);
    expect(await readFile(join(input.folder, "README.md"), "utf8")).toContain(`${page}: what following`);
  });

  it("stays in its folder, whatever groups and tests are called", async () => {
    const names = ["../../x", "a/b", "", "NULL", "va", "VA", "x".repeat(300), "..", "con", "-rf", "ü\n"];
    const cases = names.map((name) => caseOf(name, `../${name}`, 1, { failingRows }));
    const { files, samples } = await written(inputFor("hostile", cases));
    expect(samples.size).toBe(cases.length);
    expect(files).toHaveLength(2 * cases.length + 1);
    for (const file of files) expect(file).toMatch(/^(README\.md|cases\/[A-Za-z0-9][\w-]*\/(case\.json|rows\.csv))$/);
    expect(await readdir(join(folder, "hostile"))).toEqual(["README.md", "cases"]);
  });

  it("without a manifest, and outside git, has rows and counts", async () => {
    const { files } = await written(inputFor("bare", [caseOf("t", "VA", 30, { failingRows })]));
    expect(files.map((file) => file.split("/").at(-1))).toEqual(["README.md", "case.json", "rows.csv"]);
  });

  it("that cannot be written is a failure of the disk", async () => {
    await writeFile(join(folder, "a-file"), "");
    const result = await writeEvidence({
      ...inputFor("a-file/below", [caseOf("t", "VA", 1, { failingRows })]),
      samples: new Map(),
    });
    expect(result).toMatchObject({ ok: false, failure: { code: "disk" } });
  });
});
