// The built program is killed at a handful of the places where it changes its state; test/long/kill.test.ts tries them all.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type KillPoint, surviveKills } from "../rig/kill.js";
import { failures, findings } from "../rig/recovery.js";
import { type AuditFolder, agentProgram, smallAudit } from "../rig/small-audit.js";

let audit: AuditFolder;
let undisturbed: unknown;
beforeAll(async () => {
  audit = await smallAudit(failures);
  await audit.configure({ agent: { ...(await agentProgram(audit)), slot: false } });
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  undisturbed = await findings(audit);
});
afterAll(() => audit.remove());

const journal = ".audit/traces/journal.jsonl";
const points: readonly KillPoint[] = [
  { call: "fsync", ordinal: 4, path: null },
  { call: "write", ordinal: 2, path: journal },
  { call: "fdatasync", ordinal: 3, path: journal },
  { call: "write", ordinal: 4, path: journal },
  { call: "rename", ordinal: 12, path: null },
  { call: "unlink", ordinal: 1, path: null },
];

test.each(points)("a run that is killed at $call $ordinal of $path is taken up where it was", async (point) => {
  expect(await surviveKills(audit, point, undisturbed, 1)).toBe(true);
});
