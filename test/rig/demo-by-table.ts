/** The demo as the pattern has it: the tests have run, and real dbt builds the summary table, from which cases are read. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { type AuditFolder, demoFolder, root } from "./small-audit.js";

const dbt = join(root, ".test-tools/venv/bin/dbt");

/**
 * After a run with these arguments, in which dbt has left nothing in the user's folders but what is its to write. The tests
 * were run by dbt as well, or by the replay (a quarter of the time).
 */
export async function auditedByTable(tests: "by dbt" | "by replay", ...args: string[]): Promise<AuditFolder> {
  if (!existsSync(dbt)) throw new Error("no dbt in .test-tools/venv; run npm test");
  const home = await mkdtemp(join(tmpdir(), "audit-run-home-"));
  const audit = await demoFolder({ HOME: home });
  onTestFinished(async () => {
    await audit.remove();
    await rm(home, { recursive: true });
  });
  const project = join(audit.folder, "examples/dot-bids");
  // The tests have run, and stored their failures; dbt says so with 1.
  const how = tests === "by dbt" ? ["--dbt", dbt] : ["--replay"];
  expect(spawnSync(process.execPath, ["build.mjs", ...how], { cwd: project }).status).toBe(1);
  const before = await audit.read("examples/dot-bids/target/run_results.json");
  const config = parse(await audit.read("audit.config.yaml"));
  config.repos.dbt.command = dbt;
  const profiles = join(home, ".dbt");
  await mkdir(profiles);
  await rename(join(project, "profiles.yml"), join(profiles, "profiles.yml"));
  config.repos.dbt.profilesDir = profiles;
  delete config.summary;
  await audit.write("audit.config.yaml", stringify(config));

  const files = await filesIn(audit.folder);
  const end = await audit.run(...args);
  expect(end, end.stderr).toMatchObject({ exitCode: 0 });
  expect(await filesIn(audit.folder), "in the user's folders").toEqual(files);
  // Where it tells of its usage, dbt keeps a number for its user in .user.yml beside profiles.yml.
  expect(await filesIn(home), "in the user's home").toEqual([".dbt/profiles.yml"]);
  const [run] = (await audit.events()).flatMap((event) => (event.type === "run-started" ? [event.run] : []));
  expect(await audit.read(`.audit/runs/${run}/summary.log`)).toContain("marts_test_failures_summary");
  expect(await audit.read("examples/dot-bids/target/run_results.json"), "the tests' own artifacts").toBe(before);
  return audit;
}

/** Files below a folder, but for those of the audit folder. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(".audit/"))
    .sort();
}
