/** Damages a file of an audit folder on the disk in memory, as a bad disk or a careless hand would. Knows no format. */
import { filesIn, getFile, put, rewritten, take } from "./files.js";

export interface Damage {
  readonly how: "bit" | "cut" | "deleted";
  /** Which of the files, counted around. */
  readonly file: number;
  /** Where in it, counted around. */
  readonly at: number;
  readonly inTraces: boolean;
}

/** Whether something was lost that decides on reuse. */
export function damage(folder: string, { how, file, at, inTraces }: Damage): boolean {
  const files = filesIn(folder).filter((path) => path.startsWith(`${folder}/traces/`) === inTraces);
  const path = files[file % Math.max(1, files.length)];
  if (path === undefined) return false;
  const damaged = getFile(path);
  const { length } = damaged.content;
  if (how === "deleted") take(path);
  else if (how === "cut") put(path, rewritten(damaged, damaged.content.subarray(0, at % (length + 1))));
  else if (length > 0) {
    const bytes = Buffer.from(damaged.content);
    bytes[at % length] = (bytes[at % length] ?? 0) ^ (1 << (at % 8));
    put(path, rewritten(damaged, bytes));
  }
  return inTraces;
}
