/**
 * What the user asked for by name (nodes, groups, tests), held against what an export has. A misspelt state would otherwise
 * look like a state without failures.
 */
import { applyExceptions } from "../findings/exceptions.js";
import { investigateNode } from "../graph/compile.js";
import { pack } from "../graph/pack.js";
import type { Export } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { PoolName } from "../model/graph.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import type { TraceReader } from "../model/trace-store.js";
import { closest } from "../support/suggest.js";
import { judgeExport, type Selection } from "./inputs.js";
import type { LoadedAudit } from "./load.js";

/** @param nodes investigations that the export gives. Failure code: usage. */
export function checkTargets(targets: readonly string[], nodes: readonly string[]): Result<void> {
  const unknown = targets.find((target) => target.startsWith("investigate:") && !nodes.includes(target));
  return unknown === undefined ? ok(undefined) : refuse(`there is no node ${unknown}`, unknown, nodes, "investigate:");
}

/** Failure code: usage. */
export function checkSelection({ groups, tests }: Selection, exported: Export): Result<void> {
  const allGroups = new Set(exported.cases.map((item) => item.group.key));
  const allTests = new Set(exported.cases.map((item) => item.test.name));
  const group = groups.find((key) => !allGroups.has(key));
  if (group !== undefined) return refuse(`--state ${group}: nothing fails there`, group, [...allGroups]);
  const test = tests.find((name) => !allTests.has(name));
  if (test !== undefined) return refuse(`--test ${test}: no such test fails`, test, [...allTests]);
  return ok(undefined);
}

const mostNames = 60;

/** @param prefix that all of them have: what is alike is what follows it. */
function refuse(message: string, word: string, names: readonly string[], prefix = ""): Result<never> {
  const ends = names.map((name) => name.slice(prefix.length));
  const end = closest(word.slice(prefix.length), ends);
  const near = end === undefined ? undefined : `${prefix}${end}`;
  const shown = [...names].sort().slice(0, mostNames).join(", ");
  const there = names.length === 0 ? "Nothing fails." : `There are: ${shown}${names.length > mostNames ? ", …" : ""}.`;
  return failed("usage", message, { hint: near === undefined ? there : `Did you mean ${near}? ${there}` });
}

/** What is asked for and the last export does not have; null where it has all, or tells nothing of the next one. */
export async function missingInLast(loaded: LoadedAudit, traces: TraceReader): Promise<Failure | null> {
  const { config, request, exceptions } = loaded;
  const { targets, selection } = request;
  if (targets.length + selection.groups.length + selection.tests.length === 0) return null;
  const exported = await lastExport(config, traces);
  if (exported === null) return null;
  const { remaining } = applyExceptions(exported.cases, exceptions, request.now().toISOString());
  const agents = agentsAtATime(loaded);
  const { tasks } = pack(remaining, { strategy: config.strategy, maxTestsPerTask: config.maxTestsPerTask, agents });
  const nodes = tasks.map(({ id }) => investigateNode(id));
  const selected = checkSelection(selection, exported);
  const checked = selected.ok ? checkTargets(targets, nodes) : selected;
  return checked.ok ? null : checked.failure;
}

/** The next export may have what the last one has not: dbt runs, and the user is told before it does. */
export function warningOf({ message, hint }: Failure): string {
  return `in the last export ${message}; the next one may tell otherwise. ${hint ?? ""}`.trim();
}

/** Null where there is none, or one by other settings (another groupBy, say), which tells nothing of the next. */
export async function lastExport(config: Config, traces: TraceReader): Promise<Export | null> {
  const { settings } = judgeExport(config, traces, null).parts;
  const last = traces.find("export")[0];
  return last !== undefined && last.parts.settings === settings ? ((await traces.read(last)) as Export | null) : null;
}

/** Where investigations wait for a place; an agent that costs nothing asks no service that could be asked too much. */
export function poolsOf({ agent }: Pick<LoadedAudit, "agent">): readonly PoolName[] {
  return [...(agent.isFree ? [] : ["agent" as const]), agent.needsSlot ? "slots" : "warehouse"];
}

export function placesOf({ agent, config }: Pick<LoadedAudit, "agent" | "config">): Readonly<Record<PoolName, number>> {
  const others = { slots: config.slots.count, warehouse: config.concurrency.warehouse };
  return { agent: config.concurrency.agent ?? others[agent.needsSlot ? "slots" : "warehouse"], ...others };
}

/** How many investigations run at a time. */
export function agentsAtATime(loaded: Pick<LoadedAudit, "agent" | "config">): number {
  const places = placesOf(loaded);
  return Math.min(...poolsOf(loaded).map((pool) => places[pool]));
}
