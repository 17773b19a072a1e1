/**
 * The work of each kind of node, and what they hand on to one another. Only wiring: verdicts come from inputs.ts,
 * tasks from intake.ts, the doing from tasks/.
 */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { LoopControls } from "../execution/loop.js";
import type { Pools } from "../execution/pools.js";
import { withRetries } from "../execution/retry.js";
import { expansion, investigateNode } from "../graph/compile.js";
import { fingerprint } from "../graph/judge.js";
import type { Case, Export } from "../model/case.js";
import type { AuditNode, NodeEnd, NodeId, NodeKind, Parts, Settled, Trace } from "../model/graph.js";
import type { AuditReport } from "../model/report.js";
import type { Answer } from "../model/request.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import { diskRefusal } from "../support/disk-refusal.js";
import { exists } from "../support/files.js";
import { cleanUp } from "../tasks/cleanup.js";
import { byTest, type CasesByTest } from "../tasks/earlier-findings.js";
import { exportCases } from "../tasks/export.js";
import { investigate } from "../tasks/investigate.js";
import type { Session } from "../tasks/session.js";
import { setUp } from "../tasks/setup.js";
import { openStatusFiles, statusWord } from "../tasks/status-file.js";
import { artifactsDigest, runSummary } from "../tasks/summary.js";
import { openAcceptance } from "./acceptance.js";
import { placesOf } from "./asked.js";
import type { Controlled } from "./control.js";
import { openDispatch } from "./dispatch.js";
import { type Assigned, judgeExport, judgeSummary } from "./inputs.js";
import { type Intake, takeIn } from "./intake.js";
import { readLastRun } from "./last-run.js";
import type { OpenedAudit } from "./open.js";
import { openReportFiles } from "./report-files.js";
import { makeReport, type ReportInput, writeReports, writeTaskPages } from "./reports.js";
import { retryCommand } from "./retry-command.js";
import { type Sharing, startSharing } from "./sharing.js";
import { askWatermark } from "./watermark.js";

export interface NodeWork extends Controlled {
  /** To be called once the loop tells how to interfere. */
  readonly open: (controls: LoopControls) => void;
  /** The signal is this node's own: it is aborted with a failure when the node alone is stopped. */
  readonly run: (node: AuditNode, signal: AbortSignal) => Promise<NodeEnd>;
  /** Null until `collect` has run. */
  readonly report: () => AuditReport | null;
  /** Failing tests whose rows the export could not look at. */
  readonly unread: () => Export["broken"];
  /** Null until `export` has been taken up. */
  readonly assigned: () => Assigned | null;
}

const tooLate: Answer = { taken: false, message: "the report is being made; the next run shows it" };

