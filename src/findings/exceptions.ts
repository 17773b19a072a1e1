/**
 * Which cases a person has accepted already. Pure: takes today's date as an argument.
 * Knows no file; reading audit.exceptions.yaml is config's work.
 */
import type { Case } from "../model/case.js";
import type { AcceptedException } from "../model/finding.js";

export interface AppliedExceptions {
  /** Cases that no entry accepts, in their order. */
  readonly remaining: readonly Case[];
  readonly excepted: readonly { readonly case: Case; readonly exception: AcceptedException }[];
  /** Entries whose day is over: they accept nothing. */
  readonly expired: readonly AcceptedException[];
  /** Entries in force that fit no case of this audit. One that an earlier entry overtakes still fits. */
  readonly unmatched: readonly AcceptedException[];
}

/**
 * Applies the entries in file order; the first that fits a case wins.
 * `cases` must be all cases of the audit, not a narrowed selection, or entries look unmatched.
 * `today` is an ISO date or time in UTC.
 */
export function applyExceptions(
  cases: readonly Case[],
  entries: readonly AcceptedException[],
  today: string,
): AppliedExceptions {
  const inForce = entries.filter((entry) => !isExpired(entry, today));
  const remaining: Case[] = [];
  const excepted: { case: Case; exception: AcceptedException }[] = [];
  for (const each of cases) {
    const exception = inForce.find((entry) => fits(entry, each));
    if (exception === undefined) remaining.push(each);
    else excepted.push({ case: each, exception });
  }
  return {
    remaining,
    excepted,
    expired: entries.filter((entry) => isExpired(entry, today)),
    unmatched: inForce.filter((entry) => !cases.some((each) => fits(entry, each))),
  };
}

/** An entry holds up to and including its day. */
function isExpired(entry: AcceptedException, today: string): boolean {
  return entry.expires !== null && entry.expires.slice(0, 10) < today.slice(0, 10);
}

function fits(entry: AcceptedException, each: Case): boolean {
  return matchesGlob(entry.test, each.test.name) && matchesGlob(entry.group, each.group.key);
}

/** `*` stands for any text, everything else for itself. Not a regular expression: names are hostile, and this is linear. */
export function matchesGlob(glob: string, text: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  if (rest.length === 0) return glob === text;
  const last = rest.pop() ?? "";
  if (!text.startsWith(first)) return false;
  let position = first.length;
  for (const piece of rest) {
    const at = text.indexOf(piece, position);
    if (at < 0) return false;
    position = at + piece.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
