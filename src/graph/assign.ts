/**
 * Packs cases into tasks and judges each case: which tasks have work, and why. `plan` prints it and `run` does it.
 * Pure; what it must know of the world comes as functions.
 */
import type { Case } from "../model/case.js";
import type { Facts, Parts, Trace, Verdict } from "../model/graph.js";
import type { Task } from "../model/task.js";
import { judge, type Observe } from "./judge.js";
import { effort, type Packing, type PackOptions, pack } from "./pack.js";

export interface JudgedCase {
  readonly case: Case;
  readonly parts: Parts;
  readonly verdict: Verdict;
  /** Milliseconds that its last investigation took; null where there was none. */
  readonly took: number | null;
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
      const took = options.tracesOf(item.id)[0]?.took ?? null;
      return { case: item, parts, verdict, took, selected: options.selects(item) };
    });
    return { task, cases: all, open: all.filter((item) => item.selected && item.verdict.kind !== "reuse") };
  });
  return { tasks: judged, packing };
}

/** Longest expected first: the longest investigations should not be the last to start. */
export function longestFirst(tasks: readonly JudgedTask[]): readonly JudgedTask[] {
  const expected = expectation(tasks.flatMap((task) => task.cases));
  return tasks
    .map((task) => ({ task, time: expected(task) }))
    .sort((left, right) => right.time - left.time)
    .map(({ task }) => task);
}

/**
 * What the open cases of a task are expected to take, in milliseconds: what they took the last time; for a case that was
 * never investigated, by its number of failures, at the pace of those that were.
 */
export function expectation(known: readonly JudgedCase[]): (task: JudgedTask) => number {
  const paces = known
    .flatMap(({ case: item, took }) => (took === null ? [] : [took / effort(item)]))
    .sort((a, b) => a - b);
  const pace = paces[Math.floor(paces.length / 2)] ?? 1000;
  return (task) => task.open.reduce((sum, { case: item, took }) => sum + (took ?? effort(item) * pace), 0);
}
