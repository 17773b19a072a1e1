// All that test/e2e/faults.test.ts has one of each kind of. And: every second call by which the built program changes the audit folder is refused, and all like it that follow: the disk is
// full, or broken. Whatever it is, it has a name, and the next run goes on from there.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultAt, refusing } from "../rig/faults.js";
import { copyOf, killTests } from "../rig/kill.js";
import { expectTakenUp, findings } from "../rig/recovery.js";
import { type FaultTest, faultTest, refusals, surviveClock, surviveRefusal } from "../rig/refusals.js";
import { runProgram } from "../rig/strace.js";

const { whole, remove } = await killTests();
afterAll(remove);

/** Codes of docs/cli.md: complete, incomplete, nothing was started. */
const told = [0, 3, 4];

describe("has a name, and the next run goes on from there", () => {
  let faults: FaultTest;
  beforeAll(async () => {
    faults = await faultTest();
  });
  afterAll(() => faults.remove());

  test.each(refusals)("%s", async (...refusal) => {
    await surviveRefusal(faults, refusal);
  });

  test("a clock that went ahead by ten days asks for nothing again, and is told once it is right", async () => {
    await surviveClock(faults, 10);
  });
});

describe.concurrent("is named, and nothing is lost", () => {
  test.each(whole.points.filter((_, index) => index % 2 === 0))("a refused $call $ordinal of $path", async (point) => {
    const copy = await copyOf(whole.audit);
    try {
      const fault = faultAt(point);
      const strace = refusing(copy, fault);
      const end = await runProgram(copy, { run: 1, args: ["--progress", "plain"], strace });
      expect(told, end.stderr).toContain(end.exitCode);
      expect(end.stderr).not.toContain("bug in audit-run");
      const isRefused = end.stderr.includes("(INJECTED)");
      const said = end.stderr.replaceAll(/^.*\(INJECTED\)$/gm, "") + end.stdout;
      if (end.exitCode !== 0) {
        expect(isRefused).toBe(true);
        expect(said).toMatch(/disk: |error\[|⚠ /);
        expect(said).toContain(fault.error);
      } else expect(await findings(copy)).toEqual(whole.undisturbed);
      await expectTakenUp(copy, whole.undisturbed);
    } finally {
      await copy.remove();
    }
  });
});
