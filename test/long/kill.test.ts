// The built program is killed at every call to the system by which it changes its state, and killed again there when it
// has been started anew; the third run ends the audit.
import { afterAll, expect, test } from "vitest";
import { killPoints, surviveKills } from "../rig/kill.js";
import { failures, findings } from "../rig/recovery.js";
import { agentProgram, smallAudit } from "../rig/small-audit.js";

const audit = await smallAudit(failures);
await audit.configure({ agent: { ...(await agentProgram(audit)), slot: false } });
const whole = await audit.run();
const undisturbed = whole.exitCode === 0 ? await findings(audit) : whole;
const points = await killPoints(audit);
afterAll(() => audit.remove());

let killed = 0;
test.each(points.map(({ call, ordinal, path }) => ({ call, ordinal, path })))(
  "no finished case is asked again after $call $ordinal of $path",
  async (point) => {
    if (await surviveKills(audit, point, undisturbed, 2)) killed += 1;
  },
);

test("there were many places, and the program was killed at nearly all of them", () => {
  expect(points.length).toBeGreaterThan(60);
  expect(killed).toBeGreaterThan(0.9 * points.length);
});
