/**
 * The demo through the built program: every planted fault is reported, with real dbt as with Node alone, by the pattern's
 * summary table as by dbt's artifacts; and an edit reopens what it touches and nothing else.
 */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { auditedByTable } from "../rig/demo-by-table.js";
import { auditedDemo } from "../rig/prepared.js";
import { reportedCases } from "../rig/reported-cases.js";
import { type AuditFolder, investigations } from "../rig/small-audit.js";

let demo: AuditFolder;

beforeAll(async () => {
  demo = await auditedDemo();
});
afterAll(() => demo.remove());

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
  // With all of them, and with tests that dbt has run: test/long/demo-dbt.test.ts.
  const byTable = await auditedByTable("by replay", "--state", "VA", "--state", "TX");
  const cases = Object.entries(await reportedCases(demo)).filter(([id]) => /@(VA|TX)$/.test(id));
  expect(cases).toHaveLength(6);
  expect(await reportedCases(byTable)).toMatchObject(Object.fromEntries(cases));
});

test("an edit of one state's rows investigates that state's changed cases alone; a switch of strategy none", async () => {
  const edited = await auditedDemo();
  onTestFinished(() => edited.remove());
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
