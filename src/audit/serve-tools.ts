/**
 * The tools for a person's own agent, on stdin and stdout, outside of runs: over the last export's cases that have no
 * finding. The audit folder is taken for the moment of each finding alone; one task is claimed as long as it is served.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { readTraceStore } from "../execution/traces.js";
import { withSql } from "../mcp/claim-tools.js";
import type { Case } from "../model/case.js";
import type { Trace } from "../model/graph.js";
import { ok, type Result } from "../model/result.js";
import type { TraceReader, TraceStore } from "../model/trace-store.js";
import type { Warehouse } from "../model/warehouse.js";
import { redactStrings } from "../support/redact.js";
import { openDesk } from "../tasks/admission.js";
import { createAgentTools } from "../tasks/agent-tools.js";
import { gatedQueries } from "../tasks/gated.js";
import { limited, repoRoots } from "../tasks/investigate.js";
import { type Artifacts, newProgress, type Session } from "../tasks/session.js";
import { taskQueries, toolContext } from "../tasks/tool-context.js";
import { type Borrower, borrowedStore } from "./borrowed-store.js";
import { type Coordination, openCoordination } from "./coordination.js";
import { exitCodes } from "./exit-codes.js";
import type { Assigned } from "./inputs.js";
import { lastWork, tasksNamed } from "./last-work.js";
import { openLedger } from "./ledger.js";
import { type LoadedAudit, type Refusal, refusal } from "./load.js";
import { openWarehouse } from "./open.js";
import { claimOwn, type OwnClaim } from "./own-claim.js";
import { tellingRefusals } from "./refused-claims.js";
import { auditFolders, makeFolders } from "./run-folder.js";
import { toolSharing } from "./tool-sharing.js";

export interface ServedTools {
  /** Cases that could be answered. */
  readonly open: number;
  /** Findings that were admitted. */
  readonly admitted: number;
  /** Cases that have none yet. */
  readonly left: number;
}

export interface ServeOptions {
  /** Id of one task; null: the cases of all. */
  readonly task: string | null;
  readonly streams: { readonly stdin: NodeJS.ReadableStream; readonly stdout: NodeJS.WritableStream };
  /** Told when clients are answered, with the number of open cases. */
  readonly ready: (open: number) => void;
  readonly warn: (message: string) => void;
}

/** What the last export has left to do, and how its findings are to be recorded. */
interface Work extends Pick<Assigned, "partsOf" | "factsOf"> {
  readonly exported: Trace;
  readonly cases: readonly Case[];
  /** Which data the warehouse holds. */
  readonly data: string;
  readonly artifacts: Artifacts;
}

/** A task of which nothing is left is nobody's to claim. */
async function claimOf(
  { cases }: Work,
  coordination: Coordination,
  { request: { env } }: LoadedAudit,
  { task, warn }: ServeOptions,
): Promise<Result<OwnClaim | null>> {
  if (task === null || cases.length === 0) return ok(null);
  const owner = env.USER || env.LOGNAME || env.USERNAME || "mcp";
  return claimOwn(coordination, { task, owner, warn });
}

interface Shared extends Borrower {
  /** Cases whose findings were handed in with their tasks. */
  readonly admitted: ReadonlySet<string>;
}

/** Resolves when the client has gone. */
export async function serveTools(loaded: LoadedAudit, options: ServeOptions): Promise<Refusal | ServedTools> {
  const { config, request } = loaded;
  const reader = await readTraceStore(auditFolders(config.dir, "none").traces);
  const found = reader.ok ? await workOf(loaded, reader.value, options.task) : reader;
  if (!found.ok) {
    const exitCode = found.failure.code === "usage" ? exitCodes.usage : exitCodes.preflight;
    return refusal(exitCode, redactStrings(found.failure, loaded.redact));
  }
  const folders = auditFolders(config.dir, found.value.exported.run);
  await makeFolders(folders);
  const opened = await openWarehouse(loaded, { scratchDir: folders.scratch, ...request });
  if (!opened.ok) return refusal(exitCodes.preflight, redactStrings(opened.failure, loaded.redact));
  try {
    const coordination = tellingRefusals(await openCoordination(config, request.now, options.warn));
    const admitted = new Set<string>();
    const sharing = toolSharing(coordination, loaded, (cases) => {
      for (const id of cases) admitted.add(id);
    });
    const claim = await claimOf(found.value, coordination, loaded, options);
    if (!claim.ok) return refusal(exitCodes.notYet, redactStrings(claim.failure, loaded.redact));
    const own = claim.value;
    let isDone = false;
    try {
      const served = await serve(loaded, found.value, opened.value, { ...options, sharing, admitted, own });
      isDone = served.left === 0;
      return served;
    } finally {
      await own?.end(isDone);
    }
  } finally {
    await opened.value.close();
  }
}

