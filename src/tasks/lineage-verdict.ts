/**
 * What the lineage agent would say of cases that another agent is given: a lead, never a condition. One walk a test, shared
 * with the tools and by all tasks. Nothing that goes wrong here is anybody's failure.
 */
import type { Case } from "../model/case.js";
import type { FindingDraft } from "../model/finding.js";
import type { Project } from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Query, Warehouse } from "../model/warehouse.js";
import type { AgentTools } from "./agent-tools.js";
import type { Session } from "./session.js";

export interface VerdictRoom {
  readonly session: Pick<Session, "config" | "signal"> & {
    readonly tools: Pick<AgentTools, "walks" | "walkBudget" | "signal">;
  };
  /** Null where there is no manifest: then there is nothing to follow. */
  readonly project: Project | null;
  readonly query: Query;
  readonly warehouse: Pick<Warehouse, "dialect" | "describe">;
}

/** As the lineage agent has it by default. */
const maxQueries = 40;

/** As the lineage agent would draft it; null where it can say nothing. The parser of SQL is loaded when somebody asks. */
export async function lineageVerdict(item: Case, room: VerdictRoom): Promise<Result<FindingDraft | null>> {
  const { session, project, query, warehouse } = room;
  if (project === null) return ok(null);
  const [{ sharedWalk }, { tell }] = await Promise.all([
    import("../lineage/shared-walk.js"),
    import("../lineage/tell.js"),
  ]);
  const { dialect, describe } = warehouse;
  const { config, tools } = session;
  // The walk is everybody's: it ends with the run, and who asks for it stops waiting when their own task ends.
  const { signal, walkBudget } = tools;
  const ownQuery: Query = (sql, options) => query(sql, { ...options, signal });
  const request = { project, item, dialect, describe, query: ownQuery, signal, walkBudget, maxQueries };
  const walk = await whileWanted(sharedWalk(request, tools.walks), session.signal);
  if (!walk.ok) return walk;
  const { categories, sources } = config;
  const told = tell({ item, walk: walk.value, project, categories, sourceRepos: sources, dialect });
  return ok(told?.draft ?? null);
}

async function whileWanted<Value>(work: Promise<Result<Value>>, signal: AbortSignal): Promise<Result<Value>> {
  const aborted = (): Result<never> => failed("aborted", "the investigation was stopped");
  if (signal.aborted) return aborted();
  let stop = (): void => {};
  const stopped = new Promise<Result<never>>((resolve) => {
    stop = () => resolve(aborted());
    signal.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([work, stopped]).finally(() => signal.removeEventListener("abort", stop));
}

/** Milliseconds that a task waits for the verdicts of all its cases. What is late is there for those who ask a tool. */
const longestWait = 60_000;

/**
 * Case id → draft, of as many cases as there is time for.
 * @param patience resolves when nobody waits any longer.
 */
export async function lineageVerdicts(
  cases: readonly Case[],
  room: VerdictRoom,
  warn: (message: string) => void,
  patience: Promise<void> | null = null,
): Promise<ReadonlyMap<string, FindingDraft>> {
  const verdicts = new Map<string, FindingDraft>();
  const { config, signal } = room.session;
  const giveUp = new AbortController();
  const wait = Math.min(longestWait, config.timeouts.task / 4);
  const timer = patience === null ? setTimeout(() => giveUp.abort(), wait) : undefined;
  patience?.then(() => giveUp.abort());
  const waiting = AbortSignal.any([signal, giveUp.signal]);
  let spent: string | null = null;
  const own: VerdictRoom = { ...room, session: { ...room.session, signal: waiting } };
  try {
    for (const item of cases) {
      const told = await lineageVerdict(item, own);
      if (waiting.aborted) break;
      if (told.ok && told.value !== null) verdicts.set(item.id, told.value);
      if (!told.ok && told.failure.code === "agent-budget") spent = told.failure.message;
    }
  } catch (error) {
    warn(`the lineage could not be followed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
  }
  if (giveUp.signal.aborted && verdicts.size < cases.length)
    warn(
      `the lineage was not followed to its end in time: ${cases.length - verdicts.size} cases go without its verdict`,
    );
  if (spent !== null) warn(`${spent}: ${cases.length - verdicts.size} cases go without the lineage's verdict`);
  return verdicts;
}
