/**
 * What `judge` is given: the inputs of summary, export and every case as they are now. `plan` and `run` both come here,
 * so that neither can know better than the other.
 */

import { join } from "node:path";
import { projectVars } from "../config/dbt-project.js";
import { readTextFile } from "../config/files.js";
import { relevantParts } from "../dbt/relevance.js";
import { type AppliedExceptions, applyExceptions } from "../findings/exceptions.js";
import type { Assignment } from "../graph/assign.js";
import { assign } from "../graph/assign.js";
import { type AgentParts, caseFacts, caseParts, sharedParts } from "../graph/fingerprint.js";
import { judge } from "../graph/judge.js";
import type { Investigator } from "../model/agent.js";
import type { Case, Export, TestRef } from "../model/case.js";
import type { Config } from "../model/config.js";
import { digestOf } from "../model/digest.js";
import type { AcceptedException, Finding } from "../model/finding.js";
import type { Facts, Parts, Trace, Verdict } from "../model/graph.js";
import type { Project } from "../model/project.js";
import type { Result } from "../model/result.js";
import type { TraceReader } from "../model/trace-store.js";
import { artifactsDigest } from "../tasks/summary.js";
import { coarseParts } from "./coarse.js";
import { earlierLooks, type Looked, lookAgain, observedNow, observeFiles } from "./looks.js";
import type { Requery } from "./requery.js";

/** Which cases a run is narrowed to; empty lists narrow nothing. */
export interface Selection {
  readonly groups: readonly string[];
  readonly tests: readonly string[];
}

export interface SummaryJudgement {
  readonly verdict: Verdict;
  /** For the user: a watermark that could not be read. */
  readonly warning: string | null;
  /** To be recorded when it has run. */
  readonly parts: Parts;
}

/**
 * @param watermark asks the user's scalar query; only called where the config has one and an earlier result exists.
 */
export async function judgeSummary(
  config: Config,
  traces: TraceReader,
  now: Date,
  watermark: () => Promise<Result<string>>,
): Promise<SummaryJudgement> {
  const { summary } = config;
  const artifacts = await artifactsDigest(summary.artifacts);
  const settings = summarySettings(config);
  const known = traces.find("summary");
  const observe = (): string => artifacts;
  const always = {
    verdict: { kind: "run", reasons: [{ part: "summary", change: "always" }] },
    parts: { settings },
    warning: null,
  } as const;
  if (summary.run === null) {
    // Whoever builds the table need not leave artifacts here: nothing tells that it is as it was but a look at it.
    if (summary.table !== null) return always;
    const parts = { settings, artifacts };
    return { verdict: judge({ kind: "known", parts }, known, observe), parts, warning: null };
  }
  const last = known[0];
  if (summary.maxAge !== null && last !== undefined && last.parts.settings === settings) {
    const age = now.getTime() - Date.parse(last.at);
    const fresh = age >= 0 && age < summary.maxAge;
    if (fresh && last.observed.artifacts === artifacts)
      return { verdict: { kind: "reuse", trace: last }, parts: last.parts, warning: null };
  }
  if (summary.watermark !== null) {
    const value = await watermark();
    // A watermark that cannot be read says nothing; the command will.
    const parts = { settings, watermark: value.ok ? value.value : `unknown at ${now.toISOString()}` };
    const warning = value.ok
      ? null
      : `summary.watermark could not be read, so the command runs: ${value.failure.message}`;
    // Not an older one: a watermark that came back does not bring back what the command has overwritten since.
    return { verdict: judge({ kind: "known", parts }, known.slice(0, 1), observe), parts, warning };
  }
  return always;
}

/**
 * Artifacts are known by their content, wherever they lie. What a command reads is not: then the folder stands for it, or
 * two checkouts with one audit folder would take each other's summary for their own.
 */
function summarySettings({ summary: { run, cwd, env, artifacts } }: Config): string {
  return digestOf(run === null ? { run } : { run, cwd, env, artifacts });
}

/** @param summary the trace of the summary that the export would read; null: it has yet to run. */
export function judgeExport(
  config: Config,
  traces: TraceReader,
  summary: Trace | null,
): { readonly verdict: Verdict; readonly parts: Parts } {
  const settings = digestOf({
    groupBy: config.groupBy,
    tests: config.tests,
    table: config.summary.table,
    digestIgnore: config.digestIgnore,
    failuresSchema: config.dbt.failuresSchema,
    warehouse: config.warehouse,
  });
  if (summary === null) {
    return { verdict: judge({ kind: "awaiting", node: "summary" }, [], () => null), parts: { settings } };
  }
  const parts = { settings, summary: summary.output };
  return { verdict: judge({ kind: "known", parts }, traces.find("export"), () => null), parts };
}

export interface Assigned {
  readonly assignment: Assignment;
  readonly exceptions: AppliedExceptions;
  readonly partsOf: (item: Case) => Parts;
  readonly factsOf: (item: Case) => Facts;
  /** Outputs of the traces that are used again, by case id. */
  readonly reusable: ReadonlyMap<string, Finding>;
  /** Queries that were run again; undefined where that could not be done. */
  readonly looked: Looked;
  /** False: cases depend on the whole repository, since there is no manifest. */
  readonly hasProject: boolean;
}

