/**
 * `investigate:<task>`: gives an agent the cases of its task that have no valid trace, and asks again, at most twice,
 * for what was not admitted. Knows no agent by name, and no other task.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { missingCases } from "../findings/admit.js";
import type { QueryLog } from "../mcp/query-log.js";
import type { AgentActivity, InvestigationRequest, Investigator, ToolServer } from "../model/agent.js";
import type { Case } from "../model/case.js";
import type { Objection } from "../model/finding.js";
import type { Facts, Parts } from "../model/graph.js";
import type { Project } from "../model/project.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { Task } from "../model/task.js";
import type { Query, Warehouse } from "../model/warehouse.js";
import { describeBatch } from "../sql/index.js";
import { type AdmissionDesk, openDesk } from "./admission.js";
import { beginWork, isolationOf } from "./at-work.js";
import { type Briefing, briefing } from "./briefing.js";
import type { CasesByTest } from "./earlier-findings.js";
import { writeEvidence } from "./evidence.js";
import { gatedQueries } from "./gated.js";
import { renderFollowUp, renderPrompt } from "./prompt.js";
import type { Session } from "./session.js";
import { taskQueries, toolContext } from "./tool-context.js";

/** Questions in all: the first and two re-asks. */
const rounds = 3;

export interface Investigation {
  readonly task: Task;
  /** The cases that an agent must look at. */
  readonly open: readonly Case[];
  /** All cases of the audit, for what others have found of the same tests. */
  readonly all: CasesByTest;
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

  const artifacts = await session.artifacts();
  if (!artifacts.ok) return artifacts;
  const query = limited(warehouse.value, session);
  const { config, signal } = session;
  const room = { config, signal, project: artifacts.value.project, cases: investigation.open };
  const gated = gatedQueries(warehouse.value, room).query;
  const queries = await taskQueries(folder, session);
  const desk = openDesk({
    session,
    node: `investigate:${task.id}`,
    cases: investigation.open,
    partsOf: investigation.partsOf,
    factsOf: investigation.factsOf,
    query: gated,
    repos: repoRoots(session),
    sqlOf: queries.sqlOf,
    isolation: isolationOf(session),
  });
  const begin = async (checkouts: Checkouts, slot: number | null): Promise<Result<void>> => {
    const work = await beginWork(session, task.id, slot);
    const own = { ...session, emit: work.emit };
    return ask(investigation, own, desk, { query, gated }, queries, folder, checkouts).finally(work.end);
  };
  const ended = session.agent.needsSlot ? await inSlot(session, begin) : await begin(repoRoots(session), null);
  await desk.settle();
  const concluded = conclude(ended, desk, investigation, session);
  if (concluded.ok || concluded.failure.code !== "answer-invalid") return concluded;
  const left = investigation.open.filter((item) => !desk.answered.has(item.id));
  const gone = (await missingRows(left, query, warehouse.value)) ?? missingEvidence(desk);
  return gone === null ? concluded : withoutRelation(concluded.failure, gone);
}

/** What the failing rows of these cases are read from, and is not there any more. */
async function missingRows(cases: readonly Case[], query: Query, { dialect }: Warehouse): Promise<Failure | null> {
  const sqls = [...new Set(cases.map(({ failingRows }) => failingRows.sql))];
  const described = await describeBatch(sqls, { query, dialect });
  if (!described.ok) return null;
  const gone = described.value.find((read) => !read.ok && read.failure.code === "relation-missing");
  return gone === undefined || gone.ok ? null : gone.failure;
}

/** What was cited at last and is not there, where that is all that was wrong. */
function missingEvidence({ missing, objections }: AdmissionDesk): Failure | null {
  return objections.every(({ code }) => code === "query-failed") ? missing : null;
}

/** Asking again is no use: only dbt, or a right, brings it back. */
function withoutRelation({ message, detail }: Failure, gone: Failure): Result<never> {
  const [said] = gone.message.split("\n");
  return failed("relation-missing", `${message}, since a relation that they need cannot be read: ${said}`, {
    hint: "Run dbt, so that it is there again, then `audit-run`: a retry takes the export from before.",
    ...(detail === undefined ? {} : { detail }),
  });
}

