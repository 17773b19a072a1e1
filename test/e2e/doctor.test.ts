/** The built program looks at a real database, git and an agent's program that is not there. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type AuditFolder, smallAudit } from "../rig/small-audit.js";

let audit: AuditFolder;
afterEach(() => audit.remove());

test("the doctor says what is there and what is not, and leaves nothing behind", async () => {
  audit = await smallAudit({ late: [["VA", 2]] }, { agent: { use: "claude", program: "no-such-claude" } });
  const before = await readdir(audit.folder, { recursive: true });
  const ended = await audit.run("doctor", "--json");
  const { exitCode, checks } = JSON.parse(ended.stdout);
  const said = checks.map(({ check, level, message }: Record<string, string>) => `${level} ${check}: ${message}`);
  expect([ended.exitCode, exitCode], ended.stderr).toEqual([4, 4]);
  expect(said).toContain("ok warehouse: duckdb opens and answers");
  expect(said).toContain("ok warehouse: 2 relations of the manifest are there");
  expect(said).toContain('problem agent: the agent\'s program "no-such-claude" was not found');
  expect(await readdir(audit.folder, { recursive: true })).toEqual(before);

  await audit.configure();
  const text = await audit.run("doctor");
  expect([text.exitCode, text.stderr]).toEqual([0, ""]);
  expect(text.stdout).toMatch(/^ok {7}agent {6}lineage is built in, and needs no model$/m);
  expect(await readdir(join(audit.folder))).not.toContain(".audit");
});
