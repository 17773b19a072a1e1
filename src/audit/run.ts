/**
 * Runs an opened audit to its end: the loop over the graph, then the exit code and what the next run should know.
 * The work of the nodes is in work.ts.
 */

import { createStage } from "../execution/listr.js";
import { runGraph } from "../execution/loop.js";
import { createPools } from "../execution/pools.js";
import { pruneRuns } from "../execution/runs.js";
import { compile, restrict } from "../graph/compile.js";
import type { Export } from "../model/case.js";
import { eventsVersion } from "../model/events.js";
import type { Settled } from "../model/graph.js";
import type { AuditReport } from "../model/report.js";
import { type Spent, spentOf } from "../model/spending.js";
import { diskRefusal } from "../support/disk-refusal.js";
import { type Redactor, redactStrings } from "../support/redact.js";
import { missingInLast, placesOf, warningOf } from "./asked.js";
import { createControl } from "./control.js";
import { exitCodes } from "./exit-codes.js";
import { isSelected } from "./inputs.js";
import { clockComplaint, readLastRun, writeLastRun } from "./last-run.js";
import type { OpenedAudit } from "./open.js";
import { markAsEarlier } from "./reports.js";
import { wholeAudit } from "./whole-audit.js";
import { writeWholeTrace } from "./whole-trace.js";
import { nodeWork } from "./work.js";

export interface AuditEnd {
  readonly exitCode: number;
  /** Null where `collect` did not run. */
  readonly report: AuditReport | null;
  readonly settled: readonly Settled[];
  /** By the agents of this run; null where none told that it spent anything. */
  readonly spent: Spent | null;
  /** The audit folder, absolute. */
  readonly folder: string;
  readonly run: string;
}

export async function runAudit(audit: OpenedAudit): Promise<AuditEnd> {
  const { session, request, view } = audit;
  const startedAt = Date.now();
  let last: (() => Promise<void>) | undefined;
  const stage = await createStage(view);
  const graph = request.targets.length === 0 ? compile() : restrict(compile(), request.targets);
  const has = (id: string): boolean => graph.nodes.some((node) => node.id === id);
  const pools = createPools(placesOf(audit));
  const work = await nodeWork(audit, ["collect", "cleanup"].filter(has), pools);
  const control = createControl(audit, work);
  session.emit({
    type: "run-started",
    run: session.run.id,
    version: request.version,
    argv: request.argv,
    events: eventsVersion,
  });
  const clock = clockComplaint(await readLastRun(session.config.dir), session.run.startedAt);
  for (const message of [...audit.leftovers, ...(clock === null ? [] : [clock])])
    session.emit({ type: "warning", message });
  for (const message of session.traces.damage) session.emit({ type: "warning", message: `traces/${message}` });
  // Before dbt runs, which may take long: the next export may have it, so nothing is refused yet.
  const missing = await missingInLast(audit, session.traces);
  if (missing !== null) session.emit({ type: "warning", message: warningOf(missing) });
  try {
    const settled = await runGraph({
      graph,
      runNode: work.run,
      pools,
      stage,
      emit: session.emit,
      signal: session.signal,
      failFast: request.failFast,
      clock: () => performance.now(),
      controls: (controls) => {
        work.open(controls);
        control.open(controls);
      },
    });
    const ends = redactEnds([...settled.values()], session.redact);
    const report = work.report();
    const exitCode = exitCodeOf(audit, ends, report, work.unread());
    // The nodes have ended, and their results stand: what the disk refuses from here on is told, and changes nothing.
    const tell = (what: string) => (error: unknown) => {
      const refused = diskRefusal(error);
      if (refused === null) throw error;
      session.emit({ type: "warning", message: `${what}: ${refused.message}` });
    };
    if (report === null && has("collect"))
      await markAsEarlier(session, ends).catch(tell("full-report.md is of an earlier run and does not say so"));
    await writeLastRun(session, exitCode, ends).catch(tell("last-run.json could not be written"));
    await pruneRuns(session.config.dir, session.now()).catch(tell("old runs could not be removed"));
    const count = (outcome: Settled["outcome"]): number => ends.filter((end) => end.outcome === outcome).length;
    const counts = { executed: count("executed"), reused: count("reused"), failed: count("failed") };
    const spent = spentOf(session.ledger.total);
    session.emit({ type: "run-settled", exitCode, ...counts, ...(spent === null ? {} : { spent }) });
    const whole = wholeAudit(audit, { startedAt, exitCode, ends, report, assigned: work.assigned() });
    if (whole !== null) last = () => writeWholeTrace(whole).catch(() => undefined);
    return { exitCode, report, settled: ends, spent, folder: session.config.dir, run: session.run.id };
  } finally {
    await control.close();
    view.close();
    await audit.close(last);
  }
}

/** Ten thousand of them are reused, and have nothing but a name. */
function redactEnds(ends: readonly Settled[], redact: Redactor): readonly Settled[] {
  const names = redactStrings(
    ends.map(({ node }) => node),
    redact,
  );
  return ends.map((end, index) => {
    if (end.failure !== undefined) return redactStrings(end, redact);
    return names[index] === end.node ? end : { ...end, node: names[index] ?? end.node };
  });
}

function exitCodeOf(
  audit: OpenedAudit,
  ends: readonly Settled[],
  report: AuditReport | null,
  unread: Export["broken"],
): number {
  const { signal, config } = audit.session;
  if (signal.aborted) return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  if (ends.some(({ failure }) => failure?.code === "usage")) return exitCodes.usage;
  if (ends.some((end) => end.node === "setup" && end.outcome === "failed")) return exitCodes.preflight;
  const { tests } = audit.request.selection;
  const isUnread = unread.some(({ test: { name } }) => tests.length === 0 || tests.includes(name));
  const unfinished = isUnread || ends.some(({ outcome }) => outcome !== "executed" && outcome !== "reused");
  // An exception that could not be read may be one that was meant: the result is not the one that was asked for.
  if (unfinished || audit.warnings.some(({ severity }) => severity === "error")) return exitCodes.incomplete;
  const gated = report?.cases.some(
    ({ case: item, report: each }) =>
      each.status === "found" &&
      config.failOn.includes(each.finding.classification) &&
      isSelected(item, audit.request.selection),
  );
  return gated ? exitCodes.gate : exitCodes.complete;
}