export interface AssignInput {
  readonly config: Config;
  readonly agent: Investigator;
  /** Digest of the prompt's template. */
  readonly template: string;
  readonly traces: TraceReader;
  readonly exported: Export;
  readonly project: Project | null;
  readonly exceptions: readonly AcceptedException[];
  readonly selection: Selection;
  /** Which data the warehouse holds; null where the summary has yet to run (then queries are taken to give what they gave). */
  readonly data: string | null;
  /** Runs cited queries again. Null where nobody may: then a finding that was not looked at since the data changed is undecided. */
  readonly requery: Requery | null;
  /** ISO date. */
  readonly today: string;
}

/** What decides a case's finding, and what a person would say of it. */
export async function caseInputs({
  config,
  agent,
  template,
  project,
}: Pick<AssignInput, "config" | "agent" | "template" | "project">): Promise<Pick<Assigned, "partsOf" | "factsOf">> {
  const agentShare = agentParts(agent, template);
  const projectFile = readTextFile(join(config.dbt.projectDir, "dbt_project.yml"));
  const vars = projectFile.kind === "text" ? projectVars(projectFile.text) : null;
  const shared = sharedParts(config, agentShare, vars);
  const factsOf = (item: Case): Facts => caseFacts(item, agentShare);
  const lineage = new Map<string, Parts>();
  const coarse = project === null ? await coarseParts(config.dbt.projectDir) : {};
  const partsOf = (item: Case): Parts => {
    let parts = lineage.get(item.test.id);
    if (parts === undefined) {
      parts =
        project === null ? coarse : { ...relevantParts(project, item.test.id), ...stateParts(project, item.test.id) };
      lineage.set(item.test.id, parts);
    }
    return caseParts(item, shared, agentShare.modelOf(item.test), parts, config);
  };
  return { partsOf, factsOf };
}

/** What was of a case's lineage is knowledge that the user gives: a verdict may rest on it. */
function stateParts({ earlier }: Project, test: string): Parts {
  return earlier === null || earlier === undefined ? {} : { state: digestOf(relevantParts(earlier.project, test)) };
}

/** Applies the exceptions, packs what remains into tasks and judges every case. */
export async function assignCases(input: AssignInput): Promise<Assigned> {
  const { config, agent, traces, project, exported, selection } = input;
  const exceptions = applyExceptions(exported.cases, input.exceptions, input.today);
  const { partsOf, factsOf } = await caseInputs(input);
  const observed = await observeFiles(exceptions.remaining, traces, config);
  const recorded = await earlierLooks(traces, input.data);
  const looked = new Map<string, string | null | undefined>();
  // A trace whose output is gone or damaged can be used by nobody: judged again without it.
  const broken = new Set<string>();
  for (;;) {
    const assignment = assign(exceptions.remaining, {
      strategy: config.strategy,
      maxTestsPerTask: config.maxTestsPerTask,
      agents: agent.needsSlot ? config.slots.count : config.concurrency.warehouse,
      partsOf,
      factsOf,
      tracesOf: (id) => traces.find(id).filter((trace) => !broken.has(trace.output)),
      observe: (name, trace) => observedNow(name, trace, observed, { recorded, looked, data: input.data }),
      selects: (item) => isSelected(item, selection),
    });
    const before = broken.size + looked.size;
    const reusable = new Map<string, Finding>();
    const unsure: Finding[] = [];
    for (const { case: item, verdict } of assignment.tasks.flatMap((task) => task.cases)) {
      if (verdict.kind === "run" || verdict.trace === undefined) continue;
      const finding = (await traces.read(verdict.trace)) as Finding | null;
      if (finding === null) broken.add(verdict.trace.output);
      else if (verdict.kind === "reuse") reusable.set(item.id, asNow(finding, item));
      else unsure.push(finding);
    }
    if (input.requery !== null) await lookAgain(unsure, looked, input.requery);
    // Judged again, since what was found may have changed a verdict.
    if (broken.size + looked.size === before) {
      return { assignment, exceptions, partsOf, factsOf, reusable, looked, hasProject: project !== null };
    }
  }
}

/** The test as it is described now; the finding itself stays what it was. */
function asNow(finding: Finding, { test, group, failures, rows }: Case): Finding {
  return { ...finding, test, group, failures, rows };
}

export function isSelected(item: Case, { groups, tests }: Selection): boolean {
  return (
    (groups.length === 0 || groups.includes(item.group.key)) && (tests.length === 0 || tests.includes(item.test.name))
  );
}

function agentParts(agent: Investigator, template: string): AgentParts {
  const { id, parts } = agent;
  const modelOf = (test: TestRef): string | null => (agent.variantOf?.(test) ?? agent).model;
  return { id, modelOf, parts, prompt: agent.readsPrompt ? template : null };
}
