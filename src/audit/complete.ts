/**
 * Hands in what an agent has found for the task that it has claimed, and waits for the answer: of the run that is on, or of
 * this process, which takes the audit folder where no run has it. Killed anywhere, what was handed in is taken up later.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { takeFolder } from "../execution/hold.js";
import { longestAnswer, type Reply } from "../execution/inbox.js";
import { openTraceStore } from "../execution/traces.js";
import type { Case, Export } from "../model/case.js";
import { failed, ok, type Result } from "../model/result.js";
import type { TraceStore } from "../model/trace-store.js";
import { redactStrings } from "../support/redact.js";
import { createAgentTools } from "../tasks/agent-tools.js";
import { newProgress, type Session } from "../tasks/session.js";
import { artifactsDigest } from "../tasks/summary.js";
import { type Coordination, nothingExported, type TokenRequest, taskNamed } from "./coordination.js";
import { caseInputs } from "./inputs.js";
import { openLedger } from "./ledger.js";
import type { LoadedAudit } from "./load.js";
import { loadArtifacts, openOnce, openWarehouse } from "./open.js";
import { auditFolders } from "./run-folder.js";
import { takeUpAll } from "./take-up.js";

export interface Completion extends TokenRequest {
  /** JSON, as the agent wrote it. */
  readonly answer: string;
}

export type Completed = Reply & { readonly task: string };

/** Milliseconds between two looks at the inbox. */
const interval = 100;

/** @param waiting told once, where a run is on and has yet to answer. */
export async function completeTask(
  completion: Completion,
  coordination: Coordination,
  loaded: LoadedAudit,
  waiting: () => void,
): Promise<Result<Completed>> {
  const { shared } = coordination;
  const { config, request } = loaded;
  const catalogue = await shared.catalogue();
  if (catalogue === null) return nothingExported(config);
  const task = taskNamed(catalogue, completion.task);
  if (!task.ok) return task;
  const { id } = task.value;
  const { token, owner = null, answer } = completion;
  if (answer.length > longestAnswer) {
    return failed("usage", `the answer for ${id} is larger than ${longestAnswer / 1024 / 1024} MB`, {
      hint: "Hand in the findings of some cases at a time: what is admitted is kept.",
    });
  }
  const name = await shared.inbox.put({ version: 1, task: id, token, owner, at: shared.claims.now(), answer });

  // The lease lasts while it is admitted: its queries are run again, and a run may have other work.
  const prolong = (): Promise<unknown> => shared.claims.heartbeat(task.value, token, { owner });
  const heart = setInterval(() => void prolong().catch(() => undefined), 10_000);
  let told = false;
  try {
    await prolong();
    for (;;) {
      const reply = await shared.inbox.takeReply(name);
      if (reply !== null) {
        await shared.refresh();
        return ok({ ...reply, task: id });
      }
      if (!(await shared.inbox.has(name))) {
        // Answered between the two looks.
        const late = await shared.inbox.takeReply(name);
        if (late !== null) return ok({ ...late, task: id });
        return failed("disk", `what was handed in for ${id} is no longer in ${config.dir}/claims/inbox`);
      }
      if (request.signal.aborted) {
        return failed("aborted", `what was handed in for ${id} waits in ${config.dir}/claims/inbox`, {
          hint: "The next run, or the next agent that completes a task, takes it up.",
        });
      }
      const hold = await takeFolder(config.dir, request.now);
      if (hold.ok) {
        // Whoever had the folder before may have taken it up.
        if (!(await shared.inbox.has(name))) {
          await hold.value.giveBack();
          continue;
        }
        const taken = await takeUpAlone(coordination, loaded).finally(hold.value.giveBack);
        if (taken.ok) continue;
        await shared.inbox.takeBack(name);
        return redactStrings(taken, loaded.redact);
      }
      if (hold.failure.code !== "state-locked") return hold;
      if (!told) waiting();
      told = true;
      await sleep(interval);
    }
  } finally {
    clearInterval(heart);
  }
}

/** Takes up all that waits, without a run. The caller holds run.lock. */
async function takeUpAlone(coordination: Coordination, loaded: LoadedAudit): Promise<Result<void>> {
  const { config } = loaded;
  const folders = auditFolders(config.dir, "none");
  const store = await openTraceStore(folders.traces);
  if (!store.ok) return store;
  const warehouse = openOnce(() => openWarehouse(loaded, { scratchDir: folders.scratch, ...loaded.request }));
  try {
    return await takeUpWith(coordination, loaded, store.value, warehouse.get);
  } finally {
    const opened = await warehouse.opened();
    if (opened?.ok) await opened.value.close();
    await store.value.close();
  }
}

async function takeUpWith(
  { shared }: Coordination,
  loaded: LoadedAudit,
  traces: TraceStore,
  warehouse: Session["warehouse"],
): Promise<Result<void>> {
  const { config, request, agent } = loaded;
  const catalogue = await shared.catalogue();
  const [exportTrace, summary] = [traces.find("export")[0], traces.find("summary")[0]];
  const exported = exportTrace === undefined ? null : ((await traces.read(exportTrace)) as Export | null);
  if (catalogue === null || exported === null) return nothingExported(config);
  if ((await artifactsDigest(config.summary.artifacts)) !== summary?.observed.artifacts) {
    return failed("artifacts-stale", "the test results have changed since the tasks were exported", {
      hint: "Run `audit-run run export`, and claim the task again: its failures may be others now.",
    });
  }
  const artifacts = await loadArtifacts(config);
  if (!artifacts.ok) return artifacts;
  const session: Session = {
    config,
    run: { id: catalogue.run, folder: auditFolders(config.dir, catalogue.run).run, startedAt: request.now() },
    now: request.now,
    signal: request.signal,
    emit: () => undefined,
    redact: loaded.redact,
    redactValues: loaded.redactValues,
    traces,
    agent,
    tools: createAgentTools(config.lineage.maxQueries),
    ledger: openLedger(null),
    slots: { lease: noSlots, clear: noSlots },
    views: { check: noSlots, open: noSlots, close: noSlots },
    warehouse,
    artifacts: async () => artifacts,
    template: loaded.template,
    exceptions: loaded.exceptions,
    progress: { ...newProgress(), data: summary.output },
  };
  const { project } = artifacts.value;
  const inputs = await caseInputs({ config, agent, template: loaded.template.digest, project });
  const cases = new Map<string, Case>(exported.cases.map((item) => [item.id, item]));
  await takeUpAll({ shared, session, cases, ...inputs });
  return ok(undefined);
}

function noSlots(): never {
  throw new Error("BUG: nobody is given a slot for what was handed in");
}
