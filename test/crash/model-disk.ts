/**
 * A model of a disk with a cache: every operation works at once, and a power cut keeps of what was not fsynced anything
 * at all. Of a file: its fsynced bytes and any part of what was appended since, or zeros in its place. Of a folder: its
 * fsynced names and any choice of the changes since, in any combination; a rename happens whole or not.
 * Implements the program's `Disk`; knows nothing of what is written.
 */
import { dirname, join } from "node:path";
import type { Disk, DiskFile } from "../../src/support/disk.js";

/** Path → content; null for a folder. What a machine finds after the power is back. */
export type Tree = ReadonlyMap<string, Buffer | null>;

export type Operation =
  | { readonly kind: "make"; readonly path: string; readonly id: number; readonly isFolder: boolean }
  | { readonly kind: "append"; readonly id: number; readonly content: Buffer }
  | { readonly kind: "sync"; readonly id: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string }
  /** Somebody was told that this is done. */
  | { readonly kind: "acknowledge"; readonly promise: string };

interface File {
  readonly kind: "file";
  content: Buffer;
  /** So many bytes are safe. */
  synced: number;
}

interface Folder {
  readonly kind: "folder";
  readonly names: Map<string, number>;
  /** The names that are safe. */
  synced: Map<string, number>;
  /** Since then; each happens whole or not at all. Null: the name goes. */
  changes: (readonly (readonly [name: string, id: number | null])[])[];
}

const rootId = 0;

export class ModelDisk implements Disk {
  readonly log: Operation[] = [];
  readonly #nodes = new Map<number, File | Folder>([[rootId, emptyFolder()]]);
  #nextId = 1;

  /** @param skips the fsyncs that this disk forgets, by the place in the program that asks for them. */
  constructor(
    tree: Tree = new Map(),
    readonly skips: ((site: string) => boolean) | null = null,
  ) {
    for (const [path, content] of tree) {
      const id = this.#make(path, content === null);
      if (content !== null) this.#apply({ kind: "append", id, content });
    }
    this.settle();
  }

  /** Does what another disk's program did, for a program that was killed there. */
  replay(operations: readonly Operation[]): void {
    for (const operation of operations) this.#apply(operation);
  }

  acknowledge(promise: string): void {
    this.#apply({ kind: "acknowledge", promise });
  }

  /** Everything is safe, and nothing of it is part of the log. */
  settle(): void {
    for (const id of this.#nodes.keys()) this.#apply({ kind: "sync", id });
    this.log.length = 0;
  }

  async makeFolder(path: string): Promise<string | undefined> {
    if (this.#find(path) !== undefined) return undefined;
    const topmost = (await this.makeFolder(dirname(path))) ?? path;
    this.#make(path, true);
    return topmost;
  }

  async open(path: string, mode: "new" | "append"): Promise<DiskFile> {
    const found = this.#find(path);
    if (found !== undefined && mode === "new") throw refused("EEXIST", path);
    const id = found ?? this.#make(path, false);
    return {
      append: async (content) => this.#apply({ kind: "append", id, content: Buffer.from(content) }),
      sync: async () => this.#sync(id),
      close: async () => undefined,
    };
  }

  async read(path: string): Promise<Buffer> {
    const node = this.#nodes.get(this.#find(path) ?? -1);
    if (node?.kind !== "file") throw refused("ENOENT", path);
    return node.content;
  }

  async list(path: string): Promise<readonly string[]> {
    return [...this.#folder(path).names.keys()];
  }

  async rename(from: string, to: string): Promise<void> {
    this.#apply({ kind: "rename", from, to });
  }

  async remove(path: string): Promise<void> {
    if (this.#find(path) !== undefined) this.#apply({ kind: "remove", path });
  }

  async syncFolder(path: string): Promise<void> {
    const id = this.#find(path);
    if (id === undefined) throw refused("ENOENT", path);
    this.#sync(id);
  }

  /** What the machine may find after a power cut now; every one, or `limit` of them where there are more. */
  *crashes(options: { readonly cuts: number; readonly limit: number; readonly random: () => number }): Generator<Tree> {
    const choices = this.#choices(options.cuts);
    const all = choices.reduce((product, { options: each }) => product * each, 1);
    const isAll = all <= options.limit;
    for (let count = 0; count < (isAll ? all : options.limit); count += 1) {
      let rest = count;
      const chosen = new Map<number, number>();
      for (const choice of choices) {
        chosen.set(choice.id, isAll ? rest % choice.options : Math.floor(options.random() * choice.options));
        rest = Math.floor(rest / choice.options);
      }
      yield this.#survivor(chosen, options.cuts);
    }
  }

  /** Of a folder: a bit for each change. Of a file: where it is cut; the last option is zeros. */
  #choices(cuts: number): readonly { readonly id: number; readonly options: number }[] {
    return [...this.#nodes].flatMap(([id, node]) => {
      if (node.kind === "folder") return node.changes.length === 0 ? [] : [{ id, options: 2 ** node.changes.length }];
      return node.content.length === node.synced ? [] : [{ id, options: cutsOf(node, cuts).length + 1 }];
    });
  }

  #survivor(chosen: ReadonlyMap<number, number>, cuts: number): Tree {
    const tree = new Map<string, Buffer | null>();
    const walk = (id: number, path: string): void => {
      const node = this.#nodes.get(id);
      if (node === undefined) throw new Error(`no node ${id}`);
      const choice = chosen.get(id) ?? 0;
      if (node.kind === "file") {
        tree.set(path, remains(node, choice, cuts));
        return;
      }
      if (id !== rootId) tree.set(path, null);
      const names = new Map(node.synced);
      for (const [index, change] of node.changes.entries()) if (choice & (1 << index)) enter(names, change);
      for (const [name, child] of names) walk(child, join(path, name));
    };
    walk(rootId, "/");
    return tree;
  }

  #make(path: string, isFolder: boolean): number {
    const id = this.#nextId;
    this.#apply({ kind: "make", path, id, isFolder });
    return id;
  }

