// The benchmark of the lineage agent judges by a truth of its own: here that truth is looked at, with two faults whose place is
// plain. How often the agent is right is a table (`npm run bench:lineage`), not a test.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as inside from "../../scripts/bench-lineage/inside.js";

const root = resolve(import.meta.dirname, "../..");
// Scripts are plain JavaScript, which has no types.
const script = (name: string) => import(join(root, "scripts/bench-lineage", name));
const { casesOf } = await script("cases.mjs");
const { harmlessEdit } = await script("code-faults.mjs");
const { rowsOf } = await script("database.mjs");
const { buildBase, openProject, staleFiles } = await script("projects.mjs");
const { presentChanges } = await script("repository.mjs");
const { score } = await script("score.mjs");
const { openSite } = await script("site.mjs");

interface Group {
  readonly node: string | null;
  readonly truth: readonly { readonly nodes: readonly string[]; readonly role: string }[];
}

interface BenchCase {
  readonly id: string;
  readonly kind: string;
  readonly faults: readonly {
    readonly node: string;
    readonly data?: readonly string[];
    readonly edit?: { readonly file: string; readonly from: number; readonly lines: readonly string[] };
    readonly place?: { readonly file: string; readonly lines: readonly [number, number]; readonly cte: string | null };
  }[];
  readonly tests: readonly { readonly id: string; readonly groups: readonly Group[] }[];
}

let folder: string;
let site: Awaited<ReturnType<typeof openSite>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-benchmark-"));
  const project = await openProject("store");
  const file = join(folder, `${project.database}.duckdb`);
  await buildBase(project, file);
  site = await openSite("store", file, inside);
}, 60_000);

afterAll(async () => {
  site?.close();
  await rm(folder, { recursive: true, force: true });
});

async function cases(kind: string, more: Readonly<Record<string, unknown>> = {}): Promise<readonly BenchCase[]> {
  const found: BenchCase[] = [];
  for await (const { item } of casesOf(site, { kind, seed: "test", quota: 1, walk: false, ...more })) found.push(item);
  return found;
}

describe("a project of the benchmark", () => {
  test.each(["store", "dot-bids", "subscriptions", "events"])("%s is what dbt compiled last", async (name) => {
    expect(staleFiles(await openProject(name))).toEqual([]);
  });

  test("no test of it fails before a fault is planted, nor by the dirt that staging filters", async () => {
    expect([...site.failingBefore]).toEqual([]);
    const { dirt } = site.project.settings;
    const built = await site.build([{ node: "", dirt, data: [] }]);
    expect(built.touched.size).toBeGreaterThan(3);
    expect(built.failing).toEqual([]);
  });
});

