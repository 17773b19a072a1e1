/**
 * The trace store on disk: traces/journal.jsonl (append-only, a checksum as the last key of every line, fsynced)
 * and traces/objects/ (outputs, named by the digest of their content). It alone decides what may be reused.
 * Knows nothing of what a trace is about.
 */
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson, sha256 } from "../model/digest.js";
import type { Trace } from "../model/graph.js";
import type { TraceReader, TraceStore } from "../model/trace-store.js";
import { syncFolder, writeFileAtomic } from "../support/files.js";

const journalVersion = 1;

/** Reads the store in `folder`, or an empty one where there is none. Makes nothing; for `plan`. */
export async function readTraceStore(folder: string): Promise<TraceReader> {
  return (await load(folder)).reader;
}

/** Opens (or makes) the store in `folder`. A line that cannot be trusted is left out and named in `damage`. */
export async function openTraceStore(folder: string): Promise<TraceStore> {
  await mkdir(join(folder, "objects"), { recursive: true });
  const { reader, bySubject, objects, journalFile, text } = await load(folder);
  const journal = await open(journalFile, "a");
  if (text === "") await syncFolder(folder);
  // What a crash left without its newline must not swallow the next line.
  if (text !== "" && !text.endsWith("\n")) await journal.appendFile("\n");
  let tail: Promise<unknown> = Promise.resolve();

  return {
    ...reader,
    async commit(trace, output) {
      const content = canonicalJson(output);
      const digest = sha256(content);
      const file = objectFile(objects, digest);
      // One that is there but damaged is mended.
      if ((await readFile(file, "utf8").catch(() => null)) !== content) await writeFileAtomic(file, content);
      const whole: Trace = { ...trace, output: digest };
      const written = tail.then(async () => {
        await journal.appendFile(journalLine(whole));
        await journal.datasync();
      });
      tail = written.catch(() => undefined);
      await written;
      remember(bySubject, whole);
      return whole;
    },
    async close() {
      await tail;
      await journal.close();
    },
  };
}

async function load(folder: string) {
  const journalFile = join(folder, "journal.jsonl");
  const objects = join(folder, "objects");
  const text = await readFile(journalFile, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const { traces, damage } = readJournal(text);
  const bySubject = new Map<string, Trace[]>();
  for (const trace of traces) remember(bySubject, trace);
  const reader: TraceReader = {
    damage,
    find: (subject) => bySubject.get(subject) ?? [],
    async read(trace) {
      const content = await readFile(objectFile(objects, trace.output), "utf8").catch(() => null);
      return content === null || sha256(content) !== trace.output ? null : JSON.parse(content);
    },
  };
  return { reader, bySubject, objects, journalFile, text };
}

function remember(bySubject: Map<string, Trace[]>, trace: Trace): void {
  const known = bySubject.get(trace.subject);
  if (known === undefined) bySubject.set(trace.subject, [trace]);
  else known.unshift(trace);
}

function objectFile(objects: string, digest: string): string {
  return join(objects, digest.slice(0, 2), `${digest.slice(2)}.json`);
}

function journalLine(trace: Trace): string {
  const body = JSON.stringify({ v: journalVersion, ...trace }).slice(0, -1);
  return `${body},"sum":"${checksum(body)}"}\n`;
}

function checksum(body: string): string {
  return sha256(body).slice(0, 16);
}

/** Exported for the tests of damage. */
export function readJournal(text: string): { readonly traces: readonly Trace[]; readonly damage: readonly string[] } {
  const traces: Trace[] = [];
  const damage: string[] = [];
  const lines = text.split("\n");
  const torn = lines.pop();
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    const trace = readLine(line);
    if (trace === null) damage.push(`journal.jsonl:${index + 1}: the line is damaged and is not used`);
    else traces.push(trace);
  }
  if (torn !== undefined && torn !== "") {
    const trace = readLine(torn);
    if (trace === null) damage.push(`journal.jsonl:${lines.length + 1}: the last line was cut off and is not used`);
    else traces.push(trace);
  }
  return { traces, damage };
}

function readLine(line: string): Trace | null {
  const match = /^(.*),"sum":"([0-9a-f]{16})"\}$/s.exec(line);
  const [body, sum] = [match?.[1], match?.[2]];
  if (body === undefined || checksum(body) !== sum) return null;
  // The checksum vouches that this is a line of ours.
  const { v, ...trace } = JSON.parse(`${body}}`) as Trace & { v: number };
  return v === journalVersion ? trace : null;
}
