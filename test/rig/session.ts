/** Set up once for a whole call of vitest: the folder in which test/rig/prepared.ts keeps what tests of several files start from. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    session: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const session = await mkdtemp(join(tmpdir(), "audit-run-session-"));
  project.provide("session", session);
  return () => rm(session, { recursive: true, force: true });
}
