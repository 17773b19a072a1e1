/**
 * The event log of one run: a JSON line each, and every listener told at once.
 * Views read it; nothing decides by it, so it is flushed but not fsynced.
 */
import { createWriteStream } from "node:fs";
import type { AuditEvent, AuditEventLine } from "../model/events.js";
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
  const stream = createWriteStream(file, { flags: "a" });
  // A full disk must not end the audit: results are written elsewhere, and fail loudly there.
  stream.on("error", ({ message }) => {
    const told = `events.jsonl is not complete, and the timeline of this run neither: ${message}`;
    for (const listener of listeners) listener({ type: "warning", message: redact(told) });
  });
  let seq = 0;
  return {
    emit(given) {
      seq += 1;
      const event = redactStrings(given, redact);
      const line: AuditEventLine = { ...event, seq, at: now().toISOString() };
      stream.write(`${JSON.stringify(line)}\n`);
      for (const listener of listeners) listener(event);
    },
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}