/** As a retry does: of the last export, as it is. Failure codes: those of the last work, and usage. */
async function workOf(loaded: LoadedAudit, traces: TraceReader, task: string | null): Promise<Result<Work>> {
  const last = await lastWork(loaded, traces);
  if (!last.ok) return last;
  const wanted = tasksNamed(last.value.tasks, task);
  if (!wanted.ok) return wanted;
  const open = wanted.value.flatMap(({ cases }) => cases.filter(({ verdict }) => verdict.kind === "run"));
  return ok({ ...last.value, exported: last.value.trace, cases: open.map((each) => each.case) });
}

async function serve(
  loaded: LoadedAudit,
  work: Work,
  warehouse: Warehouse,
  shared: ServeOptions & Shared,
): Promise<ServedTools> {
  const { task, streams, ready, warn, sharing, admitted, own } = shared;
  const borrowed = borrowedStore(loaded, work, shared);
  const session = sessionOf(loaded, work, warehouse, borrowed.traces);
  const folder = join(session.run.folder, "tasks", task ?? "mcp");
  await mkdir(folder, { recursive: true });
  const queries = await taskQueries(folder, session);
  const query = limited(warehouse, session);
  const { cases, partsOf, factsOf } = work;
  const { project } = work.artifacts;
  const { config, signal } = session;
  const gated = gatedQueries(warehouse, { config, signal, project, cases }).query;
  const checkouts = repoRoots(session);
  const desk = openDesk({
    ...{ session, cases, partsOf, factsOf, query: gated, sqlOf: queries.sqlOf, repos: checkouts },
    node: "mcp",
    answeredBy: own?.owner ?? "mcp",
  });
  const room = { session, task, cases, desk, query, gated, queries, checkouts, project, warehouse, warn };
  const context = {
    ...toolContext({ ...room, evidenceDir: null }),
    sharing,
    isOpen: (id: string) => !desk.answered.has(id) && !admitted.has(id),
    submit: (draft: unknown, signal: AbortSignal) =>
      borrowed.during(() => desk.submit(draft, undefined, signal), withSql(draft, { queries })),
    failure: () => borrowed.failure() ?? desk.failure,
  };
  const { serveStdio } = await import("../mcp/protocol.js");
  ready(cases.length);
  await serveStdio(context, loaded.request.signal, streams);
  await desk.idle();
  await session.tools.close();
  const left = cases.filter(({ id }) => context.isOpen(id)).length;
  return { open: cases.length, admitted: new Set([...desk.answered, ...admitted]).size, left };
}

function sessionOf(loaded: LoadedAudit, work: Work, warehouse: Warehouse, traces: TraceStore): Session {
  const { config, request, redact, redactValues, agent, template, exceptions } = loaded;
  const { run } = work.exported;
  return {
    ...{ config, redact, redactValues, traces, agent, template, exceptions },
    run: { id: run, folder: auditFolders(config.dir, run).run, startedAt: request.now() },
    now: request.now,
    signal: request.signal,
    emit: () => undefined,
    tools: createAgentTools(config.lineage.maxQueries),
    ledger: openLedger(null),
    slots: { lease: noSlots, clear: noSlots },
    views: { check: noSlots, open: noSlots, close: noSlots },
    warehouse: async () => ok(warehouse),
    artifacts: async () => ok(work.artifacts),
    progress: { ...newProgress(), data: work.data },
  };
}

function noSlots(): never {
  throw new Error("BUG: a person's own agent works in the person's own checkout");
}
