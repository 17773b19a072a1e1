/**
 * What somebody may ask of a running audit from another terminal, and its answer. Types only; how they travel is
 * execution/requests.ts's.
 */
import type { NodeId } from "./graph.js";

export type RequestKind = AuditRequested["kind"];

export type AuditRequested =
  /** Null: the whole run, in order. */
  | { readonly kind: "stop"; readonly node: NodeId | null }
  /** Empty: everything that has failed so far. */
  | { readonly kind: "retry"; readonly nodes: readonly NodeId[] }
  /** The file with the exceptions has new entries. */
  | { readonly kind: "accept" };

export interface Answer {
  readonly taken: boolean;
  /** For a person: what is done now, or why not. */
  readonly message: string;
}
