/**
 * Plays a program of the trace store on a model of a disk, cuts the power after each of its operations in every way that
 * the model knows, and looks at what the next process finds.
 */

import { openTraceStore, readTraceStore } from "../../src/execution/traces.js";
import { canonicalJson, sha256 } from "../../src/model/digest.js";
import type { Trace } from "../../src/model/graph.js";
import type { TraceReader, TraceStore } from "../../src/model/trace-store.js";
import { ModelDisk, type Operation, type Tree } from "./model-disk.js";

export const folder = "/audit/traces";

export interface Effort {
  /** Lengths at which what was appended is cut, besides nothing and all of it. */
  readonly cuts: number;
  /** Most states after one operation. */
  readonly limit: number;
}

export interface Program {
  readonly name: string;
  /** The disk before. */
  readonly before: Tree;
  run(disk: ModelDisk): Promise<void>;
  /** What is wrong with what survived, where all these promises were given; null where nothing is. */
  check(tree: Tree, promises: readonly string[]): Promise<string | null>;
}

export interface Outcome {
  /** States looked at, each once: distinct trees with distinct promises. */
  readonly states: number;
  readonly violation: string | null;
}

/** The disk after a program has run on it. */
export async function played(
  program: Program,
  skips?: (site: string) => boolean,
  killed: readonly Operation[] = [],
): Promise<ModelDisk> {
  const disk = new ModelDisk(program.before, skips);
  disk.replay(killed);
  await program.run(disk);
  return disk;
}

