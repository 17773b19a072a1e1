// The audit folder is damaged at random, ten times; test/long/damage.test.ts does it two hundred times.
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { surviveDamage } from "../rig/damage.js";
import { failures, findings } from "../rig/recovery.js";
import { type AuditFolder, agentProgram, smallAudit } from "../rig/small-audit.js";

let audit: AuditFolder;
let undisturbed: unknown;
beforeAll(async () => {
  audit = await smallAudit(failures);
  await audit.configure({ agent: { ...(await agentProgram(audit)), slot: false } });
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  undisturbed = await findings(audit);
  await rename(join(audit.folder, ".audit"), join(audit.folder, "kept"));
});
afterAll(() => audit.remove());

test.each(Array.from({ length: 5 }, (_, seed) => seed))("damage %d is noticed or changes nothing", async (seed) => {
  await surviveDamage(audit, seed, undisturbed);
});
