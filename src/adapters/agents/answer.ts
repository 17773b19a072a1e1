/**
 * Finds the answer in what a program printed: pure JSON, JSON in a code fence, or JSON after lines of a log.
 * Invents nothing: what is no complete JSON object with a list of findings is no answer. Knows no process.
 */
import type { z } from "zod";
import type { Case } from "../../model/case.js";
import { AgentAnswer, FindingDraft, type Objection } from "../../model/finding.js";

export type Answer =
  | { readonly kind: "answer"; readonly findings: readonly unknown[]; readonly objections: readonly Objection[] }
  | { readonly kind: "none"; readonly objection: Objection };

/** How many characters are looked at in all while JSON is searched between other text. */
const searchBudget = 100_000_000;

/** The last complete JSON object in the text that has a list `findings`. */
export function readAnswer(text: string): Answer {
  const none = (message: string): Answer => ({ kind: "none", objection: { case: null, code: "schema", message } });
  if (text.trim() === "") return none('the answer is empty: print one JSON object {"findings": [...]} on stdout');
  const found = parseObject(text.replace(/^\uFEFF/, "")) ?? searchObject(text);
  if (found === null) {
    return none('no complete JSON object with a list "findings" was found in the answer');
  }
  const { findings } = found;
  const shape = AgentAnswer.safeParse({ ...found, findings: [] });
  const objections = shape.success ? [] : [{ case: null, code: "schema", message: inWords(shape.error, "") } as const];
  return { kind: "answer", findings, objections };
}

export type ReadFinding =
  | { readonly ok: true; readonly draft: FindingDraft }
  | { readonly ok: false; readonly text: string; readonly objection: Objection };

/** One element of `findings`, checked against the schema. Where it names a case, its objection does, too. */
export function readFinding(raw: unknown, position: number, cases: readonly Case[]): ReadFinding {
  const parsed = FindingDraft.safeParse(raw);
  if (parsed.success) return { ok: true, draft: parsed.data };
  const { test, group } = raw !== null && typeof raw === "object" ? (raw as Record<string, unknown>) : {};
  const named = cases.find((item) => item.test.name === test && item.group.key === group);
  const message = inWords(parsed.error, `findings[${position}]`);
  return {
    ok: false,
    text: JSON.stringify(raw, null, 2),
    objection: { case: named?.id ?? null, code: "schema", message },
  };
}

/** `findings[2].evidence[0].sql: Invalid input: expected string, received number; …`, at most ten of them. */
function inWords(error: z.ZodError, start: string): string {
  const issues = error.issues.slice(0, 10).map((issue) => {
    const path = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
    const where = `${start}${path}`.replace(/^\./, "");
    return where === "" ? issue.message : `${where}: ${issue.message}`;
  });
  const more = error.issues.length - issues.length;
  return issues.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

interface Found {
  readonly findings: readonly unknown[];
}

function parseObject(text: string): Found | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFound(value) ? value : null;
  } catch {
    return null;
  }
}

function isFound(value: unknown): value is Found {
  return value !== null && typeof value === "object" && "findings" in value && Array.isArray((value as Found).findings);
}

/**
 * From the last `"findings"` back to the first; for each, from the nearest brace before it outwards. The object that
 * counts is the first that closes, parses, and has the list itself (not in something inside it).
 */
function searchObject(text: string): Found | null {
  let budget = searchBudget;
  for (
    let key = text.lastIndexOf('"findings"');
    key !== -1;
    key = key === 0 ? -1 : text.lastIndexOf('"findings"', key - 1)
  ) {
    let open = text.lastIndexOf("{", key);
    if (open === -1) return null;
    budget -= key - open;
    for (let tries = 0; open !== -1 && tries < 50; tries += 1) {
      const close = closingBrace(text, open, budget);
      budget -= close.looked;
      if (budget <= 0) return null;
      if (close.at > key) {
        const found = parseObject(text.slice(open, close.at + 1));
        budget -= close.at - open;
        if (found !== null) return found;
      }
      open = open === 0 ? -1 : text.lastIndexOf("{", open - 1);
    }
  }
  return null;
}

/** Where the object that opens at `open` closes; -1 where it does not. Braces in strings do not count. */
function closingBrace(text: string, open: number, budget: number): { readonly at: number; readonly looked: number } {
  let depth = 0;
  let inString = false;
  const end = Math.min(text.length, open + budget);
  for (let at = open; at < end; at += 1) {
    const character = text.charCodeAt(at);
    if (inString) {
      if (character === 92) at += 1;
      else if (character === 34) inString = false;
    } else if (character === 34) inString = true;
    else if (character === 123) depth += 1;
    else if (character === 125) {
      depth -= 1;
      if (depth === 0) return { at, looked: at - open + 1 };
    }
  }
  return { at: -1, looked: end - open };
}
