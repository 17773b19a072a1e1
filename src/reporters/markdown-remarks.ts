/**
 * What the full report says besides the findings: tests, exceptions and names that want a person's eye.
 * Knows no case.
 */
import type { AcceptedException } from "../model/finding.js";
import type { AuditReport } from "../model/report.js";
import { heading } from "./markdown-page.js";
import { codeSpan, inline, opening } from "./markdown-text.js";

export function remarks(report: AuditReport): readonly string[] {
  const { noLongerFailing, unsplit, broken, orphans } = report.export;
  const { expired, unmatched } = report.exceptions;
  const list = (title: string, lines: readonly string[], why?: string): readonly string[] =>
    lines.length === 0
      ? []
      : [heading(2, title), ...(why === undefined ? [] : [why]), lines.map((line) => `- ${line}`).join("\n")];
  return [
    ...list(
      "Broken tests",
      broken.map(({ test, message }) => `${opening(test.name)}: ${inline(message, 1000)}`),
      "These could not be run, or their rows not be read, so that nothing is known of their data.",
    ),
    ...list("Expired exceptions", expired.map(exceptionText), "These accept nothing any more; renew or remove them."),
    ...list("Exceptions that fit no failure", unmatched.map(exceptionText)),
    ...list(
      "No longer failing",
      noLongerFailing.map(({ name }) => opening(name)),
    ),
    ...list(
      `Not split by ${inline(report.groupLabel)}`,
      unsplit.map(({ test, reason }) => `${opening(test)}: ${inline(reason, 1000)}`),
    ),
    ...list(
      "Names without a test",
      orphans.map((name) => opening(name)),
      "The summary table names these, and the manifest knows no such test.",
    ),
  ];
}

function exceptionText(exception: AcceptedException): string {
  const { test, group, owner, expires, at } = exception;
  const until = expires === null ? "" : `, until ${inline(expires)}`;
  return `${codeSpan(at)}: ${inline(test)} in ${inline(group)}, of ${inline(owner)}${until}`;
}
