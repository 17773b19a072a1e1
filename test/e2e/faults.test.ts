// The built program where the disk is full, broken or read-only, where the machine is out of means, where the clock is wrong
// and where two run at once. Each has a named outcome; nothing that was finished is lost, or paid for again.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Fault } from "../rig/faults.js";
import { copyOf } from "../rig/kill.js";
import { expectTakenUp, findings } from "../rig/recovery.js";
import { audited, type FaultTest, faultTest, refusals, surviveClock, surviveRefusal } from "../rig/refusals.js";
import type { AuditFolder } from "../rig/small-audit.js";

let faults: FaultTest;
beforeAll(async () => {
  faults = await faultTest();
});
afterAll(() => faults.remove());

let audit: AuditFolder | undefined;
afterEach(() => audit?.remove());
async function folder(after: "nothing" | "a run"): Promise<AuditFolder> {
  audit = await copyOf(after === "a run" ? faults.finished : faults.original);
  return audit;
}

const journal = ".audit/traces/journal.jsonl";

describe("has a name, and the next run goes on from there", () => {
  // One of each kind; test/long/faults.test.ts has them all.
  const some = refusals.filter(([name]) =>
    [
      "a disk that is full as a finding is noted",
      "a disk that is full from the start",
      "an fsync that fails as a finding is noted",
      "too many open files as agents are started",
      "a journal that may not be read",
    ].includes(name),
  );
  expect(some).toHaveLength(5);

  test.each(some)("%s", async (...refusal) => {
    await surviveRefusal(faults, refusal);
  });
});

test("an event log that cannot be written is told, and keeps nothing from being finished", async () => {
  const audit = await folder("nothing");
  const path = ".audit/runs/20300101-000001000/events.jsonl";
  const end = await audited(audit, 1, { calls: "write,writev", error: "ENOSPC", path });
  expect(end).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/events\.jsonl is not complete.*ENOSPC/) });
  expect(await findings(audit)).toEqual(faults.undisturbed);
});

test("a finished audit can be planned, explained and verified where nothing can be written", async () => {
  const audit = await folder("a run");
  const readOnly: Fault = { calls: "mkdir,rename,link,unlink,rmdir,fsync,fdatasync", error: "EROFS" };
  for (const args of [["plan"], ["explain", "export"], ["verify"]]) {
    expect(await audited(audit, 2, readOnly, ...args), args[0]).toMatchObject({ exitCode: 0 });
  }
  await expectTakenUp(audit, faults.undisturbed);
});

test("outputs that cannot be opened just now are not taken for lost, and not paid for again", async () => {
  const audit = await folder("a run");
  const { output } = JSON.parse((await audit.read(journal)).trim().split("\n").at(-1) ?? "") as { output: string };
  const path = `.audit/traces/objects/${output.slice(0, 2)}/${output.slice(2)}.json`;
  const config = await audit.read("audit.config.yaml");
  await audit.write("audit.config.yaml", `${config}failOn: [needs_investigation]\n`);
  const end = await audited(audit, 2, { calls: "openat", error: "EMFILE", path });
  expect(end, end.stderr).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("ulimit -n") });
  await audit.write("audit.config.yaml", config);
  await expectTakenUp(audit, faults.undisturbed);
});

test("of two that run at once one is refused within the other's time, by its number and its host", async () => {
  const audit = await folder("nothing");
  const ends = await Promise.all([1, 2, 3].map((run) => audited(audit, run)));
  expect(ends.map(({ exitCode }) => exitCode).sort()).toEqual([0, 4, 4]);
  for (const { exitCode, stderr } of ends) {
    if (exitCode === 4)
      expect(stderr).toMatch(
        /error\[state-locked\]: Process \d+ on \S+ has been running this audit since .*\n +hint: Wait/,
      );
  }
  expect(await findings(audit)).toEqual(faults.undisturbed);
  await expectTakenUp(audit, faults.undisturbed);
});

test("a clock that went back by ten days asks for nothing again, and is told", async () => {
  await surviveClock(faults, -10);
});
