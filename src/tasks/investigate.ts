/**
 * `investigate:<task>`: gives an agent the cases of its task that have no valid trace, and asks again, at most twice,
 * for what was not admitted. Knows no agent by name, and no other task.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { missingCases } from "../findings/admit.js";
import type { InvestigationRequest } from "../model/agent.js";
import type { Case } from "../model/case.js";
import type { Objection } from "../model/finding.js";
import type { Facts, Parts } from "../model/graph.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { Task } from "../model/task.js";
import type { Query, Warehouse } from "../model/warehouse.js";
import { type AdmissionDesk, openDesk } from "./admission.js";
import { writeEvidence } from "./evidence.js";
import { renderPrompt } from "./prompt.js";
import type { Session } from "./session.js";

/** Questions in all: the first and two re-asks. */
const rounds = 3;

export interface Investigation {
  readonly task: Task;
  /** The cases that an agent must look at. */
  readonly open: readonly Case[];
  readonly partsOf: (item: Case) => Parts;
  readonly factsOf: (item: Case) => Facts;
}

/** Every open case has a finding in `session.progress` when this is ok. */
export async function investigate(investigation: Investigation, session: Session): Promise<Result<void>> {
  const { task } = investigation;
  const warehouse = await session.warehouse();
  if (!warehouse.ok) return warehouse;
  const folder = join(session.run.folder, "tasks", task.id);
  await mkdir(folder, { recursive: true });

  const query = limited(warehouse.value, session);
  const desk = openDesk({
    session,
    node: `investigate:${task.id}`,
    cases: investigation.open,
    partsOf: investigation.partsOf,
    factsOf: investigation.factsOf,
    query,
    repos: repoRoots(session),
  });
  const ended = session.agent.needsSlot
    ? await inSlot(session, (checkouts) => ask(investigation, session, desk, query, folder, checkouts))
    : await ask(investigation, session, desk, query, folder, repoRoots(session));
  await desk.settle();
  return conclude(ended, desk, investigation, session);
}

async function inSlot(
  session: Session,
  work: (checkouts: Readonly<Record<string, string>>) => Promise<Result<void>>,
): Promise<Result<void>> {
  const lease = await session.slots.lease(session.signal);
  if (!lease.ok) return lease;
  try {
    return await work({ ...repoRoots(session), ...lease.value.slot.paths });
  } finally {
    const released = await lease.value.release();
    const message = released.ok
      ? released.value &&
        `an agent changed its slot ${lease.value.slot.number}; the changes are kept in ${released.value}`
      : `slot ${lease.value.slot.number} could not be removed: ${released.failure.message}`;
    if (message) session.emit({ type: "warning", message });
  }
}

async function ask(
  { task, open }: Investigation,
  session: Session,
  desk: AdmissionDesk,
  query: Query,
  folder: string,
  checkouts: Readonly<Record<string, string>>,
): Promise<Result<void>> {
  const { config, agent } = session;
  const artifacts = await session.artifacts();
  if (!artifacts.ok) return artifacts;
  const warehouse = await session.warehouse();
  if (!warehouse.ok) return warehouse;
  const { project } = artifacts.value;
  const { dialect } = warehouse.value;
  const evidenceDir = join(folder, "evidence");
  const pack = await writeEvidence({
    config,
    project,
    cases: open,
    query,
    dialect,
    folder: evidenceDir,
    signal: session.signal,
  });
  if (!pack.ok) return pack;

  // The task's whole time, re-asks included; what was admitted by then stays.
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(config.timeouts.task)]);
  for (let round = 0; round < rounds; round += 1) {
    const cases = open.filter((item) => !desk.answered.has(item.id));
    if (cases.length === 0) break;
    const objections = round === 0 ? [] : objectionsOf(desk, cases);
    const rendered = renderPrompt(session.template, {
      config,
      task,
      cases,
      round,
      objections,
      evidenceDir,
      checkouts,
      samples: pack.value.samples,
      exceptions: session.exceptions,
    });
    if (!rendered.ok) return rendered;
    const prompt = session.redact(rendered.value);
    if (agent.readsPrompt) await writeFile(join(folder, round === 0 ? "prompt.md" : `prompt-${round + 1}.md`), prompt);
    desk.newRound();
    const request: InvestigationRequest = {
      task,
      cases,
      prompt,
      round,
      objections,
      evidenceDir,
      logDir: folder,
      checkouts,
      categories: config.categories,
      sourceRepos: config.sources,
      dbtDir: config.dbt.dir,
      project,
      dialect,
      query,
      describe: warehouse.value.describe,
      submit: (draft, took) => desk.submit(draft, took),
      reject: (answer, objection) => desk.reject(answer, objection),
      progress: (message) => session.emit({ type: "progress", node: `investigate:${task.id}`, message }),
      onActivity: (activity) => {
        if (activity.type === "spent") desk.spent(activity.usage.cost ?? 0);
      },
      tools: null,
      signal,
    };
    const ended = await agent.investigate(request);
    if (!ended.ok) return ended;
    if (desk.failure !== null) return { ok: false, failure: desk.failure };
  }
  return ok(undefined);
}

/** What was refused, and what was not answered at all. */
function objectionsOf(desk: AdmissionDesk, cases: readonly Case[]): readonly Objection[] {
  const named = new Set(desk.objections.map((objection) => objection.case));
  return [
    ...desk.objections,
    ...missingCases(
      cases.filter((item) => !named.has(item.id)),
      desk.answered,
    ),
  ];
}

function conclude(ended: Result<void>, desk: AdmissionDesk, { open }: Investigation, session: Session): Result<void> {
  const left = open.filter((item) => !desk.answered.has(item.id));
  const objections = objectionsOf(desk, left);
  const unnamed = desk.refused.get("");
  for (const item of left) {
    const answer = desk.refused.get(item.id) ?? unnamed;
    if (answer === undefined) continue;
    const own = objections.filter((objection) => objection.case === item.id || objection.case === null);
    session.progress.rejected.set(item.id, { objections: own, answer });
  }
  // What the agent handed in before it died counts.
  if (left.length === 0) return session.signal.aborted ? ended : ok(undefined);
  if (!ended.ok) return session.signal.aborted ? ended : outOfTime(ended.failure, session);
  const first = objections[0];
  return failed(
    "answer-invalid",
    `${left.length} of ${open.length} cases have no valid finding after ${rounds} questions`,
    {
      hint: "The agent's answers are kept beside its prompt in the run's folder.",
      ...(first === undefined ? {} : { detail: first.message }),
    },
  );
}

/** An agent that was ended though nobody stopped the run has used up its task's time. */
function outOfTime(failure: Failure, { config }: Session): Result<never> {
  if (failure.code !== "aborted") return { ok: false, failure };
  return failed("agent-timeout", `the task took longer than ${config.timeouts.task / 1000} s`, {
    hint: "Raise timeouts.task, or lower maxTestsPerTask.",
  });
}

/** Absolute roots in the user's own tree. */
function repoRoots({ config }: Session): Readonly<Record<string, string>> {
  return Object.fromEntries([["dbt", config.dbt.path], ...config.sources.map(({ name, path }) => [name, path])]);
}

function limited(warehouse: Warehouse, session: Session): Query {
  return (sql, options) =>
    warehouse.query(sql, { timeout: session.config.timeouts.query, signal: session.signal, ...options });
}