describe("a case of the benchmark", () => {
  test("nulls in a source: rows of that table are null, and tests above it fail that did not", async () => {
    const [item] = await cases("source-null");
    const [fault] = item?.faults ?? [];
    const table = site.tables.get(fault?.node);
    const column = /set "(\w+)" = null/.exec(fault?.data?.[0] ?? "")?.[1];
    const [now] = await rowsOf(site.connection, `select count(*)::integer as n from ${table} where ${column} is null`);
    const [before] = await rowsOf(
      site.connection,
      `select count(*)::integer as n from base.${table} where ${column} is null`,
    );
    expect(now.n).toBeGreaterThan(before.n);
    expect(item?.tests.length).toBeGreaterThan(0);
    const truths = item?.tests.flatMap((each) => each.groups.flatMap((group) => group.truth));
    expect(new Set(truths?.map(({ role }) => role))).toEqual(new Set(["source"]));
    expect(new Set(truths?.flatMap(({ nodes }) => nodes))).toEqual(new Set([fault?.node]));
  });

  test("a CASE that lost a branch: the place is the line of the model that was edited", async () => {
    const [item] = await cases("case-to-null");
    const [fault] = item?.faults ?? [];
    const { edit, place } = fault ?? {};
    const old = (await readFile(join(site.project.folder, edit?.file ?? ""), "utf8")).split("\n");
    expect(fault?.node).toMatch(/^model\.store\./);
    expect(place?.file).toBe(edit?.file);
    expect(place?.lines[0]).toBe((edit?.from ?? 0) + 1);
    expect(edit?.lines.join("\n")).not.toBe(old[edit?.from ?? 0]);
    expect(item?.tests.flatMap((each) => each.groups)).not.toEqual([]);
  });

  test("its change is the last commit of a repository that the walk may ask for", async () => {
    const faults = [
      { node: "seed.store.markets", data: ["delete from main_seeds.markets where market = 'GB'"] },
      { node: site.project.models[0].id, edit: harmlessEdit(site.project.models[0]) },
    ];
    expect(await site.build(faults)).not.toBeNull();
    const { repository } = await presentChanges(site, { id: "store/any/0", faults }, null);
    const made = await repository();
    try {
      const shown = spawnSync("git", ["-C", made, "show", "--format=%s", "--unified=0"], { encoding: "utf8" }).stdout;
      expect(shown).toMatch(/^Changes of the week/);
      expect(shown).toMatch(/^-GB,United Kingdom,GBP$/m);
      expect(shown).toContain(`+++ b/${site.project.models[0].file}`);
    } finally {
      await rm(made, { recursive: true });
    }
  });

  test("what a flake told of is gone when it is looked at, and nothing is true of it", async () => {
    const [item] = await cases("flake");
    expect(item?.tests.flatMap((each) => each.groups.flatMap((group) => group.truth))).toEqual([]);
    for (const each of item?.tests ?? []) {
      const { compiledCode } = site.known.resources.get(each.id);
      expect(await rowsOf(site.connection, `select * from (${compiledCode}) as failing`)).toEqual([]);
    }
  });

  test("the same seed gives the same cases", async () => {
    const planted = async (seed: string) =>
      (await cases("inconsistent-amount", { seed })).map(({ id, faults, tests }) => [id, faults, tests]);
    const first = await planted("test");
    expect(await planted("test")).toEqual(first);
    expect(await planted("another")).not.toEqual(first);
  });
});

describe("the score of the benchmark", () => {
  const graph = {
    parents: new Map([
      ["mart", ["staging"]],
      ["staging", ["source"]],
    ]),
    tests: new Map([["test", ["mart"]]]),
    roleOf: () => "transformation",
  };
  const verdict = (node: string | null, category: string, path: readonly string[]) => ({
    group: "VA",
    outcome: node === null ? "undecided" : "decided",
    node,
    confidence: "high",
    category,
    path,
    truth: [{ nodes: ["source"], role: "source" }],
  });
  const item = (groups: readonly object[], kind = "source-null") => ({
    id: "p/k/0",
    kind,
    project: "p",
    heldOut: false,
    faults: [{ node: "source" }],
    tests: [{ id: "test", test: "not_null", queries: 3, seconds: 1, groups, blamed: { wholeTable: "staging" } }],
  });
  const figures = (...items: readonly object[]) => score(items, new Map([["p", graph]]));

  test("undecided counts as wrong, also where nobody could know better", () => {
    const said = figures(
      item([
        verdict("source", "source_data_issue", ["mart", "staging", "source"]),
        verdict(null, "needs_investigation", []),
      ]),
    );
    expect(said).toMatchObject({ cases: 1, nodeTop1: 0.5, categoryAccuracy: 0.5, pathCorrect: 0.5, coverage: 0.5 });
    expect(said.baselines.wholeTable.nodeTop1).toBe(0);
  });

  test("a path with a gap is no path", () => {
    expect(figures(item([verdict("source", "source_data_issue", ["mart", "source"])])).pathCorrect).toBe(0);
  });

  test("a case counts once, however many tests tell of it", () => {
    const right = item([verdict("source", "source_data_issue", ["mart", "staging", "source"])]);
    const wrong = item([verdict("mart", "needs_fix", ["mart"])]);
    const many = { ...wrong, tests: [...wrong.tests, ...wrong.tests, ...wrong.tests] };
    expect(figures(right, many).nodeTop1).toBe(0.5);
  });

  test("a flake that is blamed on something is counted", () => {
    const flake = (node: string | null) => item([{ ...verdict(node, "needs_fix", []), truth: [] }], "flake");
    expect(figures(flake("mart"), flake(null)).flakesBlamed).toBe(0.5);
  });
});
