/**
 * Packs cases into tasks and judges each case: which tasks have work, and why. `plan` prints it and `run` does it.
 * Pure; what it must know of the world comes as functions.
 */
import type { Case } from "../model/case.js";
import type { Facts, Parts, Trace, Verdict } from "../model/graph.js";
import type { Task } from "../model/task.js";
import { type EarlierInvestigation, estimator } from "./estimate.js";
import { judge, type Observe } from "./judge.js";
import { effort, type Packing, type PackOptions, pack } from "./pack.js";

export interface JudgedCase {
  readonly case: Case;
  readonly parts: Parts;
  readonly verdict: Verdict;
  /** Its last investigation, if possible by the agent and model of now; null where there was none. */
  readonly earlier: EarlierInvestigation | null;
  /** False where the user narrowed this run to other groups or tests. */
  readonly selected: boolean;
}

export interface JudgedTask {
  readonly task: Task;
  readonly cases: readonly JudgedCase[];
  /** Selected cases that an agent must look at. */
  readonly open: readonly JudgedCase[];
}

export interface Assignment {
  readonly tasks: readonly JudgedTask[];
  readonly packing: Omit<Packing, "tasks">;
}

export interface AssignOptions extends PackOptions {
  readonly partsOf: (item: Case) => Parts;
  readonly factsOf: (item: Case) => Facts;
  readonly tracesOf: (caseId: string) => readonly Trace[];
  readonly observe: Observe;
  readonly selects: (item: Case) => boolean;
}

export function assign(cases: readonly Case[], options: AssignOptions): Assignment {
  const { tasks, ...packing } = pack(cases, options);
  const judged = tasks.map((task): JudgedTask => {
    const all = task.cases.map((item): JudgedCase => {
      const parts = options.partsOf(item);
      const traces = options.tracesOf(item.id);
      const verdict = judge({ kind: "known", parts, facts: options.factsOf(item) }, traces, options.observe);
      return { case: item, parts, verdict, earlier: earlierOf(traces, parts), selected: options.selects(item) };
    });
    return { task, cases: all, open: all.filter((item) => item.selected && item.verdict.kind !== "reuse") };
  });
  return { tasks: judged, packing };
}

function earlierOf(traces: readonly Trace[], parts: Parts): EarlierInvestigation | null {
  const isByAgent = (trace: Trace): boolean => trace.parts.agent === parts.agent && trace.parts.model === parts.model;
  const timed = traces.filter(({ took }) => took !== undefined);
  const trace = timed.find(isByAgent) ?? timed[0];
  if (trace?.took === undefined) return null;
  return { took: trace.took, cost: trace.cost ?? null, bySameAgent: isByAgent(trace) };
}

/**
 * Longest expected first: the longest investigations should not be the last to start. Where none was ever investigated,
 * those with the most failures are taken for the longest.
 */
export function longestFirst(tasks: readonly JudgedTask[]): readonly JudgedTask[] {
  const estimate = estimator(
    tasks.flatMap((task) => task.cases),
    true,
  );
  const bySize = ({ open }: JudgedTask): number => open.reduce((total, item) => total + effort(item.case), 0);
  return tasks
    .map((task) => ({ task, time: estimate(task.open).duration ?? bySize(task) }))
    .sort((left, right) => right.time - left.time)
    .map(({ task }) => task);
}
