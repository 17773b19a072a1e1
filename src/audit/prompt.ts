/**
 * What an agent would be sent for a task of the last export, to the letter. Runs nothing, takes no lock, and leaves nothing
 * behind: a copy of the database that samples are read from is gone at the end.
 */
import { join } from "node:path";
import { lockHolder } from "../execution/lock.js";
import { readTraceStore } from "../execution/traces.js";
import type { JudgedTask } from "../graph/assign.js";
import { ok, type Result } from "../model/result.js";
import { estimatedTokens } from "../model/tokens.js";
import type { TraceReader } from "../model/trace-store.js";
import type { Warehouse } from "../model/warehouse.js";
import { exists } from "../support/files.js";
import { redactStrings } from "../support/redact.js";
import { createAgentTools } from "../tasks/agent-tools.js";
import { type Briefing, briefing } from "../tasks/briefing.js";
import { byTest } from "../tasks/earlier-findings.js";
import { byVariant, limited, repoRoots } from "../tasks/investigate.js";
import { renderParts } from "../tasks/prompt.js";
import { exitCodes } from "./exit-codes.js";
import { type LastWork, lastWork, tasksNamed } from "./last-work.js";
import { type LoadedAudit, type Refusal, type Registries, refusal } from "./load.js";
import { createProvider } from "./open.js";
import { auditFolders } from "./run-folder.js";
import { withWarehouse } from "./scratch.js";

/** One question; a task whose tests go to several models is several. */
export interface ShownPrompt {
  readonly cases: readonly string[];
  readonly text: string;
  readonly bytes: number;
  /** An estimate. */
  readonly tokens: number;
  /** Of the text that all tasks share, which comes first in the built-in template. An estimate. */
  readonly sharedTokens: number;
  /** Estimated tokens by placeholder, in the template's order, and of the template's own text. */
  readonly parts: Readonly<Record<string, number>>;
}

export interface ShownTask {
  readonly task: string;
  readonly prompts: readonly ShownPrompt[];
  /** For the person: why this is not, or not quite, what the next run sends. */
  readonly notes: readonly string[];
}

/** Stands for the run's id, which the next run gives itself. */
const nextRun = "<run>";

export async function promptsOf(
  loaded: LoadedAudit,
  registries: Registries,
  name: string,
): Promise<Refusal | ShownTask> {
  const store = await readTraceStore(auditFolders(loaded.config.dir, nextRun).traces);
  const work = store.ok ? await lastWork(loaded, store.value) : store;
  const named = work.ok ? tasksNamed(work.value.tasks, name) : work;
  if (!store.ok || !work.ok || !named.ok) {
    const failure = !store.ok ? store.failure : !work.ok ? work.failure : !named.ok ? named.failure : null;
    if (failure === null) throw new Error("BUG: a refusal without a reason");
    const exitCode = failure.code === "usage" ? exitCodes.usage : exitCodes.preflight;
    return refusal(exitCode, redactStrings(failure, loaded.redact));
  }
  const [task] = named.value;
  if (task === undefined) throw new Error(`BUG: there is a task ${name}, and there is none`);
  const shown = await withRows(loaded, (warehouse, warn) =>
    render(loaded, registries, work.value, store.value, task, warehouse, warn),
  );
  if (!shown.ok) return refusal(exitCodes.preflight, redactStrings(shown.failure, loaded.redact));
  return { ...shown.value, notes: [...(await notesOn(loaded, task)), ...shown.value.notes] };
}

/** The warehouse is opened where there are rows to sample. */
async function withRows<Value extends { readonly notes: readonly string[] }>(
  loaded: LoadedAudit,
  work: (warehouse: Warehouse | null, warn: (message: string) => void) => Promise<Result<Value>>,
): Promise<Result<Value>> {
  const notes: string[] = [];
  const warn = (message: string): void => void notes.push(message);
  const result = loaded.config.evidence
    ? await withWarehouse(loaded, (warehouse) => work(warehouse, warn))
    : await work(null, warn);
  return result.ok ? ok({ ...result.value, notes: [...result.value.notes, ...notes] }) : result;
}