/** @param waiting nodes of the graph that come after all investigations. */
export async function nodeWork(audit: OpenedAudit, waiting: readonly string[], pools: Pools): Promise<NodeWork> {
  const { session, request, reporters } = audit;
  const { config, traces } = session;
  /** A task that ran twice counts as it ended last. */
  const investigated = new Map<NodeId, Settled>();
  const acceptance = openAcceptance(audit);
  const notes = await openingNotes(audit);
  const statusFiles = openStatusFiles(config.dir);
  const files = openReportFiles(config.dir);
  const dispatch = openDispatch({
    pools,
    places: placesOf(audit).agent,
    agent: session.agent.id,
    budget: config.budget,
    ledger: session.ledger,
    patience: config.timeouts.refused,
    emit: session.emit,
    signal: session.signal,
  });
  let summary: Trace | null = null;
  let exported: Export | null = null;
  let casesByTest: CasesByTest = new Map();
  let intake: Intake | null = null;
  let sharing: Sharing | null = null;
  let report: AuditReport | null = null;

  /** @param since when the work began, so that a plan can say how long it takes. */
  const commit = (subject: string, since: Date, parts: Parts, observed: Parts, output: unknown): Promise<Trace> => {
    const now = session.now();
    const took = Math.max(0, now.getTime() - since.getTime());
    return traces.commit(
      { subject, fingerprint: fingerprint(parts), parts, took, observed, run: session.run.id, at: now.toISOString() },
      output,
    );
  };

  /** From here on the data are those of this summary. */
  const reuse = (trace: Trace): NodeEnd => {
    summary = trace;
    session.progress.data = trace.output;
    return { outcome: "reused" };
  };

  const patiently = <Value>(
    node: string,
    work: () => Promise<Result<Value>>,
    signal = session.signal,
  ): Promise<Result<Value>> => {
    const onRetry = (failure: Failure, wait: number): void => {
      const message = `${failure.message}; it is tried again in ${wait / 1000} s`;
      session.emit({ type: "progress", node, message });
    };
    return withRetries(work, { signal, onRetry });
  };

  /** @param node whose end is told; all that have ended. */
  const reportInput = (node?: NodeId): ReportInput => {
    if (exported === null || intake === null) throw new Error("BUG: a report without an export");
    const exceptions = acceptance.applied(exported) ?? intake.assigned.exceptions;
    const assigned = { ...intake.assigned, exceptions };
    const settled =
      node === undefined
        ? [...investigated.values(), ...notStarted(intake, investigated, dispatch.refusal())]
        : [investigated.get(node)].filter((end) => end !== undefined);
    return { session, exported, assigned, settled, retryCommand: retryCommand(request, settled), notes };
  };

  let isCollecting = false;
  const share = ({ assigned, judged, shared }: Intake, { cases }: Export): Sharing =>
    startSharing({
      shared,
      session,
      partsOf: assigned.partsOf,
      factsOf: assigned.factsOf,
      cases: new Map(cases.map((item) => [item.id, item])),
      warn: (message) => session.emit({ type: "warning", message }),
      onCompleted: async (id) => {
        const node = investigateNode(id);
        const task = judged.get(node);
        if (task !== undefined) await writeTaskPages(reportInput(node), task, reporters, files);
      },
    });

  const works: Record<NodeKind, (node: AuditNode, stop: AbortSignal) => Promise<NodeEnd>> = {
    async setup() {
      await statusFiles.begin();
      return ended(await setUp(session, audit.provider));
    },

    async summary() {
      const last = traces.find("summary")[0];
      if (request.retry && last !== undefined) {
        const changed = (await artifactsDigest(config.summary.artifacts)) !== last.observed.artifacts;
        if (changed) return ended(failed("usage", "the test results have changed since the last export", newDataHint));
        return reuse(last);
      }
      const ask = () => askWatermark(audit.openWarehouse, config);
      const { verdict, parts, warning } = await judgeSummary(config, traces, session.now(), ask);
      if (warning !== null) session.emit({ type: "warning", node: "summary", message: warning });
      if (verdict.kind === "reuse") return reuse(verdict.trace);
      const since = session.now();
      const made = await runSummary(session);
      if (!made.ok) return ended(made);
      reuse(await commit("summary", since, parts, { artifacts: made.value.artifacts }, made.value));
      return { outcome: "executed" };
    },

    async export() {
      const known = traces.damage.length;
      const { verdict, parts } = judgeExport(config, traces, summary);
      if (verdict.kind === "reuse") exported = (await traces.read(verdict.trace)) as Export | null;
      const reused = exported !== null;
      if (exported === null) {
        const since = session.now();
        const made = await patiently("export", () => newExport(audit));
        if (!made.ok) return ended(made);
        exported = made.value;
        // Kept for who works on it; the next run asks again for what the world refused this time, since that is seen by nobody.
        const refused = [...exported.broken, ...exported.unsplit].some((one) => one.transient);
        await commit("export", since, parts, refused ? { [refusedRows]: session.run.id } : {}, exported);
      }
      const taken = await takeIn(audit, exported);
      // Outputs that were to be used again, and cannot be: their cases are investigated anew, and somebody should know why.
      for (const message of traces.damage.slice(known)) session.emit({ type: "warning", message: `traces/${message}` });
      if (!taken.ok) return ended(taken);
      intake = taken.value;
      casesByTest = byTest(exported.cases);
      await statusFiles.sort(plansOf(intake));
      sharing = share(taken.value, exported);
      const { why, tooSmall } = intake.assigned.assignment.packing;
      notes.push(...[why, tooSmall].filter((note) => note !== null));
      const joining = { adds: expansion(intake.expansion, waiting), reused: intake.reused };
      return { outcome: reused ? "reused" : "executed", ...joining };
    },

    async investigate(node, stop) {
      const task = intake?.judged.get(node.id);
      if (task === undefined || intake === null) throw new Error(`BUG: ${node.id} was never assigned`);
      const { assigned } = intake;
      const { id } = task.task;
      const open = task.open.map((item) => item.case);
      const { partsOf, factsOf } = assigned;
      const left = () => acceptance.remaining(open.filter((item) => !session.progress.findings.has(item.id)));
      const signal = AbortSignal.any([session.signal, stop]);
      const own = { ...session, signal };
      const refusal = dispatch.refusal(true);
      if (refusal !== null) {
        const end = { outcome: "cancelled", failure: refusal } as const;
        investigated.set(node.id, { node: node.id, ...end, duration: 0 });
        return end;
      }
      const work = async () =>
        left().length === 0
          ? ok(undefined)
          : investigate({ task: task.task, open: left(), all: casesByTest, partsOf, factsOf }, own);
      // Others may have claimed it: they go first, and this takes no place while it waits.
      const taken = await sharing?.take(id);
      if (taken?.kind === "held" && !signal.aborted) {
        const until = taken.until === null ? "" : ` until ${taken.until}`;
        const out =
          taken.token === null ? "" : `; to take it back: audit-run tasks release ${id} --token ${taken.token}`;
        const message = `${taken.owner} has claimed it${until}: it waits${out}`;
        session.emit({ type: "warning", node: node.id, message });
        const free = async () => sharing?.free(id, signal);
        return pools.stepAside(node.pools, free, () => works.investigate(node, stop));
      }
      let isFirst = !investigated.has(node.id);
      session.ledger.begin(id);
      statusFiles.write(id, statusWord(null));
      const made = await dispatch.run(node, signal, async () => {
        if (!isFirst) await forgetAttempt(session, id, open);
        isFirst = false;
        return patiently(node.id, work, signal).then(ended).catch(refusedByDisk);
      });
      const end: NodeEnd = stop.aborted && left().length > 0 ? { outcome: "cancelled", failure: stop.reason } : made;
      investigated.set(node.id, { node: node.id, ...end, duration: 0 });
      statusFiles.write(id, session.redact(statusWord(end)));
      await writeTaskPages(reportInput(node.id), task, reporters, files);
      // Last: who reads "completed" in tasks.json finds the result.
      const isLeft = end.outcome === "cancelled" && end.failure === dispatch.refusal();
      await sharing?.settle(id, end.outcome === "executed" ? "completed" : isLeft ? "released" : "failed");
      return end;
    },

    async collect() {
      isCollecting = true;
      report = makeReport(reportInput());
      await writeReports(report, config, reporters, files);
      return { outcome: "executed" };
    },

    async cleanup() {
      dispatch.close();
      await cleanUp(session);
      await sharing?.close();
      return { outcome: "executed" };
    },
  };

  return {
    run: (node, signal) => works[node.kind](node, signal).catch((error: unknown) => refusedByDisk(error)),
    report: () => report,
    unread: () => exported?.broken ?? [],
    assigned: () => intake?.assigned ?? null,
    tasks: () => (intake === null ? null : [...intake.judged.keys()]),
    open: (controls) => dispatch.open(controls),
    takeInExceptions: () => (isCollecting ? tooLate : acceptance.takeIn()),
  };
}

