/**
 * Runs an opened audit: gives each kind of node its work, and the loop the graph. What is decided here is only wiring;
 * verdicts come from inputs.ts, work from tasks/, order from graph/.
 */
import { join } from "node:path";
import { createStage } from "../execution/listr.js";
import { runGraph } from "../execution/loop.js";
import { createPools } from "../execution/pools.js";
import { resultDigest } from "../findings/claims.js";
import type { JudgedTask } from "../graph/assign.js";
import { longestFirst } from "../graph/assign.js";
import { compile, expansion, investigateNode, restrict } from "../graph/compile.js";
import type { Export } from "../model/case.js";
import { digestOf } from "../model/digest.js";
import type { AuditNode, NodeEnd, NodeKind, PoolName, Settled, Trace } from "../model/graph.js";
import type { AuditReport } from "../model/report.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import { writeFileAtomic } from "../support/files.js";
import { redactStrings } from "../support/redact.js";
import { cleanUp } from "../tasks/cleanup.js";
import { exportCases } from "../tasks/export.js";
import { investigate } from "../tasks/investigate.js";
import type { Session } from "../tasks/session.js";
import { setUp } from "../tasks/setup.js";
import { runSummary, type SummaryOutput } from "../tasks/summary.js";
import { createTaskList, type TaskList } from "../tasks/task-list.js";
import { exitCodes } from "./exit-codes.js";
import type { RecordedPlan } from "./explain.js";
import { type Assigned, assignCases, isSelected, judgeExport, judgeSummary } from "./inputs.js";
import type { OpenedAudit } from "./open.js";
import { makeReport, type ReportInput, writeReports, writeTaskPages } from "./reports.js";
import { askWatermark } from "./watermark.js";

export interface AuditEnd {
  readonly exitCode: number;
  readonly report: AuditReport | null;
  readonly settled: readonly Settled[];
  readonly folder: string;
  readonly run: string;
}

export async function runAudit(audit: OpenedAudit): Promise<AuditEnd> {
  const { session, request, view } = audit;
  const stage = await createStage(view);
  const graph = request.targets.length === 0 ? compile() : restrict(compile(), request.targets);
  const waiting = ["collect", "cleanup"].filter((id) => graph.nodes.some((node) => node.id === id));
  const work = nodeWork(audit, waiting);
  const { slots, concurrency } = session.config;
  session.emit({ type: "run-started", run: session.run.id, version: request.version, argv: request.argv });
  for (const message of session.traces.damage) session.emit({ type: "warning", message: `traces/${message}` });
  try {
    const settled = await runGraph({
      graph,
      runNode: (node) => work.run(node),
      pools: createPools({ slots: slots.count, warehouse: concurrency.warehouse }),
      stage,
      emit: session.emit,
      signal: session.signal,
      clock: () => performance.now(),
    });
    const ends = redactStrings([...settled.values()], session.redact);
    const report = work.report();
    const exitCode = exitCodeOf(audit, ends, report, work.unknownTarget());
    const count = (outcome: Settled["outcome"]): number => ends.filter((end) => end.outcome === outcome).length;
    session.emit({
      type: "run-settled",
      exitCode,
      executed: count("executed"),
      reused: count("reused"),
      failed: count("failed"),
    });
    return { exitCode, report, settled: ends, folder: session.config.dir, run: session.run.id };
  } finally {
    view.close();
    await audit.close();
  }
}

interface NodeWork {
  run(node: AuditNode): Promise<NodeEnd>;
  report(): AuditReport | null;
  /** A target that the export did not bring; null where all are there. */
  unknownTarget(): Failure | null;
}

