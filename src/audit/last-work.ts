/**
 * What the last export has left to do, judged as a retry would judge it: for those who work on it outside of runs, and take
 * no lock. Reads the traces and the artifacts; asks no warehouse and writes nothing.
 */
import type { JudgedTask } from "../graph/assign.js";
import type { Export } from "../model/case.js";
import type { Finding } from "../model/finding.js";
import type { Trace } from "../model/graph.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { TraceReader } from "../model/trace-store.js";
import { closest } from "../support/suggest.js";
import type { Artifacts } from "../tasks/session.js";
import { artifactsDigest } from "../tasks/summary.js";
import { type Assigned, assignCases } from "./inputs.js";
import type { LoadedAudit } from "./load.js";
import { loadArtifacts } from "./open.js";

export interface LastWork extends Pick<Assigned, "partsOf" | "factsOf"> {
  readonly trace: Trace;
  readonly exported: Export;
  readonly tasks: readonly JudgedTask[];
  /** Findings that are used again, by case id. */
  readonly reusable: ReadonlyMap<string, Finding>;
  /** Which data the warehouse holds. */
  readonly data: string;
  readonly artifacts: Artifacts;
}

/** Failure codes: usage, artifacts-stale and those of the artifacts. */
export async function lastWork(loaded: LoadedAudit, traces: TraceReader): Promise<Result<LastWork>> {
  const { config, request, agent, template, exceptions } = loaded;
  const [trace, summary] = [traces.find("export")[0], traces.find("summary")[0]];
  const exported = trace === undefined ? null : ((await traces.read(trace)) as Export | null);
  if (trace === undefined || summary === undefined || exported === null) {
    return failed("usage", "there is nothing to investigate: no run has come as far as its export", {
      hint: "Run `audit-run run export` first: it finds the failing tests and investigates nothing.",
    });
  }
  if ((await artifactsDigest(config.summary.artifacts)) !== summary.observed.artifacts)
    return { ok: false, failure: stale };
  const artifacts = await loadArtifacts(config);
  if (!artifacts.ok) return artifacts;
  const { assignment, ...assigned } = await assignCases({
    ...{ config, agent, traces, exported, exceptions, template: template.digest },
    project: artifacts.value.project,
    selection: { groups: [], tests: [] },
    data: summary.output,
    requery: null,
    today: request.now().toISOString().slice(0, 10),
  });
  return ok({
    ...assigned,
    trace,
    exported,
    tasks: assignment.tasks,
    data: summary.output,
    artifacts: artifacts.value,
  });
}

export const stale: Failure = {
  code: "artifacts-stale",
  message: "the test results have changed since the last export",
  hint: "Run `audit-run run export`, and start this again.",
};

/** @param name null: all of them. Failure code: usage. */
export function tasksNamed(tasks: readonly JudgedTask[], name: string | null): Result<readonly JudgedTask[]> {
  const wanted = tasks.filter((each) => name === null || each.task.id === name);
  if (name === null || wanted.length > 0) return ok(wanted);
  const ids = tasks.map((each) => each.task.id);
  const near = closest(name, ids);
  const there = `There are: ${ids.slice(0, 60).join(", ")}${ids.length > 60 ? ", …" : ""}.`;
  const hint = near === undefined ? there : `Did you mean ${near}? ${there}`;
  return failed("usage", `there is no task ${JSON.stringify(name)}`, { hint });
}