async function render(
  loaded: LoadedAudit,
  registries: Registries,
  work: LastWork,
  traces: TraceReader,
  task: JudgedTask,
  warehouse: Warehouse | null,
  warn: (message: string) => void,
): Promise<Result<ShownTask>> {
  const { config, agent, template, exceptions, redact, redactValues, request } = loaded;
  const cases = asked(task).map((item) => item.case);
  const tools = createAgentTools(config.lineage.maxQueries);
  const session = { config, redactValues, tools, signal: request.signal };
  const checkouts = await checkoutsOf(loaded, registries);
  if (!checkouts.ok) return checkouts;
  const brief: Result<Briefing> = await briefing({
    ...{ session, cases, traces, project: work.artifacts.project, warn },
    all: byTest(work.exported.cases),
    found: new Map([...work.reusable].map(([id, finding]) => [id, { finding }])),
    source: warehouse === null ? null : { query: limited(warehouse, session), warehouse },
    withoutVerdicts: false,
  }).finally(() => tools.close());
  if (!brief.ok) return brief;
  const folder = join(auditFolders(config.dir, nextRun).run, "tasks", task.task.id);
  const prompts: ShownPrompt[] = [];
  for (const own of byVariant(cases, agent)) {
    const rendered = renderParts(template, {
      ...{ config, task: task.task, cases: own.cases, round: 0, objections: [], exceptions, ...brief.value },
      evidenceDir: config.evidence ? join(folder, "evidence") : null,
      checkouts: checkouts.value,
    });
    if (!rendered.ok) return rendered;
    prompts.push(
      shownPrompt(
        redact(rendered.value.text),
        rendered.value.parts,
        own.cases.map(({ id }) => id),
      ),
    );
  }
  return ok({ task: task.task.id, prompts, notes: [] });
}

function shownPrompt(text: string, parts: ReadonlyMap<string, string>, cases: readonly string[]): ShownPrompt {
  const tokens = estimatedTokens(text);
  const sizes = [...parts].map(([name, part]) => [name, estimatedTokens(part)] as const);
  const filled = sizes.reduce((sum, [, size]) => sum + size, 0);
  const ofTask = sizes.reduce((sum, [name, size]) => (name.startsWith("task.") ? sum + size : sum), 0);
  return {
    cases,
    text,
    bytes: Buffer.byteLength(text),
    tokens,
    sharedTokens: Math.max(0, tokens - ofTask),
    parts: { ...Object.fromEntries(sizes), template: Math.max(0, tokens - filled) },
  };
}

/** What a run would ask of this task; where it would ask nothing, what it would if nothing were known. */
function asked(task: JudgedTask): JudgedTask["open"] {
  return task.open.length > 0 ? task.open : task.cases;
}

/** Slot 1 stands for the one that is free then. */
async function checkoutsOf(
  loaded: LoadedAudit,
  registries: Registries,
): Promise<Result<Readonly<Record<string, string>>>> {
  const { config, agent } = loaded;
  const roots = repoRoots({ config });
  if (!agent.needsSlot) return ok(roots);
  const provider = await createProvider(loaded, registries);
  return provider.ok ? ok({ ...roots, ...provider.value.locate(1).paths }) : provider;
}

async function notesOn({ config, agent }: LoadedAudit, task: JudgedTask): Promise<readonly string[]> {
  const { id } = task.task;
  const notes: string[] = [];
  const unsure = task.open.filter(({ verdict }) => verdict.kind === "undecided").length;
  if (!agent.readsPrompt)
    notes.push(`The agent ${agent.id} reads no prompt: this is what another agent would be sent.`);
  if (task.open.length === 0)
    notes.push("All findings of this task are used again, so nothing would be sent: this is for all of its cases.");
  if (unsure > 0)
    notes.push(`Of the cases ${unsure} may be used again, if their queries give the same: a run leaves these out.`);
  const stands = [
    ...(config.evidence ? [`${nextRun} stands for the run's id`] : []),
    ...(agent.needsSlot ? ["slot 1 for the one that is free then"] : []),
  ];
  if (stands.length > 0) notes.push(`In paths, ${stands.join(", and ")}.`);
  const holder = await lockHolder(auditFolders(config.dir, nextRun).lockFile);
  if (holder?.run) {
    const sent = join(auditFolders(config.dir, holder.run).run, "tasks", id, "prompt.md");
    const what = (await exists(sent)) ? `what it has sent is in ${sent}` : `it will write what it sends into ${sent}`;
    notes.push(`Run ${holder.run} is on: ${what}`);
  }
  return notes;
}
