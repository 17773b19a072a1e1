/** The built program on the newer versions of Node that the package names; the demo, start to report. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { demoFolder, root } from "../rig/small-audit.js";

test.each(["22", "24", "26"])("the demo audit runs on Node %s", async (version) => {
  const audit = await demoFolder();
  const { PATH, HOME } = process.env;
  const args = ["-y", "-p", `node@${version}`, "node", join(root, "dist/cli.js"), "--json"];
  const end = spawnSync("npx", args, { cwd: audit.folder, env: { PATH, HOME }, encoding: "utf8" });
  expect(end.status, end.stderr).toBe(0);
  expect(JSON.parse(end.stdout).totals).toMatchObject({ known_exception: 1 });
  const used = spawnSync("npx", [...args.slice(0, 4), "--version"], { env: { PATH, HOME }, encoding: "utf8" });
  expect(used.stdout).toMatch(new RegExp(`^v${version}\\.`));
  await audit.remove();
});
