/**
 * A temporary folder for one run of a program, gone with it: they unpack libraries there, megabytes a run, keep their tools'
 * answers, and leave it all. Knows no program.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Env = Readonly<Record<string, string>>;

export async function withTemporaryFolder<Value>(env: Env, work: (env: Env) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(env.TMPDIR ?? tmpdir(), "audit-run-agent-"));
  try {
    // claude takes a folder of its own name, whatever TMPDIR is.
    return await work({ ...env, TMPDIR: folder, CLAUDE_CODE_TMPDIR: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
