/** What the disk and the system may refuse of the built program, and what becomes of each: a named end, and a next run. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { type Fault, refusing } from "./faults.js";
import { copyOf, prepared } from "./kill.js";
import { expectTakenUp, findings, finishedCases } from "./recovery.js";
import type { AuditFolder } from "./small-audit.js";
import { type ProgramEnd, runProgram } from "./strace.js";

const journal = ".audit/traces/journal.jsonl";

interface Outcome {
  readonly exitCode: number;
  readonly says: RegExp;
  /** Cases, at least. */
  readonly finished: number;
  /** In the report, which then says what is missing. */
  readonly report?: string;
}

export type Refusal = readonly [name: string, Fault, Outcome];

export const refusals: readonly Refusal[] = [
  [
    "a disk that is full as a finding is noted",
    { calls: "write", error: "ENOSPC", path: journal, from: 4 },
    { exitCode: 3, says: /disk: ENOSPC: .*journal\.jsonl'\n +Make room and run again/, finished: 1, report: "ENOSPC" },
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

export interface FaultTest {
  /** Before its first run. */
  readonly original: AuditFolder;
  /** After it; holds `.audit` as it was left. */
  readonly finished: AuditFolder;
  readonly undisturbed: unknown;
  remove(): Promise<void>;
}

export async function faultTest(): Promise<FaultTest> {
  const original = await prepared();
  const finished = await copyOf(original);
  expect(await audited(finished, 1)).toMatchObject({ exitCode: 0 });
  return {
    original,
    finished,
    undisturbed: await findings(finished),
    async remove() {
      await original.remove();
      await finished.remove();
    },
  };
}

export function audited(audit: AuditFolder, run: number, fault?: Fault, ...args: string[]): Promise<ProgramEnd> {
  const strace = fault === undefined ? {} : { strace: refusing(audit, fault) };
  return runProgram(audit, { run, args: args.length > 0 ? args : ["--progress", "plain"], ...strace });
}

export async function surviveRefusal({ original, undisturbed }: FaultTest, [, fault, outcome]: Refusal): Promise<void> {
  const audit = await copyOf(original);
  try {
    const end = await audited(audit, 1, fault);
    expect(end, end.stderr).toMatchObject({ exitCode: outcome.exitCode });
    expect(end.stderr).toMatch(outcome.says);
    expect(end.stderr).not.toContain("bug in audit-run");
    if (outcome.report !== undefined) {
      expect(end.stdout).toContain("To run what is missing: npx audit-run retry");
      expect(await audit.read(".audit/full-report.md")).toContain(outcome.report);
    }
    expect((await finishedCases(audit)).length).toBeGreaterThanOrEqual(outcome.finished);
    await expectTakenUp(audit, undisturbed);
  } finally {
    await audit.remove();
  }
}

/** A clock that was wrong by so many days, and is right again: nothing is asked twice, and who goes back is told. */
export async function surviveClock({ finished, undisturbed }: FaultTest, days: number): Promise<void> {
  const audit = await copyOf(finished);
  try {
    const prompts = async (): Promise<number> =>
      (await readdir(join(audit.folder, ".audit/runs"), { recursive: true })).filter((name) =>
        name.endsWith("prompt.md"),
      ).length;
    const before = await prompts();
    await rm(join(audit.folder, ".audit/whole-trace.json"));
    const wrong = await audited(audit, 1 + days * 86_400);
    expect(wrong, wrong.stderr).toMatchObject({ exitCode: 0 });
    await rm(join(audit.folder, ".audit/whole-trace.json"), { force: true });
    const right = await audited(audit, 2);
    expect(right).toMatchObject({ exitCode: 0 });
    const [behind, other] = days < 0 ? [wrong, right] : [right, wrong];
    expect(behind.stderr).toMatch(/the clock says \S+, and the last run began at \S+: if the clock is wrong/);
    expect(other.stderr).not.toContain("the clock says");
    expect(await prompts()).toBe(before);
    expect(await findings(audit)).toEqual(undisturbed);
  } finally {
    await audit.remove();
  }
}
