/**
 * The contract of a progress view: it is shown every event of a run, and draws what it likes.
 * Knows no terminal.
 */
import type { AuditEvent } from "./events.js";

export interface ProgressView {
  /** Begins to draw. Events shown before count, but draw nothing yet. */
  open(): void;
  event(event: AuditEvent): void;
  /** Draws the last state and lets go of the terminal. Safe to call twice, and without `open`. */
  close(): void;
}
