/**
 * What a run publishes of its tasks for others: which cases there are, which of them need a finding, and what an agent
 * must know to look into them. Pure.
 */

import type { Publication } from "../execution/catalogue.js";
import type { JudgedTask } from "../graph/assign.js";
import { fingerprint } from "../graph/judge.js";
import type { PublishedTest } from "../model/claim.js";
import { digestOf } from "../model/digest.js";

export function publicationOf(options: {
  readonly project: string;
  readonly run: string;
  /** In the order of tasks.json. */
  readonly tasks: readonly JudgedTask[];
  /** Those that should be claimed first in front. */
  readonly order: readonly JudgedTask[];
}): Omit<Publication, "created"> {
  const { project, run, order } = options;
  const tests: Record<string, PublishedTest> = Object.create(null);
  const tasks = options.tasks.map(({ task, cases }, index) => {
    const done = cases.every(({ verdict }) => verdict.kind === "reuse");
    const described = cases.map(({ case: item, verdict, parts }) => {
      const isOpen = verdict.kind !== "reuse";
      const { test, group, failures, rows, failingRows } = item;
      if (isOpen) {
        const { kind, severity, description, attachedTo, file } = test;
        const { sql, groupColumn } = failingRows;
        tests[test.name] = { kind, severity, description, attachedTo, file, sql, groupColumn };
      }
      const named = { id: item.id, test: test.name, group: group.key, failures, rows };
      return { ...named, fingerprint: fingerprint(parts), open: isOpen };
    });
    return {
      id: task.id,
      number: index + 1,
      state: [...new Set(task.cases.map((item) => item.group.key))].join(", "),
      tests: [...new Set(task.cases.map((item) => item.test.name))],
      failures: task.cases.reduce((sum, item) => sum + item.failures, 0),
      size: cases.length,
      digest: digestOf(described.map((each) => [each.id, each.fingerprint])),
      done,
      cases: done ? [] : described,
    };
  });
  const isOpen = new Set(tasks.filter(({ done }) => !done).map(({ id }) => id));
  return { project, run, tasks, order: order.map(({ task }) => task.id).filter((id) => isOpen.has(id)), tests };
}
