/** The demo with real dbt in the replay's place, and whether what is committed of it is what dbt compiles now. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { auditedByTable } from "../rig/demo-by-table.js";
import { reportedCases } from "../rig/reported-cases.js";
import { type AuditFolder, demoFolder, root } from "../rig/small-audit.js";

const venv = join(root, ".test-tools/venv/bin");

async function audited(env: Record<string, string> = {}): Promise<AuditFolder> {
  const audit = await demoFolder(env);
  onTestFinished(() => audit.remove());
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  return audit;
}

test("real dbt on the PATH gives the same findings as the replay", async () => {
  const real = await audited({ PATH: `${venv}:${process.env.PATH}` });
  const [run] = (await real.events()).flatMap((event) => (event.type === "run-started" ? [event.run] : []));
  expect(await real.read(`.audit/runs/${run}/summary.log.stderr`)).toContain("building with dbt");
  expect(await reportedCases(real)).toEqual(await reportedCases(await audited()));
});

test("the pattern's own command and summary table give the same cases", async () => {
  expect(await reportedCases(await auditedByTable("by dbt"))).toEqual(await reportedCases(await audited()));
});

test("the committed artifacts are what real dbt compiles now", () => {
  const args = ["scripts/demo-artifacts.mjs", "--check", "--dbt", join(venv, "dbt")];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
});
