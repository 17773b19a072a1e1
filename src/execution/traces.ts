/**
 * The trace store on disk: traces/journal.jsonl (append-only, fsynced), the outputs that its lines name, and the note of
 * where it ended. It alone decides what may be reused. Knows nothing of what a trace is about.
 * What each fsync is for, test/crash/ shows: it leaves out one after the other.
 */
import { dirname } from "node:path";
import { canonicalJson } from "../model/digest.js";
import type { Trace } from "../model/graph.js";
import { failed, ok, type Result } from "../model/result.js";
import type { TraceReader, TraceStore } from "../model/trace-store.js";
import { type Disk, realDisk } from "../support/disk.js";
import { writeFileAtomic } from "../support/files.js";
import { isOvergrown, journalLine, worthKeeping } from "./journal.js";
import { emptyEnd, endOf, holds } from "./journal-end.js";
import {
  appender,
  journalFile,
  type LoadedJournal,
  loadJournal,
  objectsFolder,
  readNoteAndJournal,
  writeEnds,
} from "./journal-file.js";
import { listObjects, objectName, openObjects, readObject } from "./objects.js";

/**
 * Reads the store in `folder`, or an empty one where there is none. Makes nothing; for `plan`.
 * Failure code: state-unreadable.
 */
export async function readTraceStore(folder: string, disk: Disk = realDisk): Promise<Result<TraceReader>> {
  const loaded = await load(folder, disk);
  return loaded.ok ? ok(loaded.value.reader) : loaded;
}

/**
 * Opens (or makes) the store in `folder`. A line that cannot be trusted is left out and named in `damage`.
 * `close` compacts the journal where that pays. One process at a time: the caller holds run.lock.
 * Failure codes: state-unreadable, disk.
 */
export async function openTraceStore(folder: string, disk: Disk = realDisk): Promise<Result<TraceStore>> {
  const loaded = await load(folder, disk);
  if (!loaded.ok) return loaded;
  try {
    return ok(await openLoaded(folder, disk, loaded.value));
  } catch (error) {
    return failed("disk", `${folder} cannot be written: ${(error as Error).message}`, {
      hint: "Make it writable, or move the audit folder with `dir` in the config.",
    });
  }
}

interface Loaded extends LoadedJournal {
  readonly reader: TraceReader;
  /** Newest first. */
  readonly bySubject: Map<string, Trace[]>;
}

async function openLoaded(folder: string, disk: Disk, loaded: Loaded): Promise<TraceStore> {
  const { reader, bySubject, damage, note } = loaded;
  const traces = [...loaded.traces];
  const objects = await openObjects(objectsFolder(folder), disk);
  const file = await disk.open(journalFile(folder), "append");
  const journal = appender(file, loaded.content);
  // A killed process may have written lines and made folders without an fsync; whoever uses them vouches for them.
  await file.sync();
  await disk.syncFolder(folder);
  await disk.syncFolder(dirname(folder));
  // Before the journal's first line: from then on a note that is missing was lost.
  if (note.kind === "absent" && damage.length === 0) await writeEnds(folder, [emptyEnd], disk);

  let commits: Promise<unknown> = Promise.resolve();
  let isClean = damage.length === 0;

  const commit: TraceStore["commit"] = async (trace, output) => {
    const whole: Trace = { ...trace, output: await objects.write(canonicalJson(output)) };
    await journal.append(journalLine(whole));
    remember(bySubject, whole);
    traces.push(whole);
    isClean = false;
    return whole;
  };

  /** Where nothing was added, the run before has compacted what there was. */
  const settle = async (): Promise<void> => {
    if (!isClean && (damage.length > 0 || isOvergrown(traces))) {
      await rewrite(folder, worthKeeping(traces), disk);
      return;
    }
    const end = journal.end();
    // What was noted of an earlier end stays true of a journal whose last line is torn.
    const noted = note.kind === "ends" ? note.ends : [];
    if (end !== null && canonicalJson(noted) !== canonicalJson([end])) await writeEnds(folder, [end], disk);
  };

  return {
    ...reader,
    commit(trace, output) {
      const committed = commit(trace, output);
      commits = Promise.allSettled([commits, committed]);
      return committed;
    },
    async close() {
      await commits;
      await file.close();
      await settle().catch(forgiveDisk);
    },
  };
}

/**
 * Writes the journal anew with these traces; then, and only when it is durable, removes the outputs that no line names.
 * The caller holds run.lock, and no store is open.
 */
export async function rewrite(folder: string, kept: readonly Trace[], disk: Disk): Promise<void> {
  const text = Buffer.from(kept.map(journalLine).join(""));
  const end = endOf(text);
  if (end === null) throw new Error("BUG: a journal of whole lines does not end in one");
  // Whichever of the two journals a crash leaves, the note speaks of it.
  const { note, content } = await readNoteAndJournal(folder, disk);
  const before = note.kind === "ends" ? note.ends.filter((each) => holds(each, content)) : [];
  await writeEnds(folder, [...before, end], disk);
  await writeFileAtomic(journalFile(folder), text, disk);
  await writeEnds(folder, [end], disk);
  const named = new Set(kept.map(({ output }) => output));
  for (const { file, digest, isTemporary } of await listObjects(objectsFolder(folder), disk)) {
    if (isTemporary || (digest !== null && !named.has(digest))) await disk.remove(file);
  }
}

/** A journal that could not be compacted is whole, only long: the next run will try again. */
function forgiveDisk(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
}

async function load(folder: string, disk: Disk): Promise<Result<Loaded>> {
  const journal = await loadJournal(folder, disk);
  if (!journal.ok) return journal;
  const bySubject = new Map<string, Trace[]>();
  for (const trace of journal.value.traces) remember(bySubject, trace);
  const damage = [...journal.value.damage];
  const reader: TraceReader = {
    damage,
    find: (subject) => bySubject.get(subject) ?? [],
    async read(trace) {
      const output = await readObject(objectsFolder(folder), trace.output, disk);
      if (output.kind === "whole") return JSON.parse(output.text);
      const complaint = damagedOutput(trace, output.kind);
      if (!damage.includes(complaint)) damage.push(complaint);
      return null;
    },
  };
  return ok({ ...journal.value, reader, bySubject });
}

export function damagedOutput({ subject, run, output }: Trace, how: "missing" | "damaged"): string {
  const complaint = how === "missing" ? "is missing" : "is not what was written";
  return `objects/${objectName(output)}: ${complaint}; it is what run ${run} found of ${subject}`;
}

function remember(bySubject: Map<string, Trace[]>, trace: Trace): void {
  const known = bySubject.get(trace.subject);
  if (known === undefined) bySubject.set(trace.subject, [trace]);
  else known.unshift(trace);
}
