/** What is played when the power is cut: a program for each way in which the state on disk changes. */
import { dirname } from "node:path";
import { writeFileAtomic } from "../../src/support/files.js";
import {
  checkStore,
  close,
  commit,
  crash,
  type Effort,
  folder,
  type Outcome,
  opened,
  type Program,
  played,
  promiseOf,
} from "./crash.js";
import { ModelDisk, type Tree } from "./model-disk.js";

const subjects = ["a", "a twin", "b", "c"];
const nothing: Tree = new Map([[dirname(folder), null]]);

const newStore: Program = {
  name: "a new store",
  before: nothing,
  check: (tree, promises) => checkStore(tree, promises, subjects),
  async run(disk) {
    const store = await opened(disk);
    await commit(store, disk, "a", "1");
    await commit(store, disk, "b", "1");
    await commit(store, disk, "a", "2");
    await close(store, disk);
  },
};

const manyAtOnce: Program = {
  ...newStore,
  name: "commits at the same time, two of the same output",
  async run(disk) {
    const store = await opened(disk);
    await Promise.all(["a", "a twin", "b", "c"].map((subject) => commit(store, disk, subject, "1")));
    await close(store, disk);
  },
};

/** Relies on what it finds, as a run does that uses it again. */
async function goOn(disk: ModelDisk, rows: string, relied = 10): Promise<void> {
  const store = await opened(disk);
  for (const trace of subjects.flatMap((subject) => store.find(subject).slice(0, relied)))
    disk.acknowledge(promiseOf(trace));
  await commit(store, disk, "a", rows);
  await commit(store, disk, "b", "1");
  await close(store, disk);
}

/** The whole of what is on a disk, safe. */
function treeOf(disk: ModelDisk): Tree {
  disk.settle();
  const [tree] = disk.crashes({ cuts: 0, limit: 1, random: () => 0 });
  if (tree === undefined) throw new Error("a settled disk has one state");
  return tree;
}

async function compaction(): Promise<Program> {
  const disk = new ModelDisk(nothing);
  const store = await opened(disk);
  for (let rows = 1; rows <= 41; rows += 1) await commit(store, disk, "a", String(rows));
  // The store is left without being closed, which would compact it.
  return { ...newStore, name: "a compaction", before: treeOf(disk), run: (next) => goOn(next, "42") };
}

/** Of a journal whose end an earlier run has noted: the same trace many times over. */
async function compactionOfClosed(): Promise<Program> {
  const disk = new ModelDisk(treeOf(await played(newStore)));
  const store = await opened(disk);
  for (let count = 0; count < 12; count += 1) await commit(store, disk, "a", "2");
  return { ...newStore, name: "a small compaction", before: treeOf(disk), run: (next) => goOn(next, "2") };
}

async function tornJournal(): Promise<Program> {
  const before = new Map(treeOf(await played(newStore)));
  const journal = before.get(`${folder}/journal.jsonl`);
  before.set(`${folder}/journal.jsonl`, journal?.subarray(0, -20) ?? null);
  return {
    ...newStore,
    name: "a torn journal",
    before,
    run: (disk) => goOn(disk, "3"),
    check: (tree, promises) => checkStore(tree, promises, subjects, true),
  };
}

const page = "/audit/results/VA.md";
const views: Program = {
  name: "a view that is rewritten",
  before: nothing,
  async run(disk) {
    for (const text of ["first", "second", "third"]) {
      await writeFileAtomic(page, text, disk);
      disk.acknowledge(text);
    }
  },
  async check(tree, promises) {
    const text = tree.get(page)?.toString("utf8");
    const allowed = [
      ...(promises.length === 0 ? [undefined] : promises.slice(-1)),
      ["first", "second", "third"][promises.length],
    ];
    return allowed.includes(text) ? null : `after ${promises.length} writes it holds ${JSON.stringify(text)}`;
  },
};

export interface Episode {
  readonly name: string;
  /** The fsyncs that the program asks for. */
  readonly sites: ReadonlySet<string>;
  readonly crash: (effort: Effort, skips?: (site: string) => boolean) => Promise<Outcome>;
}

/** Every program; and for those of the store, one that goes on where it was killed with the power still on. */
export async function episodes(): Promise<{
  readonly whole: readonly Episode[];
  readonly restarted: readonly Episode[];
}> {
  const stores = [newStore, manyAtOnce, await tornJournal(), await compactionOfClosed(), await compaction()];
  const whole: Episode[] = [];
  const restarted: Episode[] = [];
  for (const program of [views, ...stores]) whole.push(await episode(program));
  for (const program of stores) {
    const { log } = await played(program);
    for (let killedAfter = 1; killedAfter <= log.length; killedAfter += 1) {
      restarted.push(await episode(program, killedAfter));
    }
  }
  return { whole, restarted };
}

async function episode(program: Program, killedAfter = 0): Promise<Episode> {
  /** Where fsyncs are left out, the killed process left them out as well. */
  const killed = async (skips?: (site: string) => boolean) =>
    killedAfter === 0 ? [] : (await played(program, skips)).log.slice(0, killedAfter);
  const next: Program =
    killedAfter === 0
      ? program
      : { ...program, name: `${program.name}, killed after ${killedAfter}`, run: (disk) => goOn(disk, "1", 5) };
  const sites = new Set<string>();
  const note = (site: string): boolean => {
    sites.add(site);
    return false;
  };
  await played(next, note, await killed(note));
  return { name: next.name, sites, crash: async (effort, skips) => crash(next, effort, skips, await killed(skips)) };
}

/** The states after all of them, up to the first violation. */
export async function statesOf(all: readonly Episode[], effort: Effort): Promise<Outcome> {
  let states = 0;
  for (const episode of all) {
    const outcome = await episode.crash(effort);
    states += outcome.states;
    if (outcome.violation !== null) return { states, violation: outcome.violation };
  }
  return { states, violation: null };
}
