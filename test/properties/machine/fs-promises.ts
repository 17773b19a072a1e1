/**
 * `node:fs/promises` for the oracle (vitest.config.ts puts it there): as much of it as an audit calls, on the disk in
 * memory. What is not here is undefined, so that a new call fails loudly.
 */
import * as disk from "./files.js";
import { linkSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statsOf, writeFileSync } from "./fs.js";

type Content = string | Uint8Array;

export async function access(path: string): Promise<void> {
  await disk.answerTakesTurns();
  disk.get(path);
}

export async function readFile(path: string, encoding?: BufferEncoding): Promise<Buffer | string> {
  await disk.answerTakesTurns();
  const { content } = disk.getFile(path);
  return encoding === undefined ? content : content.toString(encoding);
}

export async function readdir(path: string, options?: { readonly withFileTypes?: boolean }): Promise<unknown[]> {
  await disk.answerTakesTurns();
  return readdirSync(path, options);
}

export async function realpath(path: string): Promise<string> {
  await disk.answerTakesTurns();
  return realpathSync(path);
}

export async function stat(path: string) {
  await disk.answerTakesTurns();
  return statsOf(disk.get(path));
}

export async function lstat(path: string) {
  return stat(path);
}

export async function mkdir(path: string, options?: { readonly recursive?: boolean }): Promise<string | undefined> {
  await disk.answerTakesTurns();
  return mkdirSync(path, options);
}

let made = 0;

export async function mkdtemp(prefix: string): Promise<string> {
  await disk.answerTakesTurns();
  const path = `${prefix}${++made}`;
  disk.makeFolder(path);
  return path;
}

export async function writeFile(path: string, content: Content, options?: { readonly flag?: string }): Promise<void> {
  await disk.answerTakesTurns();
  writeFileSync(path, content, options);
}

export async function open(path: string, flags: string | number) {
  await disk.answerTakesTurns();
  const known = disk.find(path);
  if (flags === "wx" && known !== null) throw new disk.DiskError("EEXIST", path);
  if (typeof flags === "number") {
    const entry = disk.get(path);
    return {
      stat: async () => statsOf(entry),
      readFile: (encoding: BufferEncoding) => readFile(path, encoding),
      sync: disk.answerTakesTurns,
      close: disk.answerTakesTurns,
    };
  }
  if (known instanceof Map) throw new disk.DiskError("EISDIR", path);
  if (known === null) {
    disk.changing("write", path);
    disk.put(path, disk.newFile(Buffer.alloc(0)));
  }
  return {
    async appendFile(content: Content) {
      await disk.answerTakesTurns();
      const bytes = Buffer.from(content);
      disk.changing("append", path, bytes);
      const file = disk.getFile(path);
      disk.put(path, disk.rewritten(file, Buffer.concat([file.content, bytes])));
    },
    sync: disk.answerTakesTurns,
    datasync: disk.answerTakesTurns,
    close: disk.answerTakesTurns,
  };
}

export async function link(from: string, to: string): Promise<void> {
  await disk.answerTakesTurns();
  linkSync(from, to);
}

export async function rename(from: string, to: string): Promise<void> {
  await disk.answerTakesTurns();
  renameSync(from, to);
}

export async function rm(path: string, options?: Parameters<typeof rmSync>[1]): Promise<void> {
  await disk.answerTakesTurns();
  rmSync(path, options);
}

export async function rmdir(path: string): Promise<void> {
  await disk.answerTakesTurns();
  if (disk.getFolder(path).size > 0) throw new disk.DiskError("ENOTEMPTY", path);
  disk.changing("remove", path);
  disk.take(path);
}
