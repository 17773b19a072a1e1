/**
 * Tools about the task itself: what is to be answered, what is known already, and the answer.
 */
import { z } from "zod";
import { matchesGlob } from "../findings/exceptions.js";
import type { Objection } from "../model/finding.js";
import { FindingDraft } from "../model/finding.js";
import type { ToolContext } from "./context.js";
import { answered, defineTool, failedAnswer, jsonBytes, largestAnswer, Offset, pageOf, refused } from "./tool.js";

export const getTask = defineTool({
  name: "get_task",
  description:
    "The cases that have no finding yet (a case is one failing test in one group), the categories to classify them by, and where the repositories are. Asked again, it tells what is left.",
  input: z.strictObject({ offset: Offset.describe("next_offset of an earlier answer.") }),
  readOnly: true,
  async run({ offset = 0 }, context) {
    const open = context.cases.filter(({ id }) => context.isOpen(id));
    const listed = open.map(({ test, group, failures, rows }) => ({
      test: test.name,
      group: group.key,
      failures,
      rows,
      checks: test.kind,
      ...(test.file === null ? {} : { file: test.file }),
      ...(test.description === "" ? {} : { description: context.redact(test.description).slice(0, 300) }),
    }));
    const about = {
      task: context.task,
      group_label: context.groupLabel,
      open: open.length,
      done: context.cases.length - open.length,
      categories: context.categories.map(({ id, meaning, action, role }) => ({
        id,
        meaning,
        action,
        ...(role === "exception" ? { note: "you may propose it; a person accepts it" } : {}),
      })),
      repositories: context.checkouts,
      ...(context.evidenceDir === null ? {} : { evidence: context.evidenceDir }),
    };
    // What stands on the first page need not be paid for on each.
    const head = offset === 0 ? about : { task: context.task };
    const { items, next } = pageOf(listed, offset, largestAnswer - jsonBytes(head) - 200);
    return answered({ ...head, cases: items, ...(next === null ? {} : { next_offset: next }) });
  },
});

export const listKnownExceptions = defineTool({
  name: "list_known_exceptions",
  description:
    "Failures that a person has accepted, with the reason, for comparison. `*` in a name stands for any text.",
  input: z.strictObject({
    test: z.string().optional().describe("Only those that fit this test. Default: all."),
    offset: Offset.describe("next_offset of an earlier answer."),
  }),
  readOnly: true,
  async run({ test, offset = 0 }, { exceptions, today, redact }) {
    const listed = exceptions
      .filter((entry) => test === undefined || matchesGlob(entry.test, test))
      .map(({ test: name, group, reason, owner, expires, ticket }) => ({
        test: name,
        group,
        reason: redact(reason),
        owner,
        expires: expires ?? "never",
        ...(expires !== null && expires < today ? { expired: true } : {}),
        ...(ticket === null ? {} : { ticket }),
      }));
    const { items, next } = pageOf(listed, offset, largestAnswer - 200);
    return answered({ exceptions: items, ...(next === null ? {} : { next_offset: next }) });
  },
});

export const submitFinding = defineTool({
  name: "submit_finding",
  description:
    "Hands in the finding of one case. Its evidence is run again at once; what is wrong comes back as a list, to be corrected and handed in again. An accepted finding is kept for good, so hand in each as soon as you have it.",
  input: z.record(z.string(), z.unknown()),
  shown: FindingDraft,
  readOnly: false,
  async run(draft, context, signal) {
    const admission = await context.submit(draft, signal);
    if (admission.admitted) return answered({ admitted: true, ...left(context) });
    if (admission.objections.length > 0) return refused(listOf(admission.objections));
    const failure = context.failure();
    return failure === null
      ? refused("The task has ended; nothing is taken any more.")
      : failedAnswer({ ...failure, message: `The finding could not be checked: ${failure.message}` });
  },
});

function left({ cases, isOpen }: ToolContext) {
  const open = cases.filter(({ id }) => isOpen(id));
  const listed = open.slice(0, 20).map(({ test, group }) => ({ test: test.name, group: group.key }));
  return { cases_left: open.length, ...(open.length === 0 ? {} : { next: listed }) };
}

function listOf(objections: readonly Objection[]): string {
  const lines = objections.map(({ message }, position) => `${position + 1}. ${message}`);
  return ["The finding was not accepted:", ...lines, "Correct it and hand it in again."].join("\n");
}
