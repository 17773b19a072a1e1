/**
 * Writes files that are made of pieces, and remembers from run to run what they were made of: what would be written again as
 * it is, is neither made nor read, and what has changed in part is put together from the old file and the new pieces. The
 * memory is disposable: without it everything is made again. Knows no report.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../model/digest.js";
import type { Piece, ReportFile } from "../model/report.js";
import { fileSignature } from "../support/file-signature.js";
import { temporaryPrefix, writeFileAtomic } from "../support/files.js";
import { programIdentity } from "../support/version.js";

export interface ReportFiles {
  /** Resolves when all of them are on disk as they should be. */
  write(files: readonly ReportFile[]): Promise<void>;
  /** Keeps what it knows of these files, and forgets all others. */
  remember(files: readonly ReportFile[]): void;
}

/** Of one file, as it was left. */
interface Known {
  /** Null: it was written so recently that it may have been changed since at the same time. */
  readonly signature: string | null;
  readonly digest: string;
  /** Of each piece its key and its bytes. */
  readonly pieces: readonly (readonly [key: string | null, bytes: number])[];
}

/** @param dir the audit folder @param now milliseconds; the file system's clock */
export function openReportFiles(dir: string, now: () => number = Date.now): ReportFiles {
  let loaded: Map<string, Known> | null = null;
  const known = (): Map<string, Known> => {
    loaded ??= load(join(dir, memoryFile));
    return loaded;
  };

  const lastingSignature = (file: string): string | null => {
    const { signature, changed } = fileSignature(file);
    return changed < now() - coarseness ? signature : null;
  };

  const write = async ({ path, pieces }: ReportFile): Promise<void> => {
    const file = join(dir, path);
    const before = known().get(path);
    const isSame = before !== undefined && isMadeOf(before, pieces);
    if (isSame && before.signature !== null && fileSignature(file).signature === before.signature) return;
    const old = contentOf(file);
    const digest = old === null ? null : sha256(old);
    if (isSame && before.digest === digest) {
      known().set(path, { ...before, signature: lastingSignature(file) });
      return;
    }
    const earlier = old !== null && before?.digest === digest ? piecesIn(old, before) : null;
    const parts = pieces.map(({ key, text }) => (key === null ? undefined : earlier?.get(key)) ?? Buffer.from(text()));
    const content = Buffer.concat(parts);
    if (old === null || !old.equals(content)) await writeFileAtomic(file, content);
    const made = pieces.map(({ key }, index) => [key, parts[index]?.length ?? 0] as const);
    known().set(path, { signature: null, digest: sha256(content), pieces: made });
  };

  return {
    async write(files) {
      const next = files.values();
      const work = async (): Promise<void> => {
        for (const file of next) await write(file);
      };
      // They share one iterator, so each file is written once; the disk makes several durable in the time of one.
      await Promise.all(Array.from({ length: filesAtOnce }, work));
    },
    remember(files) {
      const kept = files.flatMap(({ path }): [string, Known][] => {
        const each = known().get(path);
        if (each === undefined) return [];
        return [[path, { ...each, signature: each.signature ?? lastingSignature(join(dir, path)) }]];
      });
      save(dir, new Map(kept));
    },
  };
}

const filesAtOnce = 8;
export const memoryFile = "report-files.json";

function isMadeOf(known: Known, pieces: readonly Piece[]): boolean {
  if (known.pieces.length !== pieces.length) return false;
  return pieces.every(({ key }, index) => key !== null && key === known.pieces[index]?.[0]);
}

function piecesIn(content: Buffer, { pieces }: Known): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  let at = 0;
  for (const [key, bytes] of pieces) {
    if (key !== null) found.set(key, content.subarray(at, at + bytes));
    at += bytes;
  }
  return found;
}

/** File systems keep times as coarse as two seconds: whoever changes a file that soon again may leave no trace of it. */
const coarseness = 2_000;

function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

/** Of another program nothing is known: it may make something else of the same piece. */
function load(file: string): Map<string, Known> {
  try {
    const [head = "", body = "", sum] = readFileSync(file, "utf8").split("\n");
    if (head !== JSON.stringify(programIdentity()) || sha256(body) !== sum) return new Map();
    return new Map(JSON.parse(body) as [string, Known][]);
  } catch {
    return new Map();
  }
}

/** Without an fsync, and nobody is told where it cannot be written: what is torn or lost is made again. */
function save(dir: string, known: ReadonlyMap<string, Known>): void {
  const body = JSON.stringify([...known]);
  const temporary = join(dir, `${temporaryPrefix}${memoryFile}`);
  try {
    writeFileSync(temporary, `${JSON.stringify(programIdentity())}\n${body}\n${sha256(body)}\n`);
    renameSync(temporary, join(dir, memoryFile));
  } catch {
    // The next run makes everything again.
  }
}
