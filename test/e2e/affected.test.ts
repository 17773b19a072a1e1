/** What a change of files would investigate again; with real git. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { coarseParts } from "../../src/audit/coarse.js";
import { auditedDemo } from "../rig/prepared.js";
import type { AuditFolder } from "../rig/small-audit.js";

const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd, stdio: "pipe" }).toString();

let demo: AuditFolder;
beforeAll(async () => {
  demo = await auditedDemo();
  git(demo.folder, "init", "-q");
  git(demo.folder, "add", "examples", "audit.config.yaml", "audit.exceptions.yaml");
  git(demo.folder, "commit", "-qm", "one");
});
afterAll(() => demo.remove());

const cases = async () =>
  JSON.parse((await demo.run("affected", "--base", "HEAD", "--json")).stdout).cases as {
    case: string;
    files: string[];
  }[];

test("a change of a model affects the tests downstream of it, and no others", async () => {
  expect(await cases()).toEqual([]);
  const model = "examples/dot-bids/models/staging/stg_vendors.sql";
  await demo.write(model, `${await demo.read(model)}\n-- edited\n`);
  const affected = await cases();
  expect(affected.map((item) => item.case)).toContain("not_null_stg_vendors_vendor_name@IL");
  expect(affected.map((item) => item.case)).toContain("not_null_fct_bids_vendor_name@FL");
  expect(affected.map((item) => item.case)).not.toContain("duplicate_identifier@VA");
  for (const { files } of affected) expect(files).toEqual(["models/staging/stg_vendors.sql"]);
  expect((await demo.run("affected", "--base", "HEAD")).stdout).toMatch(
    /1 file of the dbt project changed since HEAD: \d+ of 50 cases would/,
  );
  git(demo.folder, "checkout", "-q", "--", ".");
});

test("a change of a macro affects who calls it; one outside of the project nobody", async () => {
  await demo.write("examples/dot-bids/macros/money.sql", `${await demo.read("examples/dot-bids/macros/money.sql")}\n`);
  await demo.write("audit.exceptions.yaml", "# edited\n");
  const affected = (await cases()).map((item) => item.case);
  expect(affected).toContain("not_null_stg_line_items_ext_total@LA");
  expect(affected).not.toContain("not_null_stg_vendors_vendor_name@IL");
  git(demo.folder, "checkout", "-q", "--", ".");
});

test("a revision that is none is an error with git's own words", async () => {
  expect(await demo.run("affected", "--base", "nosuch")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("nosuch"),
  });
  expect(await demo.run("affected", "--base", "--output=x")).toMatchObject({ exitCode: 2 });
});

test("without a manifest every file of the project counts, committed or not, and nothing beside it", async () => {
  const root = await mkdtemp(join(tmpdir(), "audit-run-coarse-"));
  const project = join(root, "dbt");
  await mkdir(project);
  const write = (path: string, text: string) => writeFile(join(root, path), text);
  expect(await coarseParts(project)).toEqual({});
  await write("dbt/a.sql", "1");
  git(root, "init", "-q");
  git(root, "add", ".");
  git(root, "commit", "-qm", "one");
  const first = await coarseParts(project);
  await write("beside.txt", "x");
  expect(await coarseParts(project)).toEqual(first);
  await write("dbt/a.sql", "2");
  const edited = await coarseParts(project);
  expect(edited).not.toEqual(first);
  await write("dbt/a.sql", "1");
  expect(await coarseParts(project)).toEqual(first);
  await write("dbt/new.sql", "1");
  const added = await coarseParts(project);
  expect(added).not.toEqual(first);
  await write("dbt/new.sql", "2");
  expect(await coarseParts(project)).not.toEqual(added);
  await rm(root, { recursive: true });
});
