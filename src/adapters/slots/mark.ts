/**
 * The folder of a slot, `<audit folder>/slots/<n>`, and the mark in it that says that this audit made it.
 * Nothing without that mark is ever deleted, and nothing outside that folder.
 */
import { lstat, mkdir, readdir, readFile, realpath, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { sha256 } from "../../model/digest.js";
import { safeNames } from "../../model/names.js";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import type { SlotContext } from "../../model/slot.js";
import { writeFileAtomic } from "../../support/files.js";

const markName = ".audit-run-slot.json";

const Mark = z.object({
  version: z.literal(1),
  audit: z.string(),
  number: z.int(),
  provider: z.string(),
  /** Only a slot that became ready can hold an agent's work. */
  state: z.enum(["creating", "ready"]),
  /** Folder in the slot → the repository it was made from, and the git tree of its first content. */
  checkouts: z.record(
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/),
    z.object({ repository: z.string(), tree: z.string().nullable() }),
  ),
});

/** Written by us, yet read as if an agent had written it: paths are never taken from it without a check. */
export type Mark = z.infer<typeof Mark>;

export function slotFolder(context: SlotContext, number: number): string {
  if (!Number.isInteger(number) || number < 1) throw new Error(`BUG: slot number ${number}`);
  return join(context.auditDir, "slots", String(number));
}

/** Repository name → name of its folder in a slot: safe and distinct, whatever the repositories are called. */
export function folderNames(context: SlotContext): ReadonlyMap<string, string> {
  return safeNames(context.repos.map((repo) => repo.name));
}

/** Failure code: slot-exists. */
export async function isFree(path: string): Promise<Result<void>> {
  if ((await lstat(path).catch(() => null)) === null) return ok(undefined);
  return failed("slot-exists", `${path} exists already, and this run did not make it`, {
    hint: "Where an earlier audit left it, `npx audit-run run cleanup` removes it; otherwise move it away yourself.",
  });
}

/** Makes the folder of a slot, for us alone, and marks it. Failure codes: slot-exists, slot-failed. */
export async function reserve(context: SlotContext, number: number, provider: string): Promise<Result<Mark>> {
  const folder = slotFolder(context, number);
  try {
    await mkdir(join(context.auditDir, "slots"), { recursive: true });
    // Not recursive: of two that make the same slot, one must fail.
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return diskFailure(folder, error);
    const free = await isFree(folder);
    return free.ok ? diskFailure(folder, error) : free;
  }
  const mark: Mark = {
    version: 1,
    audit: await auditId(context),
    number,
    provider,
    state: "creating",
    checkouts: {},
  };
  await writeMark(context, mark);
  return ok(mark);
}

export async function writeMark(context: SlotContext, mark: Mark): Promise<void> {
  await writeFileAtomic(join(slotFolder(context, mark.number), markName), `${JSON.stringify(mark, null, 2)}\n`);
}

/**
 * The mark of a slot of ours; null where there is no slot at all. Failure code: slot-failed (something is there that
 * this audit did not make, or a link stands where the folder should be).
 */
export async function readMark(context: SlotContext, number: number): Promise<Result<Mark | null>> {
  const folder = slotFolder(context, number);
  const status = await lstat(folder).catch(() => null);
  if (status === null) return ok(null);
  const foreign = failed("slot-failed", `${folder} was not made by this audit, so it is left alone`, {
    hint: "Look into it, and remove it yourself if it is not needed.",
  });
  const real = await realpath(folder).catch(() => null);
  if (!status.isDirectory() || real !== join(await realpath(context.auditDir), "slots", String(number))) return foreign;
  const text = await readFile(join(folder, markName), "utf8").catch(() => null);
  if (text === null) {
    // We died between making the folder and marking it: then it is empty, and rmdir removes nothing else.
    return rmdir(folder).then(
      () => ok(null),
      () => foreign,
    );
  }
  const mark = Mark.safeParse(parse(text));
  if (!mark.success || mark.data.number !== number || mark.data.audit !== (await auditId(context))) return foreign;
  return ok(mark.data);
}

/** Deletes all that is in a slot's folder but the mark, which must stay for as long as anything else is there. */
export async function emptySlot(context: SlotContext, number: number): Promise<Result<void>> {
  const folder = slotFolder(context, number);
  try {
    for (const entry of await readdir(folder)) {
      if (entry !== markName) await rm(join(folder, entry), { recursive: true, force: true, maxRetries: 2 });
    }
    return ok(undefined);
  } catch (error) {
    return diskFailure(folder, error);
  }
}

/** The last step: the mark, then the folder. */
export async function dropMark(context: SlotContext, number: number): Promise<Result<void>> {
  const folder = slotFolder(context, number);
  try {
    await rm(join(folder, markName), { force: true });
    await rmdir(folder);
    return ok(undefined);
  } catch (error) {
    return diskFailure(folder, error);
  }
}

export async function auditId(context: SlotContext): Promise<string> {
  return sha256(await realpath(context.auditDir)).slice(0, 16);
}

export function diskFailure(path: string, error: unknown): Result<never> {
  return failed("slot-failed", `${path}: ${error instanceof Error ? error.message : String(error)}`);
}

/** The contract knows three codes; what git or the disk says is told under one of them. */
export function asSlotFailure(result: { readonly ok: false; readonly failure: Failure }): Result<never> {
  const { failure } = result;
  if (failure.code === "aborted" || failure.code === "slot-exists" || failure.code === "slot-failed") return result;
  return { ok: false, failure: { ...failure, code: "slot-failed" } };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
