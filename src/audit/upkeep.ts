/**
 * Looks after an audit folder outside of runs: is everything as it was written, and what may go. Needs the config for
 * the folder's place alone.
 */
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { takeFolder } from "../execution/hold.js";
import { checkLock } from "../execution/lock.js";
import { removeAudit } from "../execution/remove-audit.js";
import { pruneRuns } from "../execution/runs.js";
import { dropDamage, type Verification, verifyTraces } from "../execution/verify.js";
import { exists } from "../support/files.js";
import { exitCodes } from "./exit-codes.js";
import { type AuditRequest, loadSettings, type Refusal, type Registries, refusal } from "./load.js";
import { endViews } from "./open.js";
import { auditFolders } from "./run-folder.js";

export interface Verified extends Verification {
  /** The audit folder, absolute. */
  readonly folder: string;
}

/** Refuses while a run is under way: what it is writing would look damaged. */
export async function verifyAudit(
  request: AuditRequest,
  registries: Registries,
): Promise<Refusal | { readonly exitCode: number; readonly verified: Verified }> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) return loaded;
  const { dir } = loaded.config;
  const folders = auditFolders(dir, "none");
  const free = await checkLock(folders.lockFile);
  if (!free.ok) return refusal(exitCodes.preflight, free.failure);
  const verification = await verifyTraces(folders.traces);
  if (!verification.ok) return refusal(exitCodes.preflight, verification.failure);
  const exitCode = verification.value.damage.length === 0 ? exitCodes.complete : exitCodes.incomplete;
  return { exitCode, verified: { folder: dir, ...verification.value } };
}

export interface Cleaned {
  /** The audit folder, absolute. */
  readonly folder: string;
  /** Runs whose folders were removed; with `all`, none is counted. */
  readonly runs: readonly string[];
  /** What was damaged in traces/, and is dropped, one message each. */
  readonly dropped: readonly string[];
  /** With `all`: names that are still in the folder. */
  readonly left: readonly string[];
  /** What a run that was killed had left running, one message each. */
  readonly warnings: readonly string[];
}

/** Refuses while a run is under way. @param all everything that is of the audit, not only what nobody needs. */
export async function cleanAudit(
  request: AuditRequest,
  registries: Registries,
  all: boolean,
): Promise<Refusal | { readonly cleaned: Cleaned }> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) return loaded;
  const { dir } = loaded.config;
  if (!(await exists(dir))) return { cleaned: { folder: dir, runs: [], dropped: [], left: [], warnings: [] } };
  const hold = await takeFolder(dir, request.now);
  if (!hold.ok) return refusal(exitCodes.preflight, hold.failure);
  const { giveBack } = hold.value;
  try {
    const warnings = [...hold.value.warnings, ...(await endViews(dir, registries, request.env))];
    if (all) return { cleaned: { folder: dir, runs: [], dropped: [], left: await removeAudit(dir), warnings } };
    const dropped = await dropDamage(join(dir, "traces"));
    if (!dropped.ok) return refusal(exitCodes.preflight, dropped.failure);
    const runs = await pruneRuns(dir, request.now());
    return { cleaned: { folder: dir, runs, dropped: dropped.value, left: [], warnings } };
  } finally {
    await giveBack();
    // Only where nothing is left in it.
    if (all) await rmdir(dir).catch(() => undefined);
  }
}
