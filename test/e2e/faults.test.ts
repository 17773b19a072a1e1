// The built program where the disk is full, broken or read-only, where the machine is out of means, where the clock is wrong
// and where two run at once. Each has a named outcome; nothing that was finished is lost, or paid for again.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Fault, refusing } from "../rig/faults.js";
import { copyOf, prepared } from "../rig/kill.js";
import { expectTakenUp, findings, finishedCases } from "../rig/recovery.js";
import type { AuditFolder } from "../rig/small-audit.js";
import { type ProgramEnd, runProgram } from "../rig/strace.js";

let original: AuditFolder;
let audit: AuditFolder;
let undisturbed: unknown;
beforeAll(async () => {
  original = await prepared();
  audit = await copyOf(original);
  expect(await audited(1)).toMatchObject({ exitCode: 0 });
  undisturbed = await findings(audit);
  await audit.remove();
});
afterAll(() => original.remove());
beforeEach(async () => {
  audit = await copyOf(original);
});
afterEach(() => audit.remove());

function audited(run: number, fault?: Fault, ...args: string[]): Promise<ProgramEnd> {
  const strace = fault === undefined ? {} : { strace: refusing(audit, fault) };
  return runProgram(audit, { run, args: args.length > 0 ? args : ["--progress", "plain"], ...strace });
}

const journal = ".audit/traces/journal.jsonl";

interface Outcome {
  readonly exitCode: number;
  readonly says: RegExp;
  /** Cases, at least. */
  readonly finished: number;
}

const refused: readonly (readonly [string, Fault, Outcome])[] = [
  [
    "a disk that is full as a finding is noted",
    { calls: "write", error: "ENOSPC", path: journal, from: 4 },
    { exitCode: 3, says: /disk: ENOSPC: .*journal\.jsonl'\n +Make room and run again/, finished: 1 },
  ],
  [
    "a disk that is full as an output is named",
    { calls: "rename", error: "ENOSPC", from: 11 },
    { exitCode: 3, says: /disk: ENOSPC: .*\n +Make room and run again/, finished: 1 },
  ],
  [
    "a disk that is full from the start",
    { calls: "mkdir", error: "ENOSPC" },
    { exitCode: 4, says: /error\[disk\]: the audit folder .* cannot be written: ENOSPC.*\n +hint: /, finished: 0 },
  ],
  [
    "a disk that is full as the lock is taken",
    { calls: "link", error: "ENOSPC" },
    { exitCode: 4, says: /error\[disk\]: ENOSPC.*run\.lock.*\n +hint: Make room/, finished: 0 },
  ],
  [
    "an fsync that fails as a finding is noted",
    { calls: "fdatasync", error: "EIO", path: journal, from: 5 },
    { exitCode: 3, says: /disk: EIO: .*journal\.jsonl'\n +Run again when it is mended/, finished: 1 },
  ],
  [
    "fsyncs that fail from the start",
    { calls: "fsync,fdatasync", error: "EIO" },
    { exitCode: 4, says: /error\[disk\]: the audit folder .* cannot be written: EIO/, finished: 0 },
  ],
  [
    "too many open files as agents are started",
    { calls: "socketpair", error: "EMFILE" },
    { exitCode: 3, says: /could not be started: .*\(EMFILE\)\n +Lower slots\.count, or raise the limit/, finished: 0 },
  ],
  [
    "a folder that is read-only",
    { calls: "mkdir,rename,link,unlink", error: "EROFS" },
    {
      exitCode: 4,
      says: /error\[disk\]: the audit folder .* cannot be written: EROFS.*\n +hint: Move it/,
      finished: 0,
    },
  ],
  [
    "a journal that may not be read",
    { calls: "openat", error: "EACCES", path: journal },
    {
      exitCode: 4,
      says: /error\[state-unreadable\]: .*journal\.jsonl cannot be read: EACCES.*\n +hint: /,
      finished: 0,
    },
  ],
];

describe("has a name, and the next run goes on from there", () => {
  test.each(refused)("%s", async (_, fault, { exitCode, says, finished }) => {
    const end = await audited(1, fault);
    expect(end, end.stderr).toMatchObject({ exitCode });
    expect(end.stderr).toMatch(says);
    expect(end.stderr).not.toContain("bug in audit-run");
    expect((await finishedCases(audit)).length).toBeGreaterThanOrEqual(finished);
    await expectTakenUp(audit, undisturbed);
  });
});

test("a full disk says in the report what is missing, and why", async () => {
  const end = await audited(1, { calls: "write", error: "ENOSPC", path: journal, from: 4 });
  expect(end.stdout).toContain("To run what is missing: npx audit-run retry");
  expect(await audit.read(".audit/full-report.md")).toContain("ENOSPC");
});

test("an event log that cannot be written is told, and keeps nothing from being finished", async () => {
  const path = ".audit/runs/20300101-000001000/events.jsonl";
  const end = await audited(1, { calls: "write,writev", error: "ENOSPC", path });
  expect(end).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/events\.jsonl is not complete.*ENOSPC/) });
  expect(await findings(audit)).toEqual(undisturbed);
});

