/**
 * Audit folders that many tests start from. Whichever test needs one first makes it, by the built program as a user would;
 * every test gets a copy of its own.
 */
import { constants, existsSync } from "node:fs";
import { cp, mkdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setInterval } from "node:timers/promises";
import { expect, inject } from "vitest";
import { failures } from "./recovery.js";
import { type AuditFolder, agentProgram, auditFolder, demoFolder, type Failures, smallAudit } from "./small-audit.js";

/** A copy of the folder of that name, which `make` makes if nobody has done so. Its program is given `env`. */
export async function preparedAudit(
  name: string,
  make: () => Promise<AuditFolder>,
  env: Readonly<Record<string, string>> = {},
): Promise<AuditFolder> {
  const folder = await preparedFolder(name, make);
  const audit = await auditFolder(env);
  await cp(folder, audit.folder, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
  // It is of the files where the audit was made.
  await rm(join(audit.folder, ".audit/whole-trace.json"), { force: true });
  return audit;
}

/** The demo after its first run. */
export function auditedDemo(env: Readonly<Record<string, string>> = {}): Promise<AuditFolder> {
  const make = async (): Promise<AuditFolder> => {
    const demo = await demoFolder();
    const end = await demo.run();
    expect(end, end.stderr).toMatchObject({ exitCode: 0 });
    return demo;
  };
  return preparedAudit("demo", make, env);
}

/** A small audit with an agent that answers each case, after `command`: `[]` is a whole run. */
export function smallAuditAfter(command: readonly string[], of: Failures = failures): Promise<AuditFolder> {
  const make = async (): Promise<AuditFolder> => {
    const audit = await smallAudit(of);
    await audit.configure({ agent: { ...(await agentProgram(audit)), slot: false } });
    const end = await audit.run(...command);
    expect(end, end.stderr).toMatchObject({ exitCode: 0 });
    return audit;
  };
  const name = [...command, ...Object.entries(of).flatMap(([test, groups]) => [test, ...groups.flat()])].join("-");
  return preparedAudit(`small-${name}`, make);
}

/** Tests of several files need it at the same time, in processes of their own: one makes it, the others wait. */
async function preparedFolder(name: string, make: () => Promise<AuditFolder>): Promise<string> {
  const folder = join(inject("session"), name);
  const isMine = (): Promise<boolean> => mkdir(`${folder}.making`).then(() => true, ifThere);
  for await (const _ of setInterval(20)) {
    if (existsSync(folder)) break;
    if (!(await isMine())) continue;
    try {
      if (!existsSync(folder)) await rename((await make()).folder, folder);
    } finally {
      await rmdir(`${folder}.making`);
    }
  }
  return folder;
}

function ifThere(error: NodeJS.ErrnoException): false {
  if (error.code !== "EEXIST") throw error;
  return false;
}