  #sync(id: number): void {
    if (this.skips === null || !this.skips(callSite())) this.#apply({ kind: "sync", id });
  }

  #apply(operation: Operation): void {
    this.log.push(operation);
    if (operation.kind === "make") {
      this.#nextId = Math.max(this.#nextId, operation.id) + 1;
      this.#nodes.set(operation.id, operation.isFolder ? emptyFolder() : emptyFile());
      this.#change(dirname(operation.path), [[nameOf(operation.path), operation.id]]);
    } else if (operation.kind === "append") {
      const file = this.#nodes.get(operation.id);
      if (file?.kind === "file") file.content = Buffer.concat([file.content, operation.content]);
    } else if (operation.kind === "sync") {
      const node = this.#nodes.get(operation.id);
      if (node?.kind === "file") node.synced = node.content.length;
      if (node?.kind === "folder") Object.assign(node, { synced: new Map(node.names), changes: [] });
    } else if (operation.kind === "rename") {
      const { from, to } = operation;
      const id = this.#find(from);
      if (id === undefined || dirname(from) !== dirname(to)) throw refused("ENOENT", from);
      this.#change(dirname(from), [
        [nameOf(from), null],
        [nameOf(to), id],
      ]);
    } else if (operation.kind === "remove") {
      this.#change(dirname(operation.path), [[nameOf(operation.path), null]]);
    }
  }

  #change(folder: string, change: readonly (readonly [string, number | null])[]): void {
    const node = this.#folder(folder);
    enter(node.names, change);
    node.changes.push(change);
  }

  #folder(path: string): Folder {
    const node = this.#nodes.get(this.#find(path) ?? -1);
    if (node?.kind !== "folder") throw refused("ENOENT", path);
    return node;
  }

  #find(path: string): number | undefined {
    let id: number | undefined = rootId;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const node: File | Folder | undefined = this.#nodes.get(id);
      id = node?.kind === "folder" ? node.names.get(name) : undefined;
      if (id === undefined) return undefined;
    }
    return id;
  }
}

function emptyFolder(): Folder {
  return { kind: "folder", names: new Map(), synced: new Map(), changes: [] };
}

function emptyFile(): File {
  return { kind: "file", content: Buffer.alloc(0), synced: 0 };
}

function enter(names: Map<string, number>, change: readonly (readonly [string, number | null])[]): void {
  for (const [name, id] of change) {
    if (id === null) names.delete(name);
    else names.set(name, id);
  }
}

/** How long the file may be: nothing new, all of it, and up to `most` lengths between. */
function cutsOf({ content, synced }: File, most: number): readonly number[] {
  const pending = content.length - synced;
  const steps = Math.min(pending, most + 1);
  return Array.from({ length: steps + 1 }, (_, step) => synced + Math.round((pending * step) / Math.max(1, steps)));
}

function remains(file: File, choice: number, most: number): Buffer {
  const cuts = cutsOf(file, most);
  const cut = cuts[choice];
  if (cut !== undefined) return file.content.subarray(0, cut);
  // The file has grown, and its bytes never came.
  return Buffer.concat([file.content.subarray(0, file.synced), Buffer.alloc(file.content.length - file.synced)]);
}

/** The lines of the program on the way to this fsync: one mutant each. */
function callSite(): string {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const stack = new Error().stack ?? "";
  Error.stackTraceLimit = before;
  return [...stack.matchAll(/\/src\/(\S+?\.ts)[^:\s]*:(\d+:\d+)/g)]
    .map(([, file, place]) => `${file}:${place}`)
    .join(" < ");
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function refused(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
