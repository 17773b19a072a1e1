/**
 * The tasks of an audit folder as all share them: the catalogue of the last export, claims, the inbox, and tasks.json as
 * their view. For a run and for `audit-run tasks` alike; opens no warehouse and starts nothing.
 */
import { catalogueMark, type Publication, publish, readCatalogue } from "../execution/catalogue.js";
import { type Claims, openClaims } from "../execution/claims.js";
import { type Inbox, openInbox } from "../execution/inbox.js";
import { leaseClock } from "../execution/lease-clock.js";
import { lockHolder } from "../execution/lock.js";
import type { Catalogue } from "../model/claim.js";
import { createdBefore, openTaskList, type TaskListing } from "../tasks/task-list.js";
import { auditFolders } from "./run-folder.js";

export interface SharedTasks {
  readonly claims: Claims;
  readonly inbox: Inbox;
  /** As it is now; null where nothing was exported. */
  catalogue(): Promise<Catalogue | null>;
  listing(): Promise<TaskListing | null>;
  /** Puts a run's tasks in the place of those before. The caller holds run.lock. */
  publish(publication: Omit<Publication, "created">, today: string): Promise<Catalogue>;
  /** Brings tasks.json up to date. */
  refresh(): Promise<void>;
}

export async function openSharedTasks(options: {
  readonly dir: string;
  readonly now: () => Date;
  /** Of the process that runs the audit itself; null for all others. */
  readonly run: string | null;
  readonly warn: (message: string) => void;
}): Promise<SharedTasks> {
  const { dir } = options;
  const { claims: folder, tasksFile, lockFile } = auditFolders(dir, "none");
  const clock = await leaseClock(options.now);
  const runNow = async (): Promise<string | null> => options.run ?? (await lockHolder(lockFile))?.run ?? null;
  const claims = openClaims({ folder, clock, runNow });
  const inbox = openInbox(folder);

  let known: { readonly mark: string; readonly catalogue: Catalogue | null } | null = null;
  const catalogue = async (): Promise<Catalogue | null> => {
    const mark = await catalogueMark(folder);
    if (known?.mark !== mark) known = { mark, catalogue: await readCatalogue(folder) };
    return known.catalogue;
  };
  const listing = async (): Promise<TaskListing | null> => {
    const current = await catalogue();
    return current === null ? null : { catalogue: current, states: await claims.states(current.tasks) };
  };
  const list = openTaskList({ file: tasksFile, turns: folder, look: listing, warn: options.warn });

  return {
    claims,
    inbox,
    catalogue,
    listing,
    refresh: list.refresh,
    async publish(publication, today) {
      const before = await readCatalogue(folder);
      const states = before === null ? new Map() : await claims.states(before.tasks);
      const held = new Map<string, number>();
      for (const [task, { by, token }] of states) if (by === "agent" && token !== null) held.set(task, token);
      const created = before?.created ?? (await createdBefore(tasksFile)) ?? today;
      const published = await publish(folder, { ...publication, created }, before, held);
      // What was written need not be read again.
      known = { mark: await catalogueMark(folder), catalogue: published };
      await inbox.sweep();
      return published;
    },
  };
}
