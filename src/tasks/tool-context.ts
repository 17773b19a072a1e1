/**
 * Binds the tools to one task of a session: what its agent may see and how it is masked, and where its findings go.
 * Knows no protocol and no tool by name.
 */
import { join } from "node:path";
import type { ToolContext } from "../mcp/context.js";
import { openQueryLog, type QueryLog } from "../mcp/query-log.js";
import type { Case } from "../model/case.js";
import type { Project } from "../model/project.js";
import { ok } from "../model/result.js";
import type { Query, Warehouse } from "../model/warehouse.js";
import { type AdmissionDesk, shownResult } from "./admission.js";
import { lineageVerdict } from "./lineage-verdict.js";
import type { Session } from "./session.js";

export interface ToolRoom {
  readonly session: Session;
  /** Id of the task; null where the cases of several are served. */
  readonly task: string | null;
  readonly cases: readonly Case[];
  readonly desk: AdmissionDesk;
  /** For queries of ours: limited in time, not masked. */
  readonly query: Query;
  /** For queries of the agent: through the gate as well. */
  readonly gated: Query;
  readonly queries: QueryLog;
  readonly checkouts: Readonly<Record<string, string>>;
  readonly evidenceDir: string | null;
  readonly project: Project | null;
  readonly warehouse: Pick<Warehouse, "dialect" | "describe">;
  readonly warn: (message: string) => void;
}

/** queries.jsonl in a task's folder. */
export function taskQueries(folder: string, { now, redact }: Pick<Session, "now" | "redact">): Promise<QueryLog> {
  return openQueryLog({ file: join(folder, "queries.jsonl"), now, redact });
}

export function toolContext(room: ToolRoom): ToolContext {
  const { session, desk, warehouse } = room;
  const { config } = session;
  const inTurn = atMost(queriesAtOnce);
  return {
    task: room.task,
    groupLabel: config.groupBy.label,
    cases: room.cases,
    isOpen: (id) => !desk.answered.has(id),
    categories: config.categories,
    checkouts: room.checkouts,
    evidenceDir: room.evidenceDir,
    project: room.project,
    dbtDir: config.dbt.dir,
    dialect: warehouse.dialect,
    exceptions: session.exceptions,
    today: session.run.startedAt.toISOString().slice(0, 10),
    query: (sql, options = {}) =>
      inTurn(async () => {
        const signal = AbortSignal.any([session.signal, ...(options.signal === undefined ? [] : [options.signal])]);
        const result = await room.gated(sql, { ...options, signal });
        return result.ok ? ok(shownResult(result.value, session)) : result;
      }),
    describe: warehouse.describe,
    redact: session.redact,
    redactValues: session.redactValues,
    queries: room.queries,
    verdict: (item) => lineageVerdict(item, room),
    submit: (draft, signal) => desk.submit(draft, undefined, signal),
    failure: () => desk.failure,
    warn: room.warn,
  };
}

/** Of one agent; the others want the warehouse as well. */
const queriesAtOnce = 4;
/** Lets so many works run at a time, the others in the order in which they came. */
function atMost(count: number): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
