/**
 * The contract of a slot provider: an isolated checkout, numbered from 1.
 */
import type { z } from "zod";
import type { Result } from "./result.js";

export interface SlotRepo {
  readonly name: string;
  /** Absolute root of the repository in the user's own tree. */
  readonly path: string;
  /** Folders that git ignores but an agent needs, such as dbt_packages and compiled SQL. A missing one is no failure. */
  readonly provision: readonly Provision[];
}

export interface Provision {
  /** Absolute folder. */
  readonly from: string;
  /** Where it belongs, relative to the repository's root. */
  readonly to: string;
}

/** An isolated checkout. */
export interface Slot {
  readonly number: number;
  /** Repository name → absolute path of its checkout in this slot. */
  readonly paths: Readonly<Record<string, string>>;
}

export interface SlotProvider {
  readonly id: string;
  /**
   * Where slot `number` will be; known before it is made, so that the ledger can be written first.
   */
  locate(number: number): Slot;
  /** Whether slot `number` could be made, without making it; for preflight. Failure codes: slot-exists, slot-failed. */
  check(number: number): Promise<Result<void>>;
  /** Failure codes: slot-exists (something is there that this audit did not make), slot-failed, aborted. */
  create(number: number, signal: AbortSignal): Promise<Result<Slot>>;
  /**
   * Removes a slot that this audit made. What an agent changed in it is first written as a patch into `archiveDir`;
   * resolves to that file's path, or null where the slot was clean. Removing what is gone already is no failure.
   */
  remove(slot: Slot, archiveDir: string): Promise<Result<string | null>>;
}

export interface SlotContext {
  /** Unique to the audit folder: part of default slot paths. */
  readonly auditDir: string;
  readonly repos: readonly SlotRepo[];
  /** Absolute files and folders that no slot may hold, such as the warehouse's own file. They need not exist. */
  readonly excludes: readonly string[];
}

export interface Lease {
  readonly slot: Slot;
  /** What the agent changed is archived, and the slot is removed. Resolves to the archive's path, if there is one. */
  release(): Promise<Result<string | null>>;
}

export interface SlotPool {
  /** A fresh slot. At most `count` leases are open at a time: the pool `slots` sees to that. */
  lease(signal: AbortSignal): Promise<Result<Lease>>;
  /** Removes all slots in the ledger, a dead run's too. Resolves to what could not be removed. */
  clear(): Promise<readonly { readonly slot: Slot; readonly message: string }[]>;
}

/** One file in adapters/slots, one line in its index. */
export interface SlotAdapter<Settings = unknown> {
  readonly id: string;
  readonly settings: z.ZodType<Settings>;
  /** Makes no slot yet. Failure code: slot-failed (a repository that this provider cannot copy). */
  create(settings: Settings, context: SlotContext): Promise<Result<SlotProvider>>;
}
