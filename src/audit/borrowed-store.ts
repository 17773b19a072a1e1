/**
 * The trace store as it is for the time of one finding: the audit folder is taken, and given back. While a run has it, what
 * belongs to a claimed task is handed in to that run. Knows no tool, and not how a finding is admitted.
 */
import { takeFolder } from "../execution/hold.js";
import { openTraceStore } from "../execution/traces.js";
import type { TaskSharing } from "../mcp/context.js";
import type { Admission } from "../model/agent.js";
import type { Case } from "../model/case.js";
import type { Trace } from "../model/graph.js";
import type { Failure } from "../model/result.js";
import type { TraceStore } from "../model/trace-store.js";
import { stale } from "./last-work.js";
import type { LoadedAudit } from "./load.js";
import type { OwnClaim } from "./own-claim.js";
import { auditFolders } from "./run-folder.js";

export interface Borrower {
  /** The claim under which findings are taken; null: none. */
  readonly own: OwnClaim | null;
  readonly sharing: TaskSharing;
  readonly warn: (message: string) => void;
}

export function borrowedStore(
  loaded: LoadedAudit,
  work: { readonly exported: Trace; readonly cases: readonly Case[] },
  { warn, own, sharing }: Borrower,
) {
  const { config, request } = loaded;
  let store: TraceStore | null = null;
  let failure: Failure | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  const nothing: Admission = { admitted: false, objections: [] };

  const takeOne = async (submit: () => Promise<Admission>, draft: unknown): Promise<Admission> => {
    failure = null;
    const refuse = (why: Failure): Admission => {
      failure = why;
      return nothing;
    };
    const lost = (await own?.renew()) ?? null;
    if (lost !== null) return refuse(lost);
    const hold = await takeFolder(config.dir, request.now);
    if (!hold.ok && hold.failure.code === "state-locked" && own !== null) return leaveToRun(draft, own, refuse);
    if (!hold.ok) return refuse(hold.failure);
    for (const message of hold.value.warnings) warn(message);
    try {
      const opened = await openTraceStore(auditFolders(config.dir, "none").traces);
      if (!opened.ok) return refuse(opened.failure);
      store = opened.value;
      // A run may have exported others meanwhile: what is found here would be of no use.
      const isSame = store.find("export")[0]?.output === work.exported.output;
      const admission = isSame ? await submit() : refuse(stale);
      await store.close();
      return admission;
    } finally {
      store = null;
      await hold.value.giveBack();
    }
  };

  /** A run has the folder, and takes up what is handed in for a claimed task. */
  const leaveToRun = async (
    draft: unknown,
    { task, token, owner }: OwnClaim,
    refuse: (why: Failure) => Admission,
  ): Promise<Admission> => {
    const ended = await sharing.complete({ task, token, owner, answer: JSON.stringify({ findings: [draft] }) });
    if (!ended.ok) return refuse(ended.failure);
    const { admitted, objections, hadFinding } = ended.value;
    const { test, group } = (draft ?? {}) as { readonly test?: unknown; readonly group?: unknown };
    const id = work.cases.find((item) => item.test.name === test && item.group.key === group)?.id;
    if (id !== undefined && hadFinding.includes(id)) {
      const message = `${id} has its finding by now, which stays: this one was not looked at`;
      return { admitted: false, objections: [{ case: id, code: "duplicate-case", message }] };
    }
    if (objections === null || (id !== undefined && admitted.includes(id))) return { admitted: true };
    // That the other cases have no finding yet is no fault of this one.
    const mine = objections.filter((each) => each.case === null || each.case === id);
    return { admitted: false, objections: mine.length === 0 ? objections : mine };
  };

  const current = (): TraceStore => {
    if (store === null) throw new Error("BUG: the trace store is asked outside of a finding");
    return store;
  };
  const traces: TraceStore = {
    damage: [],
    find: (subject) => current().find(subject),
    read: (trace) => current().read(trace),
    commit: (trace, output) => current().commit(trace, output),
    close: async () => {},
  };
  return {
    traces,
    failure: () => failure,
    /** @param draft the same, with the SQL of the queries that it cites */
    during(submit: () => Promise<Admission>, draft: unknown): Promise<Admission> {
      const taken = queue.then(() => takeOne(submit, draft));
      queue = taken.catch(() => undefined);
      return taken;
    },
  };
}
