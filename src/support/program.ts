/** Whether a program is there, as the shell would find it. Runs nothing of it. */
import { ok, type Result } from "../model/result.js";
import { runProcess } from "./process.js";

export interface ProgramPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Its path, or what the shell calls it; null where it is not there. */
export async function findProgram(program: string, { cwd, env, signal }: ProgramPlace): Promise<Result<string | null>> {
  const found = await runProcess({
    command: ["sh", "-c", 'command -v -- "$1"', "sh", program],
    ...{ purpose: "setup", cwd, env },
    ...(signal === undefined ? {} : { signal }),
  });
  if (!found.ok) return found;
  // Where it was stopped nothing is known: whoever calls the program will find out.
  if (found.value.exitCode !== 0 && found.value.reason === "exited") return ok(null);
  return ok(found.value.stdout.head.toString("utf8").trim());
}

/** The first word of a command, if that is plainly a program: what else a shell may make of a text is not ours to guess. */
export function programOf(command: string | readonly string[]): string | null {
  const text = typeof command === "string" ? /^\s*([\w./+-]+)(?=\s|$)/.exec(command)?.[1] : command[0];
  return text ?? null;
}
