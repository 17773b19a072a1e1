// The package as npm would publish it: unpacked elsewhere, it runs its own demo, and its README leads nowhere outside.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../rig/small-audit.js";

const execute = promisify(execFile);
let folder: string;
let unpacked: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-package-"));
  // `npm test` has built dist/; building again would pull it from under other tests.
  await execute("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: root });
  const [tarball] = await readdir(folder);
  await execute("tar", ["-xzf", join(folder, tarball ?? ""), "-C", folder]);
  unpacked = join(folder, "package");
  await symlink(join(root, "node_modules"), join(unpacked, "node_modules"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("the published package runs the demo that is in it", async () => {
  const { PATH, HOME } = process.env;
  const options = { cwd: unpacked, env: { PATH, HOME } };
  const { stdout } = await execute(process.execPath, ["dist/cli.js", "--state", "VA", "--progress", "silent"], options);
  expect(stdout).toContain("Report: .audit/full-report.md");
  expect(await readFile(join(unpacked, ".audit/results/VA.md"), "utf8")).toContain("# State: VA");
});

test("the published package has every file that its README links to, and none of what a run leaves", async () => {
  const readme = await readFile(join(unpacked, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
  expect(links.filter((link) => !existsSync(join(unpacked, link)))).toEqual([]);
  const packed = await execute("tar", ["-tzf", join(folder, (await readdir(folder)).find(isTarball) ?? "")]);
  const left = packed.stdout.split("\n").filter((path) => /\/(target|\.data|\.audit|logs|src|test)\//.test(path));
  expect(left).toEqual([]);
});

function isTarball(name: string): boolean {
  return name.endsWith(".tgz");
}
