/**
 * One walk a test and state of its failing rows, shared by all who ask at the same time or later in a run.
 * Knows no agent and no task.
 */
import type { WalkBudget } from "../model/agent.js";
import type { Case } from "../model/case.js";
import { digestOf } from "../model/digest.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { Query } from "../model/warehouse.js";
import { loadColumnLineage } from "./column-lineage.js";
import { walkDeep } from "./deep-walk.js";
import type { Walk } from "./verdict.js";
import type { WalkRequest } from "./walk.js";

export type Walks = Map<string, Promise<Result<Walk>>>;

export interface SharedWalkRequest
  extends Pick<WalkRequest, "project" | "dialect" | "query" | "describe" | "maxQueries"> {
  readonly item: Case;
  readonly signal: AbortSignal;
  /** Of all walks of a run; absent: no limit. */
  readonly walkBudget?: WalkBudget;
}

/** Failure codes: aborted, agent-budget, warehouse-auth, warehouse-unreachable. What the SQL does not give away is an undecided verdict. */
export async function sharedWalk(request: SharedWalkRequest, walks: Walks): Promise<Result<Walk>> {
  const { test, failingRows } = request.item;
  const key = digestOf([test.id, failingRows.sql, failingRows.groupColumn]);
  const known = walks.get(key);
  if (known !== undefined) return known;
  const walk = start(request);
  walks.set(key, walk);
  // A walk that the world cut short says nothing of the test: the next one who asks walks again.
  const forget = () => walks.delete(key);
  walk.then((result) => result.ok || forget(), forget);
  return walk;
}

async function start({ item, signal, walkBudget, ...request }: SharedWalkRequest): Promise<Result<Walk>> {
  let outage: Failure | null = null;
  const query: Query = async (sql, options) => {
    if (walkBudget?.take() === false) {
      // No verdict: an undecided one would be used again by runs that may ask more.
      const spent = failed("agent-budget", `the ${walkBudget.max} queries of this run's lineage walks are used up`, {
        hint: "what was found is kept, and `audit-run retry` goes on; `lineage.maxQueries` is the limit",
      });
      outage ??= spent.failure;
      return spent;
    }
    const answer = await request.query(sql, options);
    if (!answer.ok && ["aborted", "warehouse-auth", "warehouse-unreachable"].includes(answer.failure.code))
      outage ??= answer.failure;
    return answer;
  };
  const lineage = await loadColumnLineage(request.dialect.name);
  const { failingRows } = item;
  const walk = await walkDeep({ ...request, test: item.test.id, failingRows, lineage, query });
  if (outage !== null) return { ok: false, failure: outage };
  return signal.aborted ? failed("aborted", "the investigation was stopped") : ok(walk);
}
