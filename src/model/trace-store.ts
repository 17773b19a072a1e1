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
  /** What could not be trusted, one message each: of the journal from the start, of an output once it was read. */
  readonly damage: readonly string[];
}

export interface TraceStore extends TraceReader {
  /** Writes the output, then the trace; both are on disk when this resolves. Throws only where the disk refuses. */
  commit(trace: Omit<Trace, "output">, output: unknown): Promise<Trace>;
  close(): Promise<void>;
}
