/**
 * What agents may do with an audit's tasks that it has not started: list, claim, prolong, give back. Opens no warehouse;
 * handing in is in complete.ts. The same for the command line and for tools (tool-sharing.ts).
 */

import type { Fence, Held } from "../execution/claims.js";
import { readTraceStore } from "../execution/traces.js";
import type { Catalogue, ClaimEnd, PublishedTask, PublishedTest, TaskState } from "../model/claim.js";
import { type CategoryConfig, type Config, longestLease } from "../model/config.js";
import { failed, ok, type Result } from "../model/result.js";
import type { TaskEntry } from "../model/task.js";
import { taskEntries } from "../tasks/task-list.js";
import { auditFolders } from "./run-folder.js";
import { openSharedTasks, type SharedTasks } from "./shared-tasks.js";

export type { Fence } from "../execution/claims.js";

export interface ListedTask extends TaskEntry {
  /** The task's own id, as `claim` takes it. */
  readonly task: string;
  /** When its holder's lease ends (ISO); null where nobody holds it, or audit-run itself does. */
  readonly until: string | null;
}

/** What a claim gives to its agent. */
export interface ClaimedTask {
  /** Its number in tasks.json. */
  readonly id: number;
  readonly task: string;
  readonly token: number;
  readonly owner: string;
  /** ISO. */
  readonly until: string | null;
  readonly state: string;
  /** Those that need a finding. */
  readonly cases: readonly ClaimedCase[];
  readonly categories: readonly Pick<CategoryConfig, "id" | "meaning" | "action">[];
}

export interface ClaimedCase extends PublishedTest {
  readonly test: string;
  readonly group: string;
  readonly failures: number;
  readonly rows: number;
}

export interface Coordination {
  readonly shared: SharedTasks;
  list(): Promise<
    Result<{ readonly project: string; readonly created: string; readonly tasks: readonly ListedTask[] }>
  >;
  /** The task that `claim` would take now; null where there is none. */
  next(): Promise<Result<ListedTask | null>>;
  /** Null where nothing is left to claim, or the named task is not free. `lease` in milliseconds. */
  claim(request: {
    readonly owner: string;
    readonly lease: number;
    readonly task?: string;
  }): Promise<Result<ClaimedTask | null>>;
  heartbeat(request: TokenRequest & { readonly lease?: number }): Promise<Result<Held<{ readonly until: string }>>>;
  release(request: TokenRequest): Promise<Result<Held<{ readonly owner: string }>>>;
  /** As `release`, and for who knows that all the task's findings are kept. */
  end(request: TokenRequest, how: ClaimEnd): Promise<Result<Held<{ readonly owner: string }>>>;
}

/** A task by its id or its number in tasks.json, and the right to it. */
export interface TokenRequest {
  readonly task: string;
  readonly token: number;
  readonly owner?: string;
}

/** Failure codes of what it gives: nothing-exported, usage (no such task). */
export async function openCoordination(
  config: Config,
  now: () => Date,
  warn: (message: string) => void,
): Promise<Coordination> {
  const shared = await openSharedTasks({ dir: config.dir, now, run: null, warn });
  const { claims } = shared;

  const current = async (): Promise<Result<Catalogue>> => {
    const catalogue = await shared.catalogue();
    return catalogue === null ? nothingExported(config) : ok(catalogue);
  };

  /** Claims, and looks whether the tasks are still those: a run may have exported others meanwhile. */
  const claim: Coordination["claim"] = async ({ owner, lease, task: wanted }) => {
    const refused = ownerRefusal(owner) ?? leaseRefusal(lease);
    if (refused !== null) return refused;
    for (;;) {
      const catalogue = await current();
      if (!catalogue.ok) return catalogue;
      const { edition, tasks } = catalogue.value;
      const named = wanted === undefined ? null : taskNamed(catalogue.value, wanted);
      if (named !== null && !named.ok) return named;
      const candidates = named === null ? inOrder(catalogue.value) : [named.value];
      const claimant = { by: "agent", owner, lease } as const;
      const claimed = await claims.claim(candidates, claimant, { edition, failedToo: named !== null });
      if (claimed === null) return ok(null);
      const now = await current();
      if (!now.ok) return now;
      const task = now.value.tasks.find(({ id }) => id === claimed.task);
      const before = tasks.find(({ id }) => id === claimed.task);
      if (task === undefined || (await claims.check(task, claimed.token)).held === false) {
        if (before !== undefined) await claims.end(before, claimed.token, "released");
        continue;
      }
      await shared.refresh();
      const { token, until } = claimed;
      return ok({ ...(await describe(task, now.value, config)), token, owner, until });
    }
  };

  const withTask = async <Value>(
    { task: wanted }: TokenRequest,
    work: (task: PublishedTask) => Promise<Value>,
  ): Promise<Result<Value>> => {
    const catalogue = await current();
    if (!catalogue.ok) return catalogue;
    const task = taskNamed(catalogue.value, wanted);
    if (!task.ok) return task;
    const value = await work(task.value);
    await shared.refresh();
    return ok(value);
  };

  const end: Coordination["end"] = (request, how) =>
    withTask(request, async (task) => {
      const { token, owner = null } = request;
      const held = await claims.check(task, token, { owner });
      if (!held.held || (await claims.end(task, token, how))) return held;
      return claims.check(task, token, { owner });
    });

  return {
    shared,
    claim,
    async list() {
      const listing = await shared.listing();
      if (listing === null) return nothingExported(config);
      await shared.refresh();
      return ok({ ...pick(listing.catalogue), tasks: await listed(listing.catalogue, listing.states, config) });
    },
    async next() {
      const listing = await shared.listing();
      if (listing === null) return nothingExported(config);
      const { catalogue, states } = listing;
      const next = inOrder(catalogue).find(({ id }) => states.get(id)?.status === "pending");
      const all = await listed(catalogue, states, config);
      return ok(all.find(({ task }) => task === next?.id) ?? null);
    },
    heartbeat: async ({ lease, ...request }) =>
      (lease === undefined ? null : leaseRefusal(lease)) ??
      withTask(request, (task) =>
        claims.heartbeat(task, request.token, { owner: request.owner ?? null, lease: lease ?? null }),
      ),
    release: (request) => end(request, "released"),
    end,
  };
}

