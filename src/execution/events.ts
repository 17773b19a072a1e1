/**
 * The event log of one run: a JSON line each, and every listener told at once.
 * Views read it; nothing decides by it, so it is flushed but not fsynced.
 */
import { closeSync, openSync } from "node:fs";
import type { AuditEvent, AuditEventLine } from "../model/events.js";
import { writeAll } from "../support/disk.js";
import { type Redactor, redactStrings } from "../support/redact.js";

export interface EventLog {
  emit(event: AuditEvent): void;
  close(): Promise<void>;
}

export function openEventLog(
  file: string,
  now: () => Date,
  redact: Redactor,
  listeners: readonly ((event: AuditEvent) => void)[],
): EventLog {
  let handle: number | null = null;
  let hasFailed = false;
  /** At once: who is killed in the next moment has written it. */
  const write = (line: string): void => {
    if (hasFailed) return;
    try {
      handle ??= openSync(file, "a");
      writeAll(handle, line);
    } catch (error) {
      // A full disk must not end the audit: results are written elsewhere, and fail loudly there.
      hasFailed = true;
      const told = `events.jsonl is not complete, and the timeline of this run neither: ${(error as Error).message}`;
      for (const listener of listeners) listener({ type: "warning", message: redact(told) });
    }
  };
  let seq = 0;
  return {
    emit(given) {
      seq += 1;
      const event = redactStrings(given, redact);
      const line: AuditEventLine = { ...event, seq, at: now().toISOString() };
      write(`${JSON.stringify(line)}\n`);
      for (const listener of listeners) listener(event);
    },
    async close() {
      if (handle !== null) closeSync(handle);
      handle = null;
      hasFailed = true;
    },
  };
}
