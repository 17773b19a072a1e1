/**
 * The trace store on disk: traces/journal.jsonl (append-only, fsynced) and the outputs that its lines name. It alone
 * decides what may be reused. Knows nothing of what a trace is about.
 * What each fsync is for, test/crash/ shows: it leaves out one after the other.
 */
import { dirname, join } from "node:path";
import { canonicalJson } from "../model/digest.js";
import type { Trace } from "../model/graph.js";
import { failed, ok, type Result } from "../model/result.js";
import type { TraceReader, TraceStore } from "../model/trace-store.js";
import { type Disk, type DiskFile, realDisk } from "../support/disk.js";
import { writeFileAtomic } from "../support/files.js";
import { isOvergrown, journalLine, readJournal, worthKeeping } from "./journal.js";
import { listObjects, openObjects, readObject } from "./objects.js";

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

interface Loaded extends Pick<LoadedJournal, "traces" | "endsInLine"> {
  readonly reader: TraceReader;
  /** Newest first. */
  readonly bySubject: Map<string, Trace[]>;
}

async function openLoaded(folder: string, disk: Disk, loaded: Loaded): Promise<TraceStore> {
  const { reader, bySubject } = loaded;
  const traces = [...loaded.traces];
  const objects = await openObjects(objectsFolder(folder), disk);
  const file = await disk.open(journalFile(folder), "append");
  const journal = appender(file, loaded.endsInLine);
  // A killed process may have written lines and made folders without an fsync; whoever uses them vouches for them.
  await file.sync();
  await disk.syncFolder(folder);
  await disk.syncFolder(dirname(folder));

  let commits: Promise<unknown> = Promise.resolve();
  let isClean = reader.damage.length === 0;

  const commit: TraceStore["commit"] = async (trace, output) => {
    const whole: Trace = { ...trace, output: await objects.write(canonicalJson(output)) };
    await journal(journalLine(whole));
    remember(bySubject, whole);
    traces.push(whole);
    isClean = false;
    return whole;
  };

  const compact = async (): Promise<void> => {
    if (reader.damage.length > 0 || isOvergrown(traces)) await rewrite(folder, worthKeeping(traces), disk);
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
      // Where nothing was added, the run before has compacted what there was.
      if (!isClean) await compact().catch(forgiveDisk);
    },
  };
}

/**
 * Writes the journal anew with these traces; then, and only when it is durable, removes the outputs that no line names.
 * The caller holds run.lock, and no store is open.
 */
export async function rewrite(folder: string, kept: readonly Trace[], disk: Disk): Promise<void> {
  await writeFileAtomic(journalFile(folder), kept.map(journalLine).join(""), disk);
  const named = new Set(kept.map(({ output }) => output));
  for (const { file, digest, isTemporary } of await listObjects(objectsFolder(folder), disk)) {
    if (isTemporary || (digest !== null && !named.has(digest))) await disk.remove(file);
  }
}

/** A journal that could not be compacted is whole, only long: the next run will try again. */
function forgiveDisk(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
}

/** Appends lines in the order in which they were given; each is durable when its promise resolves. */
function appender(file: DiskFile, endsInLine: boolean): (line: string) => Promise<void> {
  let tail: Promise<void> = Promise.resolve();
  let isWhole = endsInLine;
  return (line) => {
    const written = tail.then(async () => {
      // What a crash or a full disk cut off must not swallow this line.
      const text = isWhole ? line : `\n${line}`;
      isWhole = false;
      await file.append(text);
      await file.sync();
      isWhole = true;
    });
    tail = written.catch(() => undefined);
    return written;
  };
}

async function load(folder: string, disk: Disk): Promise<Result<Loaded>> {
  const journal = await loadJournal(folder, disk);
  if (!journal.ok) return journal;
  const { traces, damage, endsInLine } = journal.value;
  const bySubject = new Map<string, Trace[]>();
  for (const trace of traces) remember(bySubject, trace);
  const reader: TraceReader = {
    damage,
    find: (subject) => bySubject.get(subject) ?? [],
    async read(trace) {
      const output = await readObject(objectsFolder(folder), trace.output, disk);
      return output === null ? null : JSON.parse(output);
    },
  };
  return ok({ reader, traces, bySubject, endsInLine });
}

export interface LoadedJournal {
  /** Oldest first. */
  readonly traces: readonly Trace[];
  /** One message for each thing that could not be trusted. */
  readonly damage: readonly string[];
  readonly endsInLine: boolean;
}

/** The journal of the store in `folder`; an empty one where there is none. Failure code: state-unreadable. */
export async function loadJournal(folder: string, disk: Disk): Promise<Result<LoadedJournal>> {
  const file = journalFile(folder);
  const content = await disk.read(file).catch((error: NodeJS.ErrnoException) => error);
  if (content instanceof Error && content.code !== "ENOENT") {
    return failed("state-unreadable", `${file} cannot be read: ${content.message}`, {
      hint: "Make it readable, or move the folder `traces` away: then everything is investigated anew.",
    });
  }
  const text = content instanceof Error ? "" : content.toString("utf8");
  const { traces, damage, newer } = readJournal(text);
  if (newer !== null) {
    // Never ignored: everything would be paid for again, and what the newer one has finished might be lost.
    return failed("state-unreadable", `${file} was written by a newer audit-run (version ${newer} of its lines)`, {
      hint: "Upgrade audit-run, or move the folder `traces` away: then everything is investigated anew.",
    });
  }
  const hasOutputs = text === "" && (await disk.list(objectsFolder(folder)).catch(() => [])).length > 0;
  const lost = hasOutputs ? ["journal.jsonl is missing or empty: outputs of earlier runs cannot be used"] : [];
  return ok({ traces, damage: [...damage, ...lost], endsInLine: text === "" || text.endsWith("\n") });
}

function objectsFolder(folder: string): string {
  return join(folder, "objects");
}

function remember(bySubject: Map<string, Trace[]>, trace: Trace): void {
  const known = bySubject.get(trace.subject);
  if (known === undefined) bySubject.set(trace.subject, [trace]);
  else known.unshift(trace);
}

function journalFile(folder: string): string {
  return join(folder, "journal.jsonl");
}