test("a finished audit can be planned, explained and verified where nothing can be written", async () => {
  expect(await audited(1)).toMatchObject({ exitCode: 0 });
  const readOnly: Fault = { calls: "mkdir,rename,link,unlink,rmdir,fsync,fdatasync", error: "EROFS" };
  for (const args of [["plan"], ["explain", "export"], ["verify"]]) {
    expect(await audited(2, readOnly, ...args), args[0]).toMatchObject({ exitCode: 0 });
  }
  await expectTakenUp(audit, undisturbed);
});

test("outputs that cannot be opened just now are not taken for lost, and not paid for again", async () => {
  expect(await audited(1)).toMatchObject({ exitCode: 0 });
  const { output } = JSON.parse((await audit.read(journal)).trim().split("\n").at(-1) ?? "") as { output: string };
  const path = `.audit/traces/objects/${output.slice(0, 2)}/${output.slice(2)}.json`;
  const config = await audit.read("audit.config.yaml");
  await audit.write("audit.config.yaml", `${config}failOn: [needs_investigation]\n`);
  const end = await audited(2, { calls: "openat", error: "EMFILE", path });
  expect(end, end.stderr).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("ulimit -n") });
  await audit.write("audit.config.yaml", config);
  await expectTakenUp(audit, undisturbed);
});

test("of two that run at once one is refused within the other's time, by its number and its host", async () => {
  const ends = await Promise.all([1, 2, 3].map((run) => audited(run)));
  expect(ends.map(({ exitCode }) => exitCode).sort()).toEqual([0, 4, 4]);
  for (const { exitCode, stderr } of ends) {
    if (exitCode === 4)
      expect(stderr).toMatch(
        /error\[state-locked\]: Process \d+ on \S+ has been running this audit since .*\n +hint: Wait/,
      );
  }
  expect(await findings(audit)).toEqual(undisturbed);
  await expectTakenUp(audit, undisturbed);
});

describe("a clock that is wrong", () => {
  test.each([-10, 10])("by %d days asks for nothing again, and is told once it goes back", async (days) => {
    expect(await audited(1)).toMatchObject({ exitCode: 0 });
    const prompts = async (): Promise<number> =>
      (await readdir(join(audit.folder, ".audit/runs"), { recursive: true })).filter((name) =>
        name.endsWith("prompt.md"),
      ).length;
    const before = await prompts();
    await rm(join(audit.folder, ".audit/whole-trace.json"));
    const wrong = await audited(1 + days * 86_400);
    expect(wrong, wrong.stderr).toMatchObject({ exitCode: 0 });
    await rm(join(audit.folder, ".audit/whole-trace.json"), { force: true });
    const right = await audited(2);
    expect(right).toMatchObject({ exitCode: 0 });
    const [behind, other] = days < 0 ? [wrong, right] : [right, wrong];
    expect(behind.stderr).toMatch(/the clock says \S+, and the last run began at \S+: if the clock is wrong/);
    expect(other.stderr).not.toContain("the clock says");
    expect(await prompts()).toBe(before);
    expect(await findings(audit)).toEqual(undisturbed);
  });
});