/** The work of each kind of node, and what they hand on to one another. */
function nodeWork(audit: OpenedAudit, waiting: readonly string[]): NodeWork {
  const { session, request, reporters } = audit;
  const { config, traces } = session;
  const settled: Settled[] = [];
  let summary: Trace | null = null;
  let exported: Export | null = null;
  let assigned: Assigned | null = null;
  let taskList: TaskList | null = null;
  let report: AuditReport | null = null;
  let unknown: Failure | null = null;
  const judged = new Map<string, JudgedTask>();

  const commit = async (
    subject: string,
    parts: Trace["parts"],
    observed: Trace["observed"],
    output: unknown,
  ): Promise<Trace> =>
    traces.commit(
      { subject, fingerprint: digestOf(parts), parts, observed, run: session.run.id, at: session.now().toISOString() },
      output,
    );

  const works: Record<NodeKind, (node: AuditNode) => Promise<NodeEnd>> = {
    setup: async () => ended(await setUp(session, audit.provider)),

    async summary() {
      const last = traces.find("summary")[0];
      if (request.retry && last !== undefined) {
        summary = last;
        return { outcome: "reused" };
      }
      const judgement = await judgeSummary(config, traces, session.now(), () =>
        askWatermark(audit.openWarehouse, config),
      );
      if (judgement.verdict.kind === "reuse") {
        summary = judgement.verdict.trace;
        return { outcome: "reused" };
      }
      const made = await runSummary(session);
      if (!made.ok) return { outcome: outcomeOf(made.failure), failure: made.failure };
      const output: SummaryOutput = made.value;
      summary = await commit("summary", judgement.parts, { artifacts: output.artifacts }, output);
      return { outcome: "executed" };
    },

    async export() {
      const kept = request.retry ? traces.find("export")[0] : undefined;
      const { verdict, parts } = judgeExport(config, traces, summary);
      const trace = kept ?? (verdict.kind === "reuse" ? verdict.trace : undefined);
      if (trace !== undefined) exported = (await traces.read(trace)) as Export | null;
      const reused = exported !== null;
      if (exported === null) {
        const made = await newExport(audit);
        if (!made.ok) return { outcome: outcomeOf(made.failure), failure: made.failure };
        exported = made.value;
        await commit("export", parts, {}, exported);
      }
      const tasks = await takeUp(exported, !reused);
      if (!tasks.ok) return { outcome: "failed", failure: tasks.failure };
      return { outcome: reused ? "reused" : "executed", adds: expansion(tasks.value, waiting) };
    },

    async investigate(node) {
      const task = judged.get(node.id);
      if (task === undefined || assigned === null) throw new Error(`BUG: ${node.id} was never assigned`);
      const { partsOf, factsOf } = assigned;
      if (task.open.length === 0) {
        return { outcome: "reused" };
      }
      taskList?.update(task.task.id, "in_progress");
      const open = task.open.map((item) => item.case);
      const end = ended(await investigate({ task: task.task, open, partsOf, factsOf }, session));
      settled.push({ node: node.id, ...end, duration: 0 });
      await writeTaskPages(reportInput(), task.task, reporters);
      // Last: who reads "completed" in tasks.json finds the result.
      taskList?.update(task.task.id, end.outcome === "executed" ? "completed" : "failed");
      return end;
    },

    async collect() {
      report = makeReport(reportInput());
      await writeReports(report, config, reporters);
      return { outcome: "executed" };
    },

    async cleanup() {
      await cleanUp(session);
      await taskList?.flush();
      return { outcome: "executed" };
    },
  };

  const reportInput = (): ReportInput => {
    if (exported === null || assigned === null) throw new Error("BUG: a report without an export");
    return { session, exported, assigned, settled, retryCommand: "npx audit-run retry" };
  };

  /** From an export to tasks: verdicts, findings that are used again, tasks.json, and the nodes to add. */
  const takeUp = async (
    from: Export,
    exportIsNew: boolean,
  ): Promise<Result<readonly { id: string; pools: readonly PoolName[] }[]>> => {
    const artifacts = await session.artifacts();
    // Without the manifest every finding would look outdated, and be paid for again.
    if (!artifacts.ok) return artifacts;
    assigned = await assignCases({
      config,
      agent: session.agent,
      template: audit.template.digest,
      traces,
      exported: from,
      project: artifacts.value.project,
      exceptions: session.exceptions,
      selection: request.selection,
      requery: exportIsNew ? (sql) => digestNow(sql, session) : null,
      today: session.run.startedAt.toISOString().slice(0, 10),
    });
    const tasks = longestFirst(assigned.assignment.tasks);
    const wanted = tasks.filter(
      ({ task, cases }) => isTarget(investigateNode(task.id)) && cases.some((item) => item.selected),
    );
    const asked = request.targets.find(
      (target) => target.startsWith("investigate:") && !tasks.some(({ task }) => investigateNode(task.id) === target),
    );
    if (asked !== undefined) {
      const there = tasks
        .map(({ task }) => investigateNode(task.id))
        .sort()
        .join(", ");
      unknown = failed("answer-invalid", `there is no node ${asked}`, {
        hint: there === "" ? "Nothing fails." : `There are: ${there}.`,
      }).failure;
      return { ok: false, failure: unknown };
    }
    for (const [id, finding] of assigned.reusable) {
      session.progress.findings.set(id, { finding, reused: true });
    }
    for (const task of tasks) judged.set(investigateNode(task.task.id), task);
    await writeFileAtomic(join(session.run.folder, "plan.json"), `${JSON.stringify(recordedPlan(tasks), null, 2)}\n`);
    taskList = await createTaskList({
      file: join(config.dir, "tasks.json"),
      project: config.name,
      today: session.run.startedAt.toISOString().slice(0, 10),
      tasks: assigned.assignment.tasks.map(({ task, cases }) => ({
        task,
        status: cases.every((item) => item.verdict.kind === "reuse") ? "completed" : "pending",
      })),
    });
    const { why, tooSmall } = assigned.assignment.packing;
    for (const message of [why, tooSmall])
      if (message !== null) session.emit({ type: "progress", node: "export", message });
    const pools: readonly PoolName[] = session.agent.needsSlot ? ["slots"] : ["warehouse"];
    return ok(wanted.map(({ task, open }) => ({ id: task.id, pools: open.length === 0 ? [] : pools })));
  };

  const recordedPlan = (tasks: readonly JudgedTask[]): RecordedPlan => {
    const ran = tasks
      .flatMap((task) => task.open)
      .map(({ case: item, verdict }) => [item.id, verdict.kind === "run" ? verdict.reasons : []] as const);
    return { version: 1, run: session.run.id, ran: Object.fromEntries(ran) };
  };

  const isTarget = (node: string): boolean =>
    request.targets.length === 0 || request.targets.includes(node) || request.targets.includes("collect");

  return {
    run: (node) => works[node.kind](node).catch((error: unknown) => refusedByDisk(error)),
    report: () => report,
    unknownTarget: () => unknown,
  };
}