/** What this run does with each task. */
function plansOf({ judged, expansion, reused }: Intake): ReadonlyMap<string, "runs" | "done" | "left-alone"> {
  const runs = new Set(expansion.map(({ id }) => id));
  const done = new Set(reused);
  const plan = (node: NodeId, id: string) => (runs.has(id) ? "runs" : done.has(node) ? "done" : "left-alone");
  return new Map([...judged].map(([node, { task }]) => [task.id, plan(node, task.id)]));
}

/** A task runs again: what was wrong with its answers is no news any more, and its log is kept beside the new one. */
async function forgetAttempt(session: Session, task: string, open: readonly Case[]): Promise<void> {
  for (const { id } of open) session.progress.rejected.delete(id);
  const folder = join(session.run.folder, "tasks", task);
  for (let attempt = 1; ; attempt += 1) {
    if (await exists(`${folder}.${attempt}`)) continue;
    if (await exists(folder)) await rename(folder, `${folder}.${attempt}`);
    return;
  }
}

/** What an export has seen where the warehouse refused a part of it: looked for by nobody, so that it is never used again. */
const refusedRows = "refused";

const newDataHint = { hint: "A retry is for the failures of that export; run `audit-run` for these." };

/** A retry takes the last export as it is; who reads its report should know when that is older than the last run. */
async function openingNotes({ request, session }: OpenedAudit): Promise<string[]> {
  if (!request.retry) return [];
  const last = await readLastRun(session.config.dir);
  const before = last?.failed.find(({ node }) => ["setup", "summary", "export"].includes(node));
  if (before === undefined) return [];
  return [
    `The last run failed at ${before.node} (${before.message}), and a retry does not run that: these failures are of the export before it.`,
  ];
}

async function newExport({ session }: OpenedAudit): Promise<Result<Export>> {
  const artifacts = await session.artifacts();
  if (!artifacts.ok) return artifacts;
  const warehouse = await session.warehouse();
  if (!warehouse.ok) return warehouse;
  const last = session.traces.find("export")[0];
  const previous = last === undefined ? null : ((await session.traces.read(last)) as Export | null);
  const made = await exportCases({
    config: session.config,
    ...artifacts.value,
    warehouse: warehouse.value,
    previous,
    progress: (message) => session.emit({ type: "progress", node: "export", message }),
    signal: session.signal,
  });
  if (!made.ok) return made;
  // What a warehouse refuses with may repeat how it was asked, and this is kept.
  const broken = made.value.broken.map((one) => ({ ...one, message: session.redact(one.message) }));
  const unsplit = made.value.unsplit.map((one) => ({ ...one, reason: session.redact(one.reason) }));
  return ok({ ...made.value, broken, unsplit });
}

/** Tasks that a halted run left: the loop ended them, or is about to. */
function notStarted(
  { expansion }: Intake,
  investigated: ReadonlyMap<NodeId, Settled>,
  failure: Failure | null,
): readonly Settled[] {
  if (failure === null) return [];
  return expansion
    .map(({ id }) => investigateNode(id))
    .filter((node) => !investigated.has(node))
    .map((node) => ({ node, outcome: "cancelled", failure, duration: 0 }));
}

function ended(result: Result<unknown>): NodeEnd {
  if (result.ok) return { outcome: "executed" };
  const { failure } = result;
  return { outcome: failure.code === "aborted" ? "cancelled" : "failed", failure };
}

/** What the disk refuses ends a node; anything else that is thrown is a bug and ends the program. */
function refusedByDisk(error: unknown): NodeEnd {
  const failure = diskRefusal(error);
  if (failure === null) throw error;
  return { outcome: "failed", failure };
}
