/**
 * The demo through the built program: every planted fault is reported, with real dbt as with Node alone, by the pattern's
 * summary table as by dbt's artifacts; and an edit reopens what it touches and nothing else.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { reportedCases } from "../rig/reported-cases.js";
import { type AuditFolder, demoFolder, investigations, root } from "../rig/small-audit.js";

const venv = join(root, ".test-tools/venv/bin");
const opened: AuditFolder[] = [];
let demo: AuditFolder;

beforeAll(async () => {
  if (!existsSync(join(venv, "dbt"))) throw new Error("no dbt in .test-tools/venv; run npm test");
  demo = await open();
  expect((await demo.run()).exitCode).toBe(0);
});
afterAll(async () => {
  for (const audit of opened) await audit.remove();
});

async function open(env: Record<string, string> = {}): Promise<AuditFolder> {
  const audit = await demoFolder(env);
  opened.push(audit);
  return audit;
}

interface Fault {
  readonly id: string;
  readonly test: string;
  readonly groups: Readonly<Record<string, number>>;
  readonly lineage: { readonly category: string };
}

test("every planted fault is reported with its count, and nothing else is", async () => {
  const truth = parse(await demo.read("examples/dot-bids/truth.yaml")) as { faults: readonly Fault[] };
  const planted = Object.fromEntries(
    truth.faults.flatMap(({ test: name, groups }) =>
      Object.entries(groups).map(([group, failures]) => [`${name}@${group}`, failures]),
    ),
  );
  const reported = Object.fromEntries(
    Object.entries(await reportedCases(demo)).map(([id, { failures }]) => [id, failures]),
  );
  expect(reported).toEqual(planted);
});

test("the lineage agent says of every fault what truth.yaml says it should", async () => {
  const truth = parse(await demo.read("examples/dot-bids/truth.yaml")) as { faults: readonly Fault[] };
  const found = await reportedCases(demo);
  for (const { test: name, groups, lineage } of truth.faults) {
    for (const group of Object.keys(groups)) {
      const id = `${name}@${group}`;
      if (found[id]?.status === "excepted") continue;
      expect({ id, category: found[id]?.category }).toEqual({ id, category: lineage.category });
    }
  }
});

test("VA's page is the pattern's: 127 known exceptions and 3 duplicates", async () => {
  const page = await demo.read(".audit/results/VA.md");
  expect(page).toMatch(/^# State: VA - Test Failures Audit/);
  expect(page).toContain("- Total tests with failures: 2");
  expect(page).toMatch(/## Test: bid_extension_total_wrong[\s\S]*\*\*Failures:\*\* 127[\s\S]*known_exception/);
  expect(page).toMatch(/## Test: duplicate_identifier[\s\S]*\*\*Failures:\*\* 3/);
});

test("the pattern's own command and summary table give the same cases, and dbt leaves nothing but its work", async () => {
  const home = await mkdtemp(join(tmpdir(), "audit-run-home-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const byTable = await open({ HOME: home });
  const project = join(byTable.folder, "examples/dot-bids");
  // The tests have run, and stored their failures; dbt says so with 1.
  expect(spawnSync(process.execPath, ["build.mjs", "--dbt", join(venv, "dbt")], { cwd: project }).status).toBe(1);
  const before = await byTable.read("examples/dot-bids/target/run_results.json");
  const config = parse(await byTable.read("audit.config.yaml"));
  config.repos.dbt.command = join(venv, "dbt");
  const profiles = join(home, ".dbt");
  await mkdir(profiles);
  await rename(join(project, "profiles.yml"), join(profiles, "profiles.yml"));
  config.repos.dbt.profilesDir = profiles;
  delete config.summary;
  await byTable.write("audit.config.yaml", stringify(config));
  const files = await filesIn(byTable.folder);
  const end = await byTable.run();
  expect(end).toMatchObject({ exitCode: 0 });
  expect(await filesIn(byTable.folder), "in the user's folders").toEqual(files);
  // Where it tells of its usage, dbt keeps a number for its user in .user.yml beside profiles.yml.
  expect(await filesIn(home), "in the user's home").toEqual([".dbt/profiles.yml"]);
  const [run] = (await byTable.events()).flatMap((event) => (event.type === "run-started" ? [event.run] : []));
  expect(await byTable.read(`.audit/runs/${run}/summary.log`)).toContain("marts_test_failures_summary");
  expect(await reportedCases(byTable)).toEqual(await reportedCases(demo));
  expect(await byTable.read("examples/dot-bids/target/run_results.json"), "the tests' own artifacts").toBe(before);
});

/** Files below a folder, but for those of the audit folder. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(".audit/"))
    .sort();
}

test("an edit of one state's rows investigates that state's changed cases alone; a switch of strategy none", async () => {
  const edited = await open();
  await edited.run();
  const vendors = "examples/dot-bids/data/feed/vendors.csv";
  const lines = (await edited.read(vendors)).split("\n");
  const names = lines[0]?.split(",") ?? [];
  const [state, certification] = [names.indexOf("state"), names.indexOf("certification")];
  const position = lines.findIndex(
    (line) => line.split(",")[state] === "CA" && line.split(",")[certification] === "DBE",
  );
  const fields = lines[position]?.split(",") ?? [];
  fields[certification] = "WRONG";
  lines[position] = fields.join(",");
  await edited.write(vendors, lines.join("\n"));

  expect((await edited.run()).exitCode).toBe(0);
  const events = await edited.events();
  const executed = Object.entries(investigations(events)).filter(([, outcome]) => outcome === "executed");
  expect(executed).toEqual([["investigate:CA", "executed"]]);
  expect(events.flatMap((event) => (event.type === "finding" && !event.reused ? [event.case] : []))).toEqual([
    "accepted_values_stg_vendors_certification__DBE__MBE__WBE__SBE__NONE@CA",
  ]);

  expect((await edited.run("--strategy", "per-test")).exitCode).toBe(0);
  const outcomes = new Set(Object.values(investigations(await edited.events())));
  expect(outcomes).toEqual(new Set(["reused"]));
  expect(await edited.read(".audit/results/duplicate_identifier.md")).toMatch(
    /^# Test: duplicate_identifier[\s\S]*## State: VA/,
  );
});
