/**
 * Hands in the final answer of a conversation, finding by finding. What came in by submit_finding before is not handed in
 * again. Knows no program.
 */
import type { InvestigationRequest } from "../../../model/agent.js";
import { readAnswer, readFinding } from "../answer.js";

/**
 * True where something was admitted, by whichever way, or nothing was left to answer.
 * @param answer a structured value, or text to look for one in; undefined: nothing
 */
export async function handIn(
  answer: unknown,
  request: InvestigationRequest,
  redact: (text: string) => string,
  duration: number,
): Promise<boolean> {
  const before = request.unanswered().length;
  const submitted = before < request.cases.length;
  const text = typeof answer === "string" ? answer : answer === undefined ? "" : JSON.stringify(answer);
  const read = readAnswer(text);
  if (read.kind === "none") {
    // An agent that handed in all by its tools may end with any word.
    if (before > 0 && !submitted) request.reject(capped(redact(text)), read.objection);
    return submitted || before === 0;
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
    await request.submit(finding.draft, submitted ? undefined : Math.round(duration / read.findings.length));
  }
  return request.unanswered().length < request.cases.length || request.cases.length === 0;
}

export function capped(text: string, limit = 100_000): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}\n[… ${text.length - limit} characters left out …]`;
}
