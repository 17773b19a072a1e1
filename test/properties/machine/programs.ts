/**
 * `src/support/process.ts`, `program.ts` and `git.ts` for the oracle: programs that are functions of the test's.
 * Real processes and real git are the matter of test/support and test/e2e.
 */
import { failed, ok, type Result } from "../../../src/model/result.js";
import type { ProcessEnd, ProcessOptions } from "../../../src/support/process.js";
import type { ShellOutput } from "../../../src/support/shell.js";

interface Programs {
  /** Exit code; null: it was ended by the signal. */
  readonly run: (options: ProcessOptions) => Promise<number | null>;
  /** What git prints; null where this is no repository. */
  readonly git: (args: readonly string[]) => string | null;
}

let programs: Programs | null = null;

export function installPrograms(installed: Programs): void {
  programs = installed;
}

const nothing = { head: Buffer.alloc(0), tail: Buffer.alloc(0), bytes: 0, complete: true };

export const capturedText = (): string => "";

export async function runProcess(options: ProcessOptions): Promise<Result<ProcessEnd>> {
  const exitCode = (await programs?.run(options)) ?? null;
  return ok({
    exitCode,
    signal: exitCode === null ? "SIGTERM" : null,
    reason: exitCode === null ? "aborted" : "exited",
    stdout: nothing,
    stderr: nothing,
    duration: 0,
  });
}

export const programOf = (command: string | readonly string[]): string | null =>
  (typeof command === "string" ? command.split(" ")[0] : command[0]) ?? null;

export const findProgram = async (program: string): Promise<Result<string | null>> => ok(program);

export async function git(_cwd: string, args: readonly string[]): Promise<Result<ShellOutput>> {
  const stdout = programs?.git(args) ?? null;
  if (stdout === null) return failed("slot-failed", "this is no repository");
  return ok({ stdout, stderr: "", exitCode: 0 } as unknown as ShellOutput);
}