/** Null where the query has no result any more; undefined where the world, not the data, kept it from running. */
async function digestNow(sql: string, { warehouse, config, signal }: Session): Promise<string | null | undefined> {
  const opened = await warehouse();
  if (!opened.ok) return undefined;
  const result = await opened.value.query(sql, { timeout: config.timeouts.query, signal });
  if (result.ok) return resultDigest(result.value);
  return ["relation-missing", "query-failed"].includes(result.failure.code) ? null : undefined;
}

async function newExport({ session }: OpenedAudit): Promise<Result<Export>> {
  const artifacts = await session.artifacts();
  if (!artifacts.ok) return artifacts;
  const warehouse = await session.warehouse();
  if (!warehouse.ok) return warehouse;
  const last = session.traces.find("export")[0];
  const previous = last === undefined ? null : ((await session.traces.read(last)) as Export | null);
  return exportCases({
    config: session.config,
    ...artifacts.value,
    warehouse: warehouse.value,
    previous,
    progress: (message) => session.emit({ type: "progress", node: "export", message }),
    signal: session.signal,
  });
}

function ended(result: Result<unknown>): NodeEnd {
  return result.ok ? { outcome: "executed" } : { outcome: outcomeOf(result.failure), failure: result.failure };
}

function outcomeOf(failure: Failure): "failed" | "cancelled" {
  return failure.code === "aborted" ? "cancelled" : "failed";
}

const diskCodes = new Set([
  "ENOSPC",
  "EIO",
  "EACCES",
  "EPERM",
  "EROFS",
  "EMFILE",
  "ENFILE",
  "EDQUOT",
  "ENOENT",
  "ENOTDIR",
]);

/** What the disk refuses ends a node; anything else that is thrown is a bug and ends the program. */
function refusedByDisk(error: unknown): NodeEnd {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || !diskCodes.has(code)) throw error;
  const hint =
    code === "ENOSPC"
      ? "Make room and run again; what was finished is kept."
      : "Run again when it is mended; what was finished is kept.";
  return { outcome: "failed", failure: { code: "disk", message, hint } };
}

function exitCodeOf(
  audit: OpenedAudit,
  ends: readonly Settled[],
  report: AuditReport | null,
  unknown: Failure | null,
): number {
  if (unknown !== null) return exitCodes.usage;
  if (ends.some((end) => end.node === "setup" && end.outcome === "failed")) return exitCodes.preflight;
  if (ends.some((end) => end.outcome !== "executed" && end.outcome !== "reused")) return exitCodes.incomplete;
  const { failOn } = audit.config;
  const gated = report?.cases.some(
    ({ case: item, report: each }) =>
      each.status === "found" &&
      failOn.includes(each.finding.classification) &&
      isSelected(item, audit.request.selection),
  );
  return gated ? exitCodes.gate : exitCodes.complete;
}
