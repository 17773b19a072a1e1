/**
 * Submits what an agent's program answered at its end, finding by finding. What came in by its tools before is not submitted
 * again. Knows no program.
 */
import type { InvestigationRequest } from "../../model/agent.js";
import { readAnswer, readFinding } from "./answer.js";

export interface ProgramAnswer {
  /** A structured value, or text to look for one in; undefined: nothing. */
  readonly answer: unknown;
  /** Milliseconds that the program took. */
  readonly duration: number;
  /** False: it did not end well, which is the news, and not that its answer cannot be read. Default: true. */
  readonly isComplete?: boolean;
}

/** True where something was admitted, by whichever way, or nothing was left to answer. */
export async function submitAnswer(
  { answer, duration, isComplete = true }: ProgramAnswer,
  request: InvestigationRequest,
  redact: (text: string) => string,
): Promise<boolean> {
  const before = request.unanswered().length;
  const usedTools = before < request.cases.length;
  const text = typeof answer === "string" ? answer : answer === undefined ? "" : JSON.stringify(answer);
  const read = readAnswer(text);
  if (read.kind === "none") {
    // An agent that handed in all by its tools may end with any word.
    if (isComplete && before > 0 && !usedTools) request.reject(capped(redact(text)), read.objection);
    return usedTools || before === 0;
  }
  for (const objection of read.objections) request.reject(capped(redact(text)), objection);
  for (const [position, raw] of read.findings.entries()) {
    const finding = readFinding(raw, position, request.cases);
    if (!finding.ok) {
      request.reject(capped(redact(finding.text)), finding.objection);
      continue;
    }
    const { test, group } = finding.draft;
    const isSame = (item: { readonly test: { readonly name: string }; readonly group: { readonly key: string } }) =>
      item.test.name === test && item.group.key === group;
    if (request.cases.some(isSame) && !request.unanswered().some(isSame)) continue;
    await request.submit(finding.draft, usedTools ? undefined : Math.round(duration / read.findings.length));
  }
  return request.unanswered().length < request.cases.length || request.cases.length === 0;
}

export function capped(text: string, limit = 100_000): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}\n[… ${text.length - limit} characters left out …]`;
}
