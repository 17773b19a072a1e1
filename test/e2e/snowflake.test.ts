/**
 * A small audit through the built program on the stand-in for Snowflake: what is planted is reported, and Snowflake's driver
 * leaves no file and no line of its own. The whole demo, built by dbt-snowflake: test/long/demo-snowflake.test.ts.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { reportedCases } from "../rig/reported-cases.js";
import { auditFolder, setFailures } from "../rig/small-audit.js";
import { startStandIn } from "../rig/snowflake/stand-in.js";

test("an audit reads Snowflake by its driver, which leaves nothing behind", async () => {
  const home = await mkdtemp(join(tmpdir(), "audit-run-home-"));
  const audit = await auditFolder({ HOME: home, SNOW_PASSWORD: "canary-of-snow" });
  onTestFinished(async () => {
    await audit.remove();
    await rm(home, { recursive: true });
  });
  await setFailures(audit, {
    late_bid: [
      ["VA", 3],
      ["TX", 1],
    ],
    odd_vendor: [
      ["VA", 2],
      [null, 1],
    ],
  });
  const standIn = await startStandIn({ file: join(audit.folder, "small.duckdb"), database: "SMALL" });
  onTestFinished(() => standIn.stop());
  // As dbt-snowflake would have written them: unquoted, as the models' authors spelt them.
  for (const name of ["manifest.json", "run_results.json"]) {
    const artifacts = (await audit.read(`project/target/${name}`))
      .replaceAll('"adapter_type":"duckdb"', '"adapter_type":"snowflake"')
      .replaceAll('\\"', "")
      .replaceAll(".main.", ".public.");
    await audit.write(`project/target/${name}`, artifacts);
  }
  const settings = { ...standIn.settings("SMALL", "PUBLIC"), password: `\${SNOW_PASSWORD}` };
  await audit.configure({ warehouse: { use: "snowflake", ...settings }, agent: { use: "lineage" } });
  const before = await filesIn(audit.folder);

  const end = await audit.run();
  expect(end, end.stderr).toMatchObject({ exitCode: 0 });
  const counts = Object.entries(await reportedCases(audit)).map(([id, { failures }]) => [id, failures]);
  expect(Object.fromEntries(counts)).toEqual({
    ...{ "late_bid@VA": 3, "late_bid@TX": 1, "odd_vendor@VA": 2, "odd_vendor@(null)": 1 },
  });
  expect(await filesIn(home)).toEqual([]);
  expect((await filesIn(audit.folder)).filter((file) => !file.startsWith(".audit/"))).toEqual(before);
  expect(`${end.stdout}${end.stderr}`).not.toMatch(/snowflake|aws|canary-of-snow/i);
});

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
