/**
 * The contract of the trace store: what is committed is durable before anything says "completed",
 * and comes back exactly or not at all.
 */
import type { Trace } from "./graph.js";

export interface TraceReader {
  /** Traces of a subject (a case id or node id), newest first. */
  find(subject: string): readonly Trace[];
  /** The output of a trace; null where its file is missing or its content is not what was written. */
  read(trace: Trace): Promise<unknown | null>;
  /** Lines that could not be trusted when the store was opened, one message each. */
  readonly damage: readonly string[];
}

export interface TraceStore extends TraceReader {
  /** Writes the output, then the trace; both are on disk when this resolves. Throws only where the disk refuses. */
  commit(trace: Omit<Trace, "output">, output: unknown): Promise<Trace>;
  close(): Promise<void>;
}
