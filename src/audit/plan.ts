/**
 * What a run would do now. Asks the same questions as run.ts, takes no lock and writes nothing into the audit folder.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTraceStore } from "../execution/traces.js";
import type { AppliedExceptions } from "../findings/exceptions.js";
import type { Assignment } from "../graph/assign.js";
import { compile, expansion, union } from "../graph/compile.js";
import { type AgentUse, makePlan, type Plan } from "../graph/plan.js";
import type { Export } from "../model/case.js";
import type { AuditGraph, NodeId, Parts } from "../model/graph.js";
import type { Result } from "../model/result.js";
import { redactStrings } from "../support/redact.js";
import { lastExport, missingInLast, placesOf, poolsOf, warningOf } from "./asked.js";
import { exitCodes } from "./exit-codes.js";
import { expectedPrompts } from "./expected-prompt.js";
import { type Assigned, assignCases, judgeExport, judgeSummary } from "./inputs.js";
import { type LoadedAudit, type Refusal, refusal } from "./load.js";
import { loadArtifacts, openWarehouse } from "./open.js";
import { askWatermark } from "./watermark.js";

export interface PlannedAudit {
  readonly plan: Plan;
  /** With the investigations of the last export, where there was one. */
  readonly graph: AuditGraph;
  /** Null where nothing was ever exported. */
  readonly assignment: Assignment | null;
  /** Cases that a person has accepted: nobody investigates them. */
  readonly excepted: AppliedExceptions["excepted"];
  /** For the user: names that were asked for and that the last export does not have. */
  readonly strangers: readonly string[];
  readonly loaded: LoadedAudit;
}

export async function planAudit(loaded: LoadedAudit): Promise<Refusal | PlannedAudit> {
  const { config, request } = loaded;
  const store = await readTraceStore(join(config.dir, "traces"));
  if (!store.ok) {
    await loaded.agent.close();
    return refusal(exitCodes.preflight, store.failure);
  }
  const traces = store.value;
  const now = request.now();
  const watermark = () =>
    inScratch((scratch) => askWatermark(() => openWarehouse(loaded, { scratchDir: scratch, ...request }), config));
  const summary = await judgeSummary(config, traces, now, watermark);
  const reused = summary.verdict.kind === "reuse" ? summary.verdict.trace : null;
  const exportJudgement = judgeExport(config, traces, reused);

  const reusedExport = exportJudgement.verdict.kind === "reuse" ? exportJudgement.verdict.trace : null;
  const last =
    reusedExport === null ? await lastExport(config, traces) : ((await traces.read(reusedExport)) as Export | null);
  const missing = await missingInLast(loaded, traces);
  // The run would say the same, only later.
  if (missing !== null && reusedExport !== null) {
    await loaded.agent.close();
    return refusal(exitCodes.usage, missing);
  }
  let assigned: Assigned | null = null;
  if (last !== null) {
    const artifacts = await loadArtifacts(config);
    // Without them nobody can say what the summary will bring.
    if (artifacts.ok)
      assigned = await assignCases({
        config,
        agent: loaded.agent,
        template: loaded.template.digest,
        traces,
        exported: last,
        project: artifacts.value.project,
        exceptions: loaded.exceptions,
        selection: request.selection,
        data: reused === null ? null : reused.output,
        requery: null,
        today: now.toISOString().slice(0, 10),
      });
  }
  await loaded.agent.close();
  /** By these settings: another command takes another time. */
  const tookLast = (node: NodeId, { settings }: Parts): number | null =>
    traces.find(node).find((trace) => trace.took !== undefined && trace.parts.settings === settings)?.took ?? null;
  const tasks = assigned?.assignment.tasks ?? [];
  const pools = poolsOf(loaded);
  const graph = union(compile(), expansion(tasks.map(({ task }) => ({ id: task.id, pools }))));
  const prompts =
    last === null || assigned === null
      ? undefined
      : await expectedPrompts(loaded, last.cases, assigned.assignment.tasks, assigned.reusable);
  const made = makePlan({
    ...(prompts === undefined ? {} : { prompts }),
    summary: summary.verdict,
    export: exportJudgement.verdict,
    assignment: assigned?.assignment ?? null,
    excepted: assigned?.exceptions.excepted.length ?? 0,
    agent: agentUse(loaded),
    ...(walks(loaded) ? { walks: { each: usualQueries, max: config.lineage.maxQueries } } : {}),
    took: { summary: tookLast("summary", summary.parts), export: tookLast("export", exportJudgement.parts) },
  });
  const excepted = assigned?.exceptions.excepted ?? [];
  // A failure that is a reason may tell how the warehouse was asked.
  const plan = redactStrings(made, loaded.redact);
  const strangers = missing === null ? [] : [warningOf(missing)];
  return { plan, graph, assignment: assigned?.assignment ?? null, excepted, strangers, loaded };
}

/** Most tests take fewer than 15 (docs/lineage.md). */
const usualQueries = 13;

/** The lineage agent does, and others are told what it would say. */
function walks({ agent, config }: LoadedAudit): boolean {
  return agent.id === "lineage" || (agent.readsPrompt && config.evidence);
}

function agentUse(loaded: LoadedAudit): AgentUse {
  return { isFree: loaded.agent.isFree === true, pools: poolsOf(loaded), places: placesOf(loaded) };
}

async function inScratch<Value>(work: (folder: string) => Promise<Result<Value>>): Promise<Result<Value>> {
  const folder = await mkdtemp(join(tmpdir(), "audit-run-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