export function nothingExported({ dir }: Config): Result<never> {
  return failed("nothing-exported", `no audit has been exported in ${dir} yet, so there are no tasks`, {
    hint: "Run `audit-run run export`, which finds the failing tests and investigates nothing, or a whole `audit-run`.",
  });
}

/** The name stands in tables, in messages and in reports. Failure code: usage. */
function ownerRefusal(owner: string): ReturnType<typeof failed> | null {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u.test(owner) && owner.trim() !== "") return null;
  const shown = JSON.stringify(owner.slice(0, 40));
  return failed("usage", `the owner ${shown} is no name: it has 1 to 100 characters that can be printed, on one line`);
}

/** Failure code: usage. */
function leaseRefusal(lease: number): ReturnType<typeof failed> | null {
  if (lease > 0 && lease <= longestLease) return null;
  return failed("usage", "a lease is longer than nothing and at most 7 days", {
    hint: "`audit-run tasks heartbeat` prolongs it as often as need be.",
  });
}

/** By its id, or by its number in tasks.json. Failure code: usage. */
export function taskNamed({ tasks }: Catalogue, wanted: string): Result<PublishedTask> {
  const task = tasks.find(({ id }) => id === wanted) ?? tasks.find(({ number }) => String(number) === wanted);
  if (task !== undefined) return ok(task);
  const some = tasks.slice(0, 20).map(({ id }) => id);
  const more = tasks.length > some.length ? ", …" : "";
  const hint = tasks.length === 0 ? "Nothing fails." : `There are: ${some.join(", ")}${more}.`;
  return failed("usage", `there is no task ${JSON.stringify(wanted)} in the last export`, { hint });
}

/** For a person or an agent, by why it lost its right. */
export function fenceText(task: string, token: number, fence: Fence, by: string | null): string {
  const claim = `the claim of ${task} with token ${token}`;
  const texts: Readonly<Record<Fence, string>> = {
    unknown: `nobody has claimed ${task} with token ${token}`,
    "other-owner": `${claim} is ${by ?? "somebody else"}'s`,
    released: `${claim} was given back`,
    completed: `${claim} has been completed`,
    expired: `the lease of ${task} with token ${token} has run out`,
    superseded: `${by ?? "somebody else"} has claimed ${task} since: the lease with token ${token} had run out`,
    changed: `${task} is not what it was when it was claimed with token ${token}: its failures or their SQL have changed`,
  };
  return texts[fence];
}

function pick({ project, created }: Catalogue): Pick<Catalogue, "project" | "created"> {
  return { project, created };
}

function inOrder({ tasks, order }: Catalogue): readonly PublishedTask[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return order.flatMap((id) => byId.get(id) ?? []);
}

async function listed(
  catalogue: Catalogue,
  states: ReadonlyMap<string, TaskState>,
  config: Config,
): Promise<readonly ListedTask[]> {
  const pages = await pagesIn(config);
  return taskEntries({ catalogue, states }, pages).map((entry, index) => {
    const task = catalogue.tasks[index]?.id ?? "";
    return { ...entry, task, until: states.get(task)?.until ?? null };
  });
}

async function pagesIn(config: Config): Promise<ReadonlySet<string>> {
  const { readdir } = await import("node:fs/promises");
  return new Set(await readdir(auditFolders(config.dir, "none").results).catch(() => []));
}

/** Without the cases that got a finding since the export. */
async function describe(
  task: PublishedTask,
  { run, tests }: Catalogue,
  config: Config,
): Promise<Omit<ClaimedTask, "token" | "owner" | "until">> {
  const store = await readTraceStore(auditFolders(config.dir, "none").traces);
  const found = (id: string, fingerprint: string): boolean =>
    store.ok && store.value.find(id).some((trace) => trace.fingerprint === fingerprint && trace.run === run);
  const cases = task.cases
    .filter((item) => item.open && !found(item.id, item.fingerprint))
    .flatMap(({ test, group, failures, rows }) => {
      const known = Object.hasOwn(tests, test) ? tests[test] : undefined;
      return known === undefined ? [] : [{ test, group, failures, rows, ...known }];
    });
  const categories = config.categories.map(({ id, meaning, action }) => ({ id, meaning, action }));
  return { id: task.number, task: task.id, state: task.state, cases, categories };
}
