// Wrong names and places, on the built program: what the user is told, and what is spared.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { preparedAudit } from "../rig/prepared.js";
import { type AuditFolder, agentProgram, investigations, setFailures, smallAudit } from "../rig/small-audit.js";

const failures = { vendor_missing: [["VA", 2] as const, ["TX", 1] as const] };
/** A new test run: its results have another invocation id. */
const newResults =
  'sed -i -E "s/(small-invocation|run-[0-9]+)/run-$(date +%s%N)/" target/run_results.json target/manifest.json; exit 1';

const kept: AuditFolder[] = [];
afterAll(async () => {
  for (const audit of kept) await audit.remove();
});

async function audited(): Promise<AuditFolder> {
  const audit = await preparedAudit("names-exported", async () => {
    const made = await smallAudit(failures);
    const agent = { ...(await agentProgram(made)), slot: false };
    await made.configure({ agent, summary: { run: newResults, artifacts: "project/target" } });
    expect(await made.run("run", "export")).toMatchObject({ exitCode: 0 });
    return made;
  });
  kept.push(audit);
  return audit;
}

const warnings = async (audit: AuditFolder): Promise<readonly string[]> =>
  (await audit.events()).flatMap((event) => (event.type === "warning" ? [event.message] : []));

describe("a name that the last export does not have", () => {
  test("is told before the tests run, and refused where the next export does not have it either", async () => {
    const audit = await audited();
    const end = await audit.run("run", "investigate:VAA");
    expect(end).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("there is no node investigate:VAA") });
    const events = await audit.events();
    const warned = events.findIndex((event) => event.type === "warning" && event.message.includes("VAA"));
    expect(events[warned]).toMatchObject({ message: expect.stringContaining("Did you mean investigate:VA?") });
    expect(warned).toBeLessThan(events.findIndex((event) => event.type === "started" && event.node === "summary"));
    expect(await audit.run("--state", "VAA")).toMatchObject({ exitCode: 2 });
    expect(await warnings(audit)).toContainEqual(expect.stringContaining("--state VAA: nothing fails there"));
    const retried = await audit.run("retry", "--state", "VA");
    expect(retried).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("not asked for 1") });
    expect(retried.stdout).not.toContain("The last run failed");
    const plan = await audit.run("plan", "--state", "VAA");
    expect(plan).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("Did you mean VA?") });
  });

  test("is investigated where the next export has it", async () => {
    const audit = await audited();
    await setFailures(audit, { vendor_missing: [...failures.vendor_missing, ["FL", 1]] });
    expect(await audit.run("run", "investigate:FL")).toMatchObject({ exitCode: 0 });
    expect(investigations(await audit.events())).toEqual({ "investigate:FL": "executed" });
  });

  test("is refused at once by a retry, which takes the last export", async () => {
    const audit = await audited();
    const end = await audit.run("retry", "investigate:VAA");
    expect(end).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining("investigate:VA") });
    expect(await audit.run("retry", "--test", "nosuch")).toMatchObject({ exitCode: 2 });
    expect(await audit.read(".audit/full-report.md").catch(() => "none")).toBe("none");
    // Nothing was run, so the newest run is the one before.
    expect((await audit.run("timeline")).stdout).toContain("export");
  });

  test("is nothing to warn of where all are there", async () => {
    const audit = await audited();
    expect(await audit.run("--state", "VA", "--test", "vendor_missing")).toMatchObject({ exitCode: 0 });
    expect(await warnings(audit)).toEqual([]);
  });
});

test("a plan says what the run may take, and then what it took", async () => {
  const audit = await audited();
  // How long it took is of where it was run.
  expect(await audit.run("run", "export")).toMatchObject({ exitCode: 0 });
  const first = JSON.parse((await audit.run("plan", "--json")).stdout);
  const expectedOf = (plan: typeof first, node: string) =>
    plan.rows.find((row: { node: string }) => row.node === node).expected;
  expect(expectedOf(first, "summary")).toEqual({ duration: expect.any(Number), cost: 0, guessed: false });
  expect(expectedOf(first, "investigate:VA")).toEqual({ duration: null, cost: null, guessed: false });
  expect(first.totals.expected).toMatchObject({ makespan: null, cost: null });
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  await setFailures(audit, {
    vendor_missing: [
      ["VA", 5],
      ["TX", 1],
    ],
  });
  await audit.configure({ agent: { ...(await agentProgram(audit)), slot: false } });
  await audit.run("run", "export");
  const second = JSON.parse((await audit.run("plan", "--json")).stdout);
  expect(expectedOf(second, "investigate:VA")).toEqual({ duration: expect.any(Number), cost: null, guessed: false });
  expect(expectedOf(second, "investigate:VA").duration).toBeGreaterThan(0);
  expect(second.totals.expected).toMatchObject({ makespan: expect.any(Number), guessed: false, places: 4 });
  const text = (await audit.run("plan")).stdout;
  expect(text).toContain("what the agent command costs is not known");
});

test("options before the command are those of the command", async () => {
  const audit = await audited();
  await audit.write("other.yaml", await audit.read("audit.config.yaml"));
  const plan = await audit.run("--config", "other.yaml", "--json", "plan");
  expect(JSON.parse(plan.stdout)).toMatchObject({ version: 1, rows: expect.any(Array) });
  expect(await audit.run("-c", "nowhere.yaml", "plan")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("nowhere.yaml does not exist"),
  });
});

test("the command to retry a run with another strategy is one that the program takes", async () => {
  const audit = await audited();
  await audit.configure({ agent: { ...(await agentProgram(audit, "process.exit(1)")), slot: false } });
  const end = await audit.run("--strategy", "per-test");
  const [, command = ""] = /npx audit-run (retry .*)/.exec(end.stdout) ?? [];
  expect(command).toBe("retry --strategy per-test");
  expect(await audit.run(...command.split(" "))).toMatchObject({ exitCode: 3 });
});

test("in a folder of the project without a config, the one above is named", async () => {
  const audit = await audited();
  await mkdir(join(audit.folder, "project/models"), { recursive: true });
  expect(existsSync(join(audit.folder, "audit.config.yaml"))).toBe(true);
  const end = await audit.run("plan", "-c", "project/models/audit.config.yaml");
  expect(end).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--config audit.config.yaml") });
});

test("explain takes a task by its own name, and tells an accepted exception from a case that there is not", async () => {
  const audit = await audited();
  await audit.write(
    "audit.exceptions.yaml",
    "version: 1\nexceptions:\n  - {test: vendor_missing, group: TX, reason: sold by hand, owner: sales, expires: never}\n",
  );
  const task = await audit.run("explain", "VA");
  expect(task).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^investigate:VA: /) });
  expect(await audit.run("explain", "investigate:VA")).toEqual(task);
  expect(await audit.run("explain", "--json", "export")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('"subject": "export"'),
  });
  expect(await audit.run("explain", "vendor_mising@VA")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('did you mean "vendor_missing@VA"?'),
  });
  const accepted = await audit.run("explain", "vendor_missing@TX");
  expect(accepted.stdout).toContain("a known exception, accepted by sales: sold by hand");
  expect(await audit.run("timeline", "--run", "20200101-000000000")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/there is no run 20200101-000000000\n {2}hint: \.audit\/runs has a folder/),
  });
});
