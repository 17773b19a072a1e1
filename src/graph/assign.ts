/**
 * Packs cases into tasks and judges each case: which tasks have work, and why. `plan` prints it and `run` does it.
 * Pure; what it must know of the world comes as functions.
 */
import type { Case } from "../model/case.js";
import type { Facts, Parts, Trace, Verdict } from "../model/graph.js";
import type { Task } from "../model/task.js";
import { judge, type Observe } from "./judge.js";
import { type Packing, type PackOptions, pack } from "./pack.js";

export interface JudgedCase {
  readonly case: Case;
  readonly parts: Parts;
  readonly verdict: Verdict;
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
      const verdict = judge(
        { kind: "known", parts, facts: options.factsOf(item) },
        options.tracesOf(item.id),
        options.observe,
      );
      return { case: item, parts, verdict, selected: options.selects(item) };
    });
    return { task, cases: all, open: all.filter((item) => item.selected && item.verdict.kind !== "reuse") };
  });
  return { tasks: judged, packing };
}

/** Most failures first: the longest investigations should not be the last to start. */
export function longestFirst(tasks: readonly JudgedTask[]): readonly JudgedTask[] {
  const weight = (task: JudgedTask): number =>
    task.open.reduce((sum, item) => sum + 1 + Math.log10(1 + item.case.failures), 0);
  return tasks
    .map((task) => ({ task, weight: weight(task) }))
    .sort((left, right) => right.weight - left.weight)
    .map(({ task }) => task);
}
