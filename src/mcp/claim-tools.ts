/**
 * Tools to share an audit's tasks with other agents: list, claim, prolong, give back, complete. As `audit-run tasks` does,
 * and only for a person's own agent. Knows no claim's file; rows are for the other tools.
 */
import { z } from "zod";
import { Duration, milliseconds } from "../model/config.js";
import type { TaskRight, ToolContext } from "./context.js";
import { answered, defineTool, failedAnswer, largestAnswer, Offset, pageOf, refused } from "./tool.js";

const task = z.string().min(1).describe("Its name, such as VA, or its id in tasks.json.");
const lease = Duration.optional().describe("How long without heartbeat_task, such as 10m. Default: the config's.");
const right = {
  task,
  token: z.int().min(1).describe("The token that claim_task gave."),
  owner: z.string().min(1).optional().describe("Refuse where the claim is of another owner."),
};

export const listTasks = defineTool({
  name: "list_tasks",
  description: "All tasks of the last export: how they stand, who works on them and until when.",
  input: z.strictObject({ offset: Offset.describe("next_offset of an earlier answer.") }),
  readOnly: true,
  async run({ offset = 0 }, context) {
    const listed = await sharing(context).list();
    if (!listed.ok) return failedAnswer(listed.failure);
    const { items, next } = pageOf(listed.value, offset, largestAnswer - 200);
    return answered({ tasks: items, ...(next === null ? {} : { next_offset: next }) });
  },
});

export const nextTask = defineTool({
  name: "next_task",
  description: "The task that claim_task would take now; {} where nothing is left.",
  input: z.strictObject({}),
  readOnly: true,
  async run(_, context) {
    const next = await sharing(context).next();
    return next.ok ? answered(next.value ?? {}) : failedAnswer(next.failure);
  },
});

export const claimTask = defineTool({
  name: "claim_task",
  description:
    "Claims a task, so that nobody else works on it: the next one, or the one that is named. Gives a token, and the cases that need a finding; {} where nothing is left, or the named task is not free.",
  input: z.strictObject({
    owner: z.string().min(1).max(200).describe("Who works on it, for others to see."),
    task: task.optional(),
    lease,
  }),
  readOnly: false,
  isRepeatable: false,
  async run({ lease: length, owner, task: wanted }, context) {
    const claimed = await sharing(context).claim({
      owner,
      ...(wanted === undefined ? {} : { task: wanted }),
      ...(length === undefined ? {} : { lease: milliseconds(length) }),
    });
    if (!claimed.ok) return failedAnswer(claimed.failure);
    if (claimed.value === null) return answered({});
    // A claim must not be lost in an answer that is too long to show; get_task tells the rest.
    const { cases, ...about } = claimed.value;
    const { items, next } = pageOf(cases, 0, largestAnswer - 2_000);
    return answered({ ...about, cases: items, ...(next === null ? {} : { more_cases: cases.length - next }) });
  },
});

export const heartbeatTask = defineTool({
  name: "heartbeat_task",
  description: "Prolongs the lease of a claimed task from now on.",
  input: z.strictObject({ ...right, lease }),
  readOnly: false,
  async run({ lease: length, ...given }, context) {
    const longer = length === undefined ? {} : { lease: milliseconds(length) };
    const beaten = await sharing(context).heartbeat({ ...rightOf(given), ...longer });
    return beaten.ok ? answered({ task: given.task, ...beaten.value }) : failedAnswer(beaten.failure);
  },
});

export const releaseTask = defineTool({
  name: "release_task",
  description: "Gives a claimed task back, for others to claim.",
  input: z.strictObject(right),
  readOnly: false,
  async run(given, context) {
    const released = await sharing(context).release(rightOf(given));
    return released.ok ? answered({ task: given.task, released: true }) : failedAnswer(released.failure);
  },
});

export const completeTask = defineTool({
  name: "complete_task",
  description:
    "Hands in the findings of a claimed task, each as submit_finding takes it, also while a run is on. What is wrong or missing comes back as a list; what was admitted is kept, and the task is still yours: hand in the rest.",
  input: z.strictObject({ ...right, findings: z.array(z.record(z.string(), z.unknown())).max(1_000) }),
  readOnly: false,
  async run({ findings, ...given }, context) {
    const drafts = findings.map((draft) => withSql(draft, context));
    const answer = JSON.stringify({ findings: drafts });
    const ended = await sharing(context).complete({ ...rightOf(given), answer });
    if (!ended.ok) return failedAnswer(ended.failure);
    const { objections, admitted, hadFinding } = ended.value;
    const before = hadFinding.length === 0 ? {} : { not_looked_at: hadFinding, note: unchanged };
    if (objections === null) return answered({ task: given.task, completed: true, ...before });
    const kept = admitted.length === 0 ? "" : ` Admitted and kept: ${admitted.join(", ")}.`;
    const lines = objections.map((each, position) => `${position + 1}. ${each.case ?? "the answer"}: ${each.message}`);
    const same = hadFinding.length === 0 ? [] : [`${unchanged}: ${hadFinding.join(", ")}`];
    const text = [`${given.task} is not completed, and still yours.${kept}`, ...lines, ...same].join("\n");
    return refused(text.slice(0, largestAnswer));
  },
});

const unchanged = "These had a finding before, which stays, so that what came for them now was not looked at";

/** For who may share the audit's tasks; an agent that a run has started keeps to its own. */
export const claimTools = [listTasks, nextTask, claimTask, heartbeatTask, releaseTask, completeTask];

function sharing({ sharing: shared }: ToolContext) {
  if (shared === undefined) throw new Error("BUG: these tools are listed only where tasks are shared");
  return shared;
}

function rightOf({ task: name, token, owner }: { task: string; token: number; owner?: string | undefined }): TaskRight {
  return { task: name, token, ...(owner === undefined ? {} : { owner }) };
}

/** Whoever takes it up knows nothing of this agent's queries, so that they go along as SQL. */
export function withSql(draft: unknown, { queries }: Pick<ToolContext, "queries">): unknown {
  const { evidence } = (draft ?? {}) as { readonly evidence?: unknown };
  if (!Array.isArray(evidence)) return draft;
  const cited = evidence.map((each: unknown) => {
    const { query_id: id, ...rest } = (each ?? {}) as Record<string, unknown>;
    const sql = typeof id === "string" && rest.sql === undefined ? queries.sqlOf(id) : null;
    return sql === null ? each : { ...rest, sql };
  });
  return { ...(draft as object), evidence: cited };
}
