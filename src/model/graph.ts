/**
 * The audit graph's words: node, edge, part, fingerprint, trace, verdict, outcome.
 * Types only. What decides with them is in graph/.
 */
import type { Failure } from "./result.js";

export type NodeKind = "setup" | "summary" | "export" | "investigate" | "collect" | "cleanup";

/** `setup` … or `investigate:<task id>`. */
export type NodeId = string;

export interface AuditNode {
  readonly id: NodeId;
  readonly kind: NodeKind;
  /** Pools it takes a place in while it runs. */
  readonly pools: readonly PoolName[];
}

export type PoolName = "agent" | "slots" | "warehouse";

/**
 * - `needs`: fingerprinted; `to` is blocked when `from` failed.
 * - `after`: `to` waits until `from` has settled, however it ended.
 * - `order`: `to` waits for `from` and is blocked when it failed, but is not fingerprinted by it.
 */
export type EdgeKind = "needs" | "after" | "order";

export interface Edge {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly kind: EdgeKind;
}

export interface AuditGraph {
  readonly nodes: readonly AuditNode[];
  readonly edges: readonly Edge[];
}

/** One named input, such as `rows`, `model`, `prompt`, `file:models/staging/stg_bids.sql`, and its digest. */
export type Parts = Readonly<Record<string, string>>;

/** What a person would say of a part, such as `rows`: `127 failures`. Never compared. */
export type Facts = Readonly<Record<string, string>>;

/** What a finished case or node left behind: these parts gave that output. */
export interface Trace {
  /** What was finished: a case id, or a node id. */
  readonly subject: string;
  /** Digest of all parts. */
  readonly fingerprint: string;
  readonly parts: Parts;
  /** For explanations only. */
  readonly facts?: Facts;
  /** Milliseconds of an agent's time; what the next investigation of this case may take. Never compared. */
  readonly took?: number;
  /** US dollars that an agent told it spent, this case's share. Absent: it told nothing. Never compared. */
  readonly cost?: number;
  /** Which data it was made from: the summary's output. Queries that it observed gave that result then. */
  readonly data?: string;
  /** Known only after the work: files that the output cites. Compared with the disk when judged. */
  readonly observed: Parts;
  /** Digest of the output's content; names its file under traces/objects/. */
  readonly output: string;
  /** Run that made it, and when (ISO). Provenance only. */
  readonly run: string;
  readonly at: string;
}

export interface Reason {
  readonly part: string;
  readonly change: "new" | "changed" | "removed" | "no-trace" | "always" | "asked" | "output-missing";
  /** For a person: `127 → 131 rows`. */
  readonly detail?: string;
}

export type Verdict =
  | { readonly kind: "reuse"; readonly trace: Trace }
  | { readonly kind: "run"; readonly reasons: readonly Reason[] }
  /** `trace`: it would be used again, if its queries still give what they gave. */
  | { readonly kind: "undecided"; readonly awaiting: NodeId; readonly trace?: Trace };

/** How a node ended. */
export type Outcome = "executed" | "reused" | "failed" | "blocked" | "cancelled";

export interface Settled {
  readonly node: NodeId;
  readonly outcome: Outcome;
  readonly failure?: Failure;
  /** Milliseconds of work; 0 where nothing ran. */
  readonly duration: number;
}

/** How the work of a node ended, and what it adds to the graph. */
export interface NodeEnd {
  readonly outcome: "executed" | "reused" | "failed" | "cancelled";
  readonly failure?: Failure;
  /** Nodes that now join, in the order in which they should start. */
  readonly adds?: AuditGraph;
  /** Nodes that would have joined and have nothing to run: they settle at once, and no edge leads to them. */
  readonly reused?: readonly NodeId[];
}
