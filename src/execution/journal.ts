/**
 * Lines of traces/journal.jsonl: one trace each, `v` as the first key and a checksum as the last. Which of them are worth
 * keeping. Text only: knows no disk.
 */
import { canonicalJson, sha256 } from "../model/digest.js";
import type { Trace } from "../model/graph.js";

const journalVersion = 1;

/**
 * A version that changes the lines adds its reader and keeps the others: that is all there is to migration, since
 * compaction writes today's lines. What no version may change is the first key, `v`, and the last, `sum`, so that an
 * older audit-run can tell a newer state from a damaged one.
 */
const readers: Readonly<Record<number, (line: Record<string, unknown>) => Trace>> = {
  [journalVersion]: ({ v, sum, ...trace }) => trace as unknown as Trace,
};

export interface Journal {
  /** Oldest first. */
  readonly traces: readonly Trace[];
  /** What could not be trusted, one message each. */
  readonly damage: readonly string[];
  /** The highest version of a line that a newer audit-run has written; null where there is none. */
  readonly newer: number | null;
}

export function journalLine(trace: Trace): string {
  const body = JSON.stringify({ v: journalVersion, ...trace }).slice(0, -1);
  return `${body},"sum":"${checksum(body)}"}\n`;
}

export function readJournal(text: string): Journal {
  const traces: Trace[] = [];
  const damage: string[] = [];
  let newer: number | null = null;
  const take = (line: string, number: number, complaint: string): void => {
    if (line === "") return;
    const read = readLine(line);
    if (read === null) damage.push(`journal.jsonl:${number}: ${complaint}`);
    else if (typeof read === "number") newer = Math.max(newer ?? 0, read);
    else traces.push(read);
  };
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  for (const [index, line] of lines.entries()) take(line, index + 1, "the line is damaged and is not used");
  take(last, lines.length + 1, "the last line was cut off and is not used");
  return { traces, damage, newer };
}

/** Null: damaged. A number: the version of a line that is whole, and that only a newer audit-run can read. */
function readLine(line: string): Trace | number | null {
  // Ten thousand of them are read at each start.
  const end = line.length - sumLength;
  const sum = line.slice(end + sumStart.length, -sumEnd.length);
  if (end < 0 || !line.startsWith(sumStart, end) || !line.endsWith(sumEnd)) return null;
  if (checksum(line.slice(0, end)) !== sum) return null;
  // The checksum vouches that this is a line of ours.
  const parsed = JSON.parse(line) as Record<string, unknown>;
  const version = Number(parsed.v);
  return version > journalVersion ? version : (readers[version]?.(parsed) ?? null);
}

const [sumStart, sumEnd] = [',"sum":"', '"}'];
const sumLength = sumStart.length + 16 + sumEnd.length;

function checksum(body: string): string {
  return sha256(body).slice(0, 16);
}

/** Older ones are forgotten when the journal is compacted: reverting an input finds its trace among so many. */
const keptPerSubject = 20;

/** The traces, oldest first, that a compacted journal holds: per subject the newest ones whose inputs differ. */
export function worthKeeping(traces: readonly Trace[]): readonly Trace[] {
  const seen = new Map<string, Set<string>>();
  const kept: Trace[] = [];
  for (const trace of [...traces].reverse()) {
    const inputs = seen.get(trace.subject) ?? new Set<string>();
    seen.set(trace.subject, inputs);
    const own = `${trace.fingerprint} ${canonicalJson(trace.observed)}`;
    if (inputs.has(own) || inputs.size === keptPerSubject) continue;
    inputs.add(own);
    kept.push(trace);
  }
  return kept.reverse();
}

/** Whether compaction pays: much is superfluous in all, or of one subject, whose outputs may be big. */
export function isOvergrown(traces: readonly Trace[]): boolean {
  const counts = new Map<string, number>();
  for (const { subject } of traces) counts.set(subject, (counts.get(subject) ?? 0) + 1);
  if ([...counts.values()].some((count) => count > 2 * keptPerSubject)) return true;
  // Of each subject one is worth keeping at least: mostly that is all there is to know.
  return traces.length > 4 * counts.size && traces.length > 4 * worthKeeping(traces).length;
}
