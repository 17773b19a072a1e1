/** Why a statement may not run, as data, and as the failure that a person or an agent reads. Knows no rule. */
import { type Failure, failed } from "../../model/result.js";

export type Reason =
  /** Two readers would not agree on it, or nobody can read it. */
  | "unreadable"
  | "too-large"
  | "character"
  | "literal"
  | "parameter"
  | "empty"
  | "several-statements"
  | "not-a-query"
  | "writes"
  | "locks"
  | "function"
  /** It may be a call in disguise. */
  | "field-of-expression"
  | "operator"
  | "file"
  | "stage"
  | "relation"
  | "limit";

export interface Objection {
  readonly reason: Reason;
  /** What it is about, as it is written: a word, a function, a relation. */
  readonly subject: string;
  /** Goes on after `the query is refused: `. */
  readonly message: string;
  /** The next step. */
  readonly hint: string;
}

export const oneSelect = "write exactly one SELECT (or WITH … SELECT) that reads tables and views";

export function objection(reason: Reason, subject: string, message: string, hint = oneSelect): Objection {
  return { reason, subject, message, hint };
}

/** `detail` is what programs go by. */
export function refusal({ reason, subject, message, hint }: Objection): {
  readonly ok: false;
  readonly failure: Failure;
} {
  return failed("query-refused", `the query is refused: ${message}`, {
    hint,
    detail: `${reason}: ${subject}`,
  });
}

/** For messages: a piece of SQL, short. */
export function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
