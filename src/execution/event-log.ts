/**
 * Reads the event log of a run, also while it is being written: each reading goes on where the one before ended.
 * Knows no run; what is in a line, model/events.ts says.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { AuditEventLine } from "../model/events.js";

/** Bytes at a time. */
const portion = 1024 * 1024;

export interface EventReader {
  /** Events that have come since the last time. A file that is not there (yet) has none. */
  more(): Promise<readonly AuditEventLine[]>;
}

export function readEventLog(file: string): EventReader {
  let offset = 0;
  /** The start of a line whose end is still to come. */
  let rest = Buffer.alloc(0);
  return {
    async more() {
      const events: AuditEventLine[] = [];
      const handle = await open(file, "r").catch(() => null);
      if (handle === null) return events;
      try {
        for (;;) {
          const bytes = await readPortion(handle, offset);
          if (bytes.length === 0) return events;
          offset += bytes.length;
          const text = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
          // Cut at ends of lines, and only there: a character may stand across two portions.
          const end = text.lastIndexOf(10) + 1;
          rest = Buffer.from(text.subarray(end));
          for (const line of text.toString("utf8", 0, end).split("\n")) events.push(...parse(line));
        }
      } finally {
        await handle.close();
      }
    },
  };
}

async function readPortion(handle: FileHandle, offset: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(portion), 0, portion, offset);
  return buffer.subarray(0, bytesRead);
}

/** A line that a crash or another program has spoilt says nothing. */
function parse(line: string): AuditEventLine[] {
  if (line === "") return [];
  try {
    const value = JSON.parse(line) as Partial<AuditEventLine> | null;
    return typeof value?.type === "string" && typeof value.at === "string" ? [value as AuditEventLine] : [];
  } catch {
    return [];
  }
}
