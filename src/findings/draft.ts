/**
 * The shape of a draft: from anything an agent may have said to a FindingDraft, or clear objections.
 * Knows nothing of what a draft means.
 */
import type { Case } from "../model/case.js";
import { FindingDraft, type Objection } from "../model/finding.js";
import { cleanLine } from "./text.js";

export type ParsedDraft =
  | { readonly ok: true; readonly draft: FindingDraft }
  | { readonly ok: false; readonly objections: readonly Objection[] };

const mostObjections = 10;
/** Checks the shape of what claims to be a draft. `cases` is there to say whose objections these are. */
export function parseDraft(input: unknown, cases: readonly Case[]): ParsedDraft {
  const parsed = FindingDraft.safeParse(input);
  if (parsed.success) return { ok: true, draft: parsed.data };
  const named = typeof input === "object" && input !== null ? (input as { test?: unknown; group?: unknown }) : {};
  const of = caseNamed(named.test, named.group, cases)?.id ?? null;
  const objections = parsed.error.issues.slice(0, mostObjections).map((issue): Objection => {
    const where = issue.path.length === 0 ? "The finding" : `\`${pathText(issue.path)}\``;
    return {
      case: of,
      code: "schema",
      message: `${where} has the wrong shape: ${cleanLine(issue.message).slice(0, 300)}.`,
    };
  });
  const more = parsed.error.issues.length - objections.length;
  if (more > 0) objections.push({ case: of, code: "schema", message: `And ${more} more mistakes of shape.` });
  return { ok: false, objections };
}

/** The case that a draft names; test and group must be exactly as the task gives them. */
export function caseNamed(test: unknown, group: unknown, cases: readonly Case[]): Case | undefined {
  return cases.find((each) => each.test.name === test && each.group.key === group);
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
}
