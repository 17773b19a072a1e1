/**
 * Whether a run has left nothing to do, and what the next one would look at to find that out: the input of whole-trace.ts.
 * Whoever lets a run read another file of the outside adds it here; test/e2e/whole-trace.test.ts sees to it.
 */
import { join } from "node:path";
import type { Config } from "../model/config.js";
import type { AcceptedException } from "../model/finding.js";
import type { Settled } from "../model/graph.js";
import type { AuditReport } from "../model/report.js";
import type { TraceReader } from "../model/trace-store.js";
import { observedFile } from "../tasks/admission.js";
import type { Credentials } from "./credentials.js";
import { summaryOf } from "./end-summary.js";
import { exitCodes } from "./exit-codes.js";
import type { Assigned } from "./inputs.js";
import type { OpenedAudit } from "./open.js";
import type { FinishedAudit } from "./whole-trace.js";

export interface RunOutcome {
  /** Milliseconds. */
  readonly startedAt: number;
  readonly exitCode: number;
  readonly ends: readonly Settled[];
  readonly report: AuditReport | null;
  readonly assigned: Assigned | null;
}

/** Null where another run would have something to do, or where that cannot be told by files alone. */
export function wholeAudit(audit: OpenedAudit, outcome: RunOutcome): FinishedAudit | null {
  const { session, warnings, exceptions } = audit;
  const { config, traces } = session;
  const { startedAt, exitCode, ends, report, assigned } = outcome;
  const complete = exitCode === exitCodes.complete || exitCode === exitCodes.gate;
  if (report === null || assigned === null || !complete || !isPlain(audit)) return null;
  if (traces.damage.length > 0 || !sawAll(report, assigned)) return null;
  const until = summaryHoldsUntil(config, traces);
  // Without a manifest a case depends on the whole repository.
  if (until === null || !assigned.hasProject) return null;
  return {
    config: config.file,
    dir: config.dir,
    inputs: inputsOf(config, audit.credentials, assigned, traces),
    variables: audit.variables,
    startedAt,
    until: earliest([until, ...exceptions.map((each) => endOf(each, startedAt))]),
    end: {
      run: session.run.id,
      exitCode,
      nodes: ends.map(({ node }) => node),
      cases: casesOfNewestTraces(assigned, traces),
      summary: summaryOf(report),
      warnings,
    },
  };
}

/** Where an older trace is used, since an input was reverted, the journal must be judged to tell which. */
function casesOfNewestTraces({ assignment }: Assigned, traces: TraceReader): readonly string[] {
  return assignment.tasks
    .flatMap(({ cases }) => cases)
    .filter(({ case: item, verdict }) => verdict.kind !== "reuse" || verdict.trace === traces.find(item.id)[0])
    .map(({ case: item }) => item.id);
}

/** What the world kept from being looked at, tests' rows or cited queries, the next run looks at again. */
function sawAll({ export: { broken, unsplit } }: AuditReport, { looked }: Assigned): boolean {
  return ![...broken, ...unsplit].some(({ transient }) => transient) && ![...looked.values()].includes(undefined);
}

/** Nothing was left out, and nothing asked for that the next `audit-run` is not. */
function isPlain({ request: { targets, selection, retry, failOn, strategy } }: OpenedAudit): boolean {
  const narrowed = targets.length + selection.groups.length + selection.tests.length > 0;
  return !narrowed && !retry && failOn === null && strategy === null;
}

const forever = Number.POSITIVE_INFINITY;

/** Milliseconds; null where the summary is made at each run, or the warehouse would have to be asked. */
function summaryHoldsUntil({ summary }: Config, traces: TraceReader): number | null {
  if (summary.run === null) return summary.table === null ? forever : null;
  const last = traces.find("summary")[0];
  return summary.maxAge === null || last === undefined ? null : Date.parse(last.at) + summary.maxAge;
}

const day = 24 * 60 * 60 * 1000;

function endOf({ expires }: AcceptedException, now: number): number {
  const end = expires === null ? forever : Date.parse(expires) + day;
  return end > now ? end : forever;
}

function earliest(times: readonly number[]): number | null {
  const first = Math.min(...times);
  return first === forever ? null : first;
}

function inputsOf(
  config: Config,
  credentials: Credentials,
  { assignment }: Assigned,
  traces: TraceReader,
): readonly string[] {
  const { dbt, sources, summary } = config;
  const cited = assignment.tasks
    .flatMap(({ cases }) => cases)
    .flatMap(({ case: item }) => Object.keys(traces.find(item.id)[0]?.observed ?? {}));
  const citedFiles = sources.flatMap(({ name, path }) => {
    const prefix = observedFile(name, "");
    return cited.filter((part) => part.startsWith(prefix)).map((part) => join(path, part.slice(prefix.length)));
  });
  return [
    ...new Set([
      config.file,
      config.exceptionsFile,
      ...(config.prompt === null ? [] : [config.prompt]),
      dbt.path,
      dbt.projectDir,
      ...(dbt.profilesDir === null ? [] : [dbt.profilesDir]),
      join(dbt.projectDir, "dbt_project.yml"),
      join(dbt.projectDir, "target", "manifest.json"),
      summary.cwd,
      join(summary.artifacts, "manifest.json"),
      ...(dbt.state === null ? [] : [dbt.state, join(dbt.state, "manifest.json")]),
      join(summary.artifacts, "run_results.json"),
      ...sources.flatMap(({ path, dir }) => [path, join(path, dir)]),
      ...credentials.files,
      ...citedFiles,
    ]),
  ];
}
