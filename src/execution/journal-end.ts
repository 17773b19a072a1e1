/**
 * traces/journal.end: where the journal ended when a run was through with it. Without it nobody could tell a journal that
 * was cut off between two lines from one that never had more of them. Text only: knows no disk.
 */
import { sha256 } from "../model/digest.js";

const version = 1;

/** An end that the journal has had. It only grows, so that what was true of its first bytes stays true. */
export interface JournalEnd {
  readonly bytes: number;
  /** Checksum of the last line up to there; null where there was none. */
  readonly last: string | null;
}

export const emptyEnd: JournalEnd = { bytes: 0, last: null };

/** `ends`: one of them is true of the journal. Two while it is being rewritten: the one before and the one after. */
export type EndNote =
  | { readonly kind: "absent" }
  | { readonly kind: "damaged" }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "ends"; readonly ends: readonly JournalEnd[] };

export function endNoteText(ends: readonly JournalEnd[]): string {
  const body = JSON.stringify({ v: version, ends }).slice(0, -1);
  return `${body},"sum":"${checksum(body)}"}\n`;
}

export function readEndNote(text: string): EndNote {
  const match = /^(.*),"sum":"([0-9a-f]{16})"\}\n$/s.exec(text);
  const [body, sum] = [match?.[1], match?.[2]];
  if (body === undefined || checksum(body) !== sum) return { kind: "damaged" };
  const { v, ends } = JSON.parse(`${body}}`) as { readonly v: number; readonly ends: readonly JournalEnd[] };
  return v > version ? { kind: "newer", version: v } : { kind: "ends", ends };
}

/** Null where the journal does not end in a whole line. */
export function endOf(journal: Buffer): JournalEnd | null {
  if (journal.length === 0) return emptyEnd;
  const last = /,"sum":"([0-9a-f]{16})"\}\n$/.exec(journal.subarray(-40).toString("latin1"))?.[1];
  return last === undefined ? null : { bytes: journal.length, last };
}

export function holds(end: JournalEnd, journal: Buffer): boolean {
  if (journal.length < end.bytes) return false;
  return endOf(journal.subarray(0, end.bytes))?.last === end.last;
}

/** What is wrong with the journal, or with the note; null where nothing is. @param hasOutputs of earlier runs. */
export function endComplaint(note: EndNote, journal: Buffer, hasOutputs: boolean): string | null {
  const lost = "journal.jsonl is missing or empty: outputs of earlier runs cannot be used";
  if (note.kind === "damaged") return "journal.end is damaged: whether the journal lacks lines cannot be said";
  if (note.kind !== "ends") {
    if (journal.length === 0) return hasOutputs ? lost : null;
    return "journal.end is missing: whether the journal lacks lines cannot be said";
  }
  if (note.ends.some((end) => holds(end, journal))) return null;
  if (journal.length === 0) return lost;
  const had = Math.min(...note.ends.map(({ bytes }) => bytes));
  return journal.length < had
    ? `journal.jsonl is cut off: of ${had} bytes it has ${journal.length}, and lines at its end are lost`
    : "journal.jsonl is not what was written: lines are lost, or in another order";
}

function checksum(body: string): string {
  return sha256(body).slice(0, 16);
}
