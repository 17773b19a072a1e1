/**
 * claims/catalogue.json: which tasks there are to claim. Written by the run that has exported them, under run.lock; read
 * by everybody. Tasks that are no longer there, and claims of tasks that have changed, end here.
 */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Catalogue, PublishedCase, PublishedTask, PublishedTest } from "../model/claim.js";
import { temporaryPrefix, writeFileAtomic } from "../support/files.js";
import {
  count,
  either,
  exactly,
  listOf,
  mapOf,
  number,
  object,
  readShape,
  text,
  textLike,
  truth,
} from "../support/shape.js";
import { readSmall } from "../support/small-file.js";
import { names, parseName, taskName, topNumbers } from "./claims.js";

/** What a run knows of its tasks; what claims make of it is filled in here. */
export interface Publication extends Omit<Catalogue, "version" | "edition" | "floor" | "tasks"> {
  readonly tasks: readonly Omit<PublishedTask, "first" | "edition">[];
}

/** Null where nothing was ever published, or it cannot be read: the next run publishes anew. */
export async function readCatalogue(folder: string): Promise<Catalogue | null> {
  return readShape(readSmall(fileIn(folder), largest), isCatalogue);
}

/** Bytes; ten thousand tasks have a few million. */
const largest = 512 * 1024 * 1024;

const isCase = object<PublishedCase>({
  id: text,
  test: text,
  group: text,
  failures: number,
  rows: number,
  fingerprint: text,
  open: truth,
});
const isTask = object<PublishedTask>({
  id: textLike(taskName),
  first: count,
  edition: count,
  done: truth,
  number: count,
  state: text,
  tests: listOf(text),
  failures: number,
  size: number,
  digest: text,
  cases: listOf(isCase),
});
const textOrNull = either(text, exactly(null));
const isTest = object<PublishedTest>({
  kind: text,
  severity: text,
  description: text,
  attachedTo: textOrNull,
  file: textOrNull,
  sql: text,
  groupColumn: textOrNull,
});
const isCatalogue = object<Catalogue>({
  version: exactly(1),
  project: text,
  created: text,
  run: text,
  edition: count,
  floor: count,
  tasks: listOf(isTask),
  order: listOf(text),
  tests: mapOf(isTest),
});

/**
 * Puts these tasks in the place of those before. A claim of a task that is as it was stays; any other is void, and its
 * token is never given again. The caller holds run.lock.
 * @param held tokens of the claims that agents hold now, by task
 */
export async function publish(
  folder: string,
  publication: Publication,
  before: Catalogue | null,
  held: ReadonlyMap<string, number>,
): Promise<Catalogue> {
  const files = names(folder);
  const tops = topNumbers(files);
  const edition = (before?.edition ?? 0) + 1;
  const earlier = new Map(before?.tasks.map((task) => [task.id, task]));
  const ids = new Set(publication.tasks.map(({ id }) => id));
  const gone = [...tops].filter(([task]) => !ids.has(task)).map(([, top]) => top);
  const firsts = before?.tasks.filter(({ id }) => !ids.has(id)).map(({ first }) => first - 1) ?? [];
  const floor = Math.max(before?.floor ?? 0, 0, ...maximum(gone), ...maximum(firsts));
  const tasks = publication.tasks.map((task): PublishedTask => {
    const same = earlier.get(task.id);
    const top = tops.get(task.id) ?? 0;
    if (same === undefined) return { ...task, first: Math.max(floor, top) + 1, edition };
    if (same.digest !== task.digest) return { ...task, first: Math.max(same.first, top + 1), edition };
    return { ...task, first: Math.max(same.first, held.get(task.id) ?? top + 1), edition: same.edition };
  });
  const catalogue: Catalogue = { ...publication, version: 1, edition, floor, tasks };
  await writeFileAtomic(fileIn(folder), `${JSON.stringify(catalogue)}\n`);
  await sweep(folder, files, catalogue);
  return catalogue;
}

/** Whether the file is the one that was read: answers something else where it was written since. */
export async function catalogueMark(folder: string): Promise<string> {
  return stat(fileIn(folder)).then(
    ({ ino, mtimeMs }) => `${ino} ${mtimeMs}`,
    () => "none",
  );
}

/** Old enough that nobody is about to give it a name. */
const abandoned = 60_000;

async function sweep(folder: string, files: readonly string[], { tasks }: Catalogue): Promise<void> {
  const first = new Map(tasks.map((task) => [task.id, task.first]));
  for (const name of files) {
    const parsed = parseName(name);
    const isPast = parsed !== null && parsed.number < (first.get(parsed.task) ?? Number.POSITIVE_INFINITY);
    if (isPast || (await isAbandoned(folder, name))) await rm(join(folder, name), { force: true });
  }
}

async function isAbandoned(folder: string, name: string): Promise<boolean> {
  if (!name.startsWith(temporaryPrefix)) return false;
  const found = await stat(join(folder, name)).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > abandoned;
}

/** None of none; a spread of ten thousand is too long for a call. */
function maximum(numbers: readonly number[]): readonly number[] {
  return numbers.length === 0 ? [] : [numbers.reduce((most, each) => Math.max(most, each))];
}

function fileIn(folder: string): string {
  return join(folder, "catalogue.json");
}