type Checkouts = Readonly<Record<string, string>>;

async function inSlot(
  session: Session,
  work: (checkouts: Checkouts, slot: number) => Promise<Result<void>>,
): Promise<Result<void>> {
  const lease = await session.slots.lease(session.signal);
  if (!lease.ok) return lease;
  try {
    const { number, paths } = lease.value.slot;
    return await work({ ...repoRoots(session), ...paths }, number);
  } finally {
    const released = await lease.value.release();
    const message = released.ok
      ? released.value &&
        `an agent changed its slot ${lease.value.slot.number}; the changes are kept in ${released.value}`
      : `slot ${lease.value.slot.number} could not be removed: ${released.failure.message}`;
    if (message) session.emit({ type: "warning", message });
  }
}

/** What all conversations of one task share. */
interface Room {
  readonly task: Task;
  readonly session: Session;
  readonly desk: AdmissionDesk;
  /** For queries of ours. */
  readonly query: Query;
  /** For queries of the agent. */
  readonly gated: Query;
  readonly queries: QueryLog;
  readonly folder: string;
  readonly checkouts: Readonly<Record<string, string>>;
  readonly project: Project | null;
  readonly warehouse: Warehouse;
  /** Null where the config wants no evidence. */
  readonly evidenceDir: string | null;
  readonly briefing: Briefing;
  readonly signal: AbortSignal;
}

async function ask(
  { task, open, all }: Investigation,
  session: Session,
  desk: AdmissionDesk,
  doors: Pick<Room, "query" | "gated">,
  queries: QueryLog,
  folder: string,
  checkouts: Readonly<Record<string, string>>,
): Promise<Result<void>> {
  const { config, exceptions } = session;
  const artifacts = await session.artifacts();
  if (!artifacts.ok) return artifacts;
  const warehouse = await session.warehouse();
  if (!warehouse.ok) return warehouse;
  const { project } = artifacts.value;
  const brief = await briefing({
    ...{ session, cases: open, all, project, traces: session.traces, found: session.progress.findings },
    source: config.evidence ? { query: doors.query, warehouse: warehouse.value } : null,
    // Who reads no prompt follows the rows itself.
    withoutVerdicts: !session.agent.readsPrompt,
    warn: (message) => session.emit({ type: "warning", message: `${task.id}: ${message}` }),
  });
  if (!brief.ok) return brief;
  const evidenceDir = config.evidence ? join(folder, "evidence") : null;
  if (evidenceDir !== null) {
    const { signal } = session;
    const written = { config, project, cases: open, ...brief.value, folder: evidenceDir, signal, exceptions };
    const pack = await writeEvidence(written);
    if (!pack.ok) return pack;
  }

  // The task's whole time, re-asks included; what was admitted by then stays.
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(config.timeouts.task)]);
  const room = { task, session, desk, ...doors, queries, folder, checkouts, project, evidenceDir, signal };
  const shared = { ...room, briefing: brief.value };
  // Tests that the agent treats otherwise, by another model say, are another conversation of the same task.
  for (const { suffix, cases } of byVariant(open, session.agent)) {
    const ended = await converse({ ...shared, warehouse: warehouse.value }, cases, suffix);
    if (!ended.ok) return ended;
  }
  return ok(undefined);
}

