/**
 * From an export to tasks: verdicts, findings that are used again, tasks.json, and the nodes to add.
 * Refuses what the user asked for and the export does not have.
 */
import { join } from "node:path";
import { type JudgedTask, longestFirst } from "../graph/assign.js";
import { type ExpandedTask, investigateNode } from "../graph/compile.js";
import type { Export } from "../model/case.js";
import type { NodeId } from "../model/graph.js";
import { ok, type Result } from "../model/result.js";
import { writeFileAtomic } from "../support/files.js";
import { checkSelection, checkTargets, poolsOf } from "./asked.js";
import type { RecordedPlan } from "./explain.js";
import { type Assigned, assignCases } from "./inputs.js";
import { commitLooks } from "./looks.js";
import type { OpenedAudit } from "./open.js";
import { publicationOf } from "./publication.js";
import { requeryOf } from "./requery.js";
import { openSharedTasks, type SharedTasks } from "./shared-tasks.js";

export interface Intake {
  readonly assigned: Assigned;
  /** The tasks as agents see them whom this run has not started. */
  readonly shared: SharedTasks;
  /** By node id. */
  readonly judged: ReadonlyMap<string, JudgedTask>;
  /** To be added to the graph, in the order in which they should start. */
  readonly expansion: readonly ExpandedTask[];
  /** Nodes that were asked for and have nothing to run. */
  readonly reused: readonly NodeId[];
}

export async function takeIn(audit: OpenedAudit, exported: Export): Promise<Result<Intake>> {
  const { session, request } = audit;
  const { config } = session;
  const known = checkSelection(request.selection, exported);
  if (!known.ok) return known;
  const artifacts = await session.artifacts();
  // Without the manifest every finding would look outdated, and be paid for again.
  if (!artifacts.ok) return artifacts;
  const today = session.run.startedAt.toISOString().slice(0, 10);
  const assigned = await assignCases({
    config,
    agent: session.agent,
    template: audit.template.digest,
    traces: session.traces,
    exported,
    project: artifacts.value.project,
    exceptions: session.exceptions,
    selection: request.selection,
    data: session.progress.data,
    requery: requeryOf(session, exported.cases),
    today,
  });
  if (session.progress.data !== null) {
    const made = { data: session.progress.data, run: session.run.id, at: session.now().toISOString() };
    await commitLooks(session.traces, assigned.looked, made);
  }
  const tasks = longestFirst(assigned.assignment.tasks);
  const nodes = tasks.map(({ task }) => investigateNode(task.id));
  const asked = checkTargets(request.targets, nodes);
  if (!asked.ok) return asked;

  for (const [id, finding] of assigned.reusable) session.progress.findings.set(id, { finding, reused: true });
  const plan = `${JSON.stringify(recordedPlan(session.run.id, tasks), null, 2)}\n`;
  await writeFileAtomic(join(session.run.folder, "plan.json"), plan);
  const warn = (message: string): void => session.emit({ type: "warning", message });
  const shared = await openSharedTasks({ dir: config.dir, now: session.now, run: session.run.id, warn });
  const published = { project: config.name, run: session.run.id, tasks: assigned.assignment.tasks, order: tasks };
  await shared.publish(publicationOf(published), today);
  await shared.refresh();
  const isWanted = ({ task, cases }: JudgedTask): boolean =>
    isTarget(investigateNode(task.id), request.targets) && cases.some((item) => item.selected);
  const pools = poolsOf(audit);
  const wanted = tasks.filter(isWanted);
  const reused = wanted.filter(({ open }) => open.length === 0).map(({ task }) => investigateNode(task.id));
  return ok({
    assigned,
    shared,
    judged: new Map(tasks.map((task) => [investigateNode(task.task.id), task])),
    expansion: wanted.filter(({ open }) => open.length > 0).map(({ task }) => ({ id: task.id, pools })),
    reused,
  });
}

function isTarget(node: string, targets: readonly string[]): boolean {
  return targets.length === 0 || targets.includes(node) || targets.includes("collect");
}

function recordedPlan(run: string, tasks: readonly JudgedTask[]): RecordedPlan {
  const ran = tasks
    .flatMap((task) => task.open)
    .map(({ case: item, verdict }) => [item.id, verdict.kind === "run" ? verdict.reasons : []] as const);
  return { version: 1, run, ran: Object.fromEntries(ran) };
}