/** @param killed what an earlier process did before it was killed, with the power still on. */
export async function crash(
  program: Program,
  effort: Effort,
  skips?: (site: string) => boolean,
  killed: readonly Operation[] = [],
): Promise<Outcome> {
  const { log } = await played(program, skips, killed);
  const random = randomFrom(log.length);
  const disk = new ModelDisk(program.before);
  disk.replay(log.slice(0, killed.length));
  const promises = promisesOf(log.slice(0, killed.length));
  const seen = new Set<string>();
  for (let done = killed.length; done <= log.length; done += 1) {
    for (const tree of disk.crashes({ ...effort, random })) {
      const key = `${promises.length} ${keyOf(tree)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const violation = await program.check(tree, promises);
      if (violation !== null)
        return { states: seen.size, violation: `${program.name}, ${done} operations: ${violation}` };
    }
    const next = log[done];
    if (next === undefined) break;
    disk.replay([next]);
    if (next.kind === "acknowledge") promises.push(next.promise);
  }
  return { states: seen.size, violation: null };
}

function promisesOf(log: readonly Operation[]): string[] {
  return log.flatMap((operation) => (operation.kind === "acknowledge" ? [operation.promise] : []));
}

/** Names of temporary files hold random numbers and mean nothing. */
function keyOf(tree: Tree): string {
  const lines = [...tree].map(
    ([path, content]) => `${path.replace(/\.tmp-.*/, ".tmp")} ${content?.toString("latin1") ?? "/"}`,
  );
  return sha256(lines.sort().join("\n")).slice(0, 24);
}

/** A generator of our own, so that the same states are looked at each time (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A trace of `subject` by the inputs `rows`. Its output follows from both, so that a wrong one is noticed. */
export function traceOf(subject: string, rows: string): Omit<Trace, "output"> {
  return { subject, fingerprint: `f${rows}`, parts: { rows }, observed: {}, run: "r", at: "2026-02-03T00:00:00Z" };
}

export function outputOf({ subject, fingerprint }: Pick<Trace, "subject" | "fingerprint">): unknown {
  return { cause: `of ${subject.replace(/ twin$/, "")} by ${fingerprint}` };
}

/** Commits, and tells who waits for it. */
export async function commit(store: TraceStore, disk: ModelDisk, subject: string, rows: string): Promise<void> {
  const trace = await store.commit(traceOf(subject, rows), outputOf(traceOf(subject, rows)));
  disk.acknowledge(promiseOf(trace));
}

export function promiseOf({ subject, fingerprint }: Pick<Trace, "subject" | "fingerprint">): string {
  return `${subject}|${fingerprint}`;
}

/** From now on nothing of the journal goes without being noticed. */
export async function close(store: TraceStore, disk: ModelDisk): Promise<void> {
  await store.close();
  disk.acknowledge(closed);
}

const closed = "closed";

/** Opens the store; what it finds will be used again, so that whoever sees it relies on it. */
export async function opened(disk: ModelDisk): Promise<TraceStore> {
  const store = await openTraceStore(folder, disk);
  if (!store.ok) throw new Error(store.failure.message);
  return store.value;
}

/**
 * Whether the next process finds every promised trace, nothing torn, and can go on; null where all is well.
 * @param subjects all that may be there.
 * @param wasDamaged before the power was cut: then there is something to complain about.
 */
export async function checkStore(
  tree: Tree,
  promises: readonly string[],
  subjects: readonly string[],
  wasDamaged = false,
): Promise<string | null> {
  const disk = new ModelDisk(tree);
  const store = await openTraceStore(folder, disk);
  if (!store.ok) return `the store cannot be opened: ${store.failure.message}`;
  const promised = promises.filter((promise) => promise !== closed);
  const complaint = await checkReader(store.value, promised, subjects);
  if (complaint !== null) return complaint;
  // A power cut tears a line that nobody was told of; it takes none away, and damages nothing else.
  const alarm = store.value.damage.find((message) => !/^journal\.jsonl:\d+: /.test(message));
  if (alarm !== undefined && !wasDamaged) return `a false alarm: ${alarm}`;
  if (promises.at(-1) === closed) {
    const unnoticed = await checkNotice(tree);
    if (unnoticed !== null) return unnoticed;
  }
  const [subject = "none"] = subjects;
  await commit(store.value, disk, subject, "after the crash");
  await store.value.close();
  const reader = await readTraceStore(folder, disk);
  if (!reader.ok) return `the store cannot be read again: ${reader.failure.message}`;
  const after = [...promised, promiseOf(traceOf(subject, "after the crash"))];
  const lost = await checkReader(reader.value, after, subjects);
  if (lost !== null) return `after the recovery: ${lost}`;
  return reader.value.damage.length === 0 ? null : `still damaged after a run: ${reader.value.damage[0]}`;
}

/** Whether a journal that loses its last line, or all, and one that loses its note, are noticed. */
async function checkNotice(tree: Tree): Promise<string | null> {
  const journal = `${folder}/journal.jsonl`;
  const content = tree.get(journal);
  if (!content) return "the journal of a closed store is gone";
  const cut = content.subarray(0, content.lastIndexOf("\n", content.length - 2) + 1);
  const without = (path: string): Tree => new Map([...tree].filter(([name]) => name !== path));
  const damages: readonly (readonly [string, Tree])[] = [
    ["a journal without its last line", new Map([...tree, [journal, cut]])],
    ["a missing journal", without(journal)],
    ["a missing note of its end", without(`${folder}/journal.end`)],
  ];
  for (const [name, damaged] of damages) {
    const reader = await readTraceStore(folder, new ModelDisk(damaged));
    if (!reader.ok || reader.value.damage.length === 0) return `${name} is not noticed`;
  }
  return null;
}

async function checkReader(
  reader: TraceReader,
  promises: readonly string[],
  subjects: readonly string[],
): Promise<string | null> {
  const found = subjects.flatMap((subject) => reader.find(subject));
  for (const trace of found) {
    const output = await reader.read(trace);
    if (output === null) return `${promiseOf(trace)} is found, and its output is gone`;
    if (canonicalJson(output) !== canonicalJson(outputOf(trace))) return `${promiseOf(trace)} has another output`;
  }
  const names = new Set(found.map(promiseOf));
  const lost = promises.find((promise) => !names.has(promise));
  return lost === undefined ? null : `${lost} was acknowledged and is lost`;
}