/** Asks, and asks again for what was not admitted. */
async function converse(room: Room, own: readonly Case[], suffix: string): Promise<Result<void>> {
  const { task, session, desk, folder, signal } = room;
  const { config, agent } = session;
  for (let round = 0; round < rounds; round += 1) {
    const cases = own.filter((item) => !desk.answered.has(item.id));
    if (cases.length === 0) break;
    const broke = session.ledger.usedUp(task.id);
    if (broke !== null) return failed("agent-budget", broke, { hint: "`budget.task` is its limit." });
    const objections = round === 0 ? [] : objectionsOf(desk, cases);
    const { evidenceDir, checkouts } = room;
    const { exceptions } = session;
    const input = { config, task, cases, round, objections, evidenceDir, checkouts, exceptions, ...room.briefing };
    const rendered = renderPrompt(session.template, input);
    if (!rendered.ok) return rendered;
    const prompt = session.redact(rendered.value);
    const file = `prompt${suffix}${round === 0 ? "" : `-${round + 1}`}.md`;
    if (agent.readsPrompt) await writeFile(join(folder, file), prompt);
    desk.newRound();
    const tools = toolsOf(room, own);
    const request: InvestigationRequest = {
      task,
      cases,
      prompt,
      followUp: round === 0 ? null : session.redact(renderFollowUp(input)),
      round,
      objections,
      evidenceDir,
      logDir: folder,
      checkouts,
      categories: config.categories,
      sourceRepos: config.sources,
      dbtDir: config.dbt.dir,
      project: room.project,
      dialect: room.warehouse.dialect,
      query: room.query,
      describe: room.warehouse.describe,
      submit: (draft, took) => desk.submit(draft, took),
      reject: (answer, objection) => desk.reject(answer, objection),
      unanswered: () => cases.filter((item) => !desk.answered.has(item.id)),
      progress: (message) => session.emit({ type: "progress", node: `investigate:${task.id}`, message }),
      onActivity: (activity) => {
        session.emit({ type: "agent", node: `investigate:${task.id}`, activity: inShort(activity) });
        if (activity.type === "spent") {
          desk.spent(activity.usage.cost ?? 0);
          session.ledger.note(task.id, activity.usage);
        }
        if (activity.type === "started") desk.started(activity);
      },
      walkBudget: session.tools.walkBudget,
      budget: () => session.ledger.left(task.id),
      tools: () => tools.open(),
      signal,
    };
    const ended = await agent.investigate(request).finally(() => tools.close());
    // What it has handed in by a tool, and did not wait for.
    await desk.idle();
    if (!ended.ok) return ended;
    if (desk.failure !== null) return { ok: false, failure: desk.failure };
  }
  return ok(undefined);
}

/** Characters of what an agent says or hands to a tool that an event holds. */
const shownWords = 300;

function inShort(activity: AgentActivity): AgentActivity {
  const cut = (text: string): string => (text.length <= shownWords ? text : `${text.slice(0, shownWords)}…`);
  if (activity.type === "says") return { ...activity, text: cut(activity.text) };
  return activity.type === "uses" ? { ...activity, detail: cut(activity.detail) } : activity;
}

/** Tools for one question: who is asked again is given others, and those of before are closed. */
function toolsOf(room: Room, cases: readonly Case[]) {
  const { session, task } = room;
  const opened: ToolServer[] = [];
  const warn = (message: string): void =>
    session.emit({ type: "warning", node: `investigate:${task.id}`, message: `${task.id}: ${message}` });
  return {
    async open(): Promise<Result<ToolServer>> {
      const context = toolContext({ ...room, task: task.id, cases, warn });
      const server = await session.tools.host.open(context);
      if (server.ok) opened.push(server.value);
      return server;
    },
    close: () => Promise.all(opened.map((server) => server.close())),
  };
}

/** The cases by the agent's variants, in the order of their first case. */
export function byVariant(
  cases: readonly Case[],
  agent: Investigator,
): readonly { readonly suffix: string; readonly cases: readonly Case[] }[] {
  const groups = new Map<string, Case[]>();
  for (const item of cases) {
    const key = agent.variantOf?.(item.test).key ?? "";
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups].map(([key, own]) => ({ suffix: key === "" ? "" : `-${key}`, cases: own }));
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
export function repoRoots({ config }: Pick<Session, "config">): Readonly<Record<string, string>> {
  return Object.fromEntries([["dbt", config.dbt.path], ...config.sources.map(({ name, path }) => [name, path])]);
}

export function limited(warehouse: Warehouse, session: Pick<Session, "config" | "signal">): Query {
  return (sql, options) =>
    warehouse.query(sql, { timeout: session.config.timeouts.query, signal: session.signal, ...options });
}
