/**
 * What a walk says: for each group of a test where its fault enters, how it got there, and how sure it is.
 * Knows no categories and no prose of a report.
 */
import type { Cell } from "../model/warehouse.js";

/** One step of a walk for one group. */
export interface Hop {
  /** unique_id of the resource that was asked. */
  readonly resource: string;
  /** Column (or columns, joined by `, `) that was looked at there. */
  readonly column: string;
  /** Witnesses (failing rows, or failing keys) that were looked for. */
  readonly seen: number;
  /** Of these, how many could be linked to rows of this resource. */
  readonly found: number;
  /** Of these, how many already fail there. */
  readonly failing: number;
  /** The query of the hop: one row a group, with group_key and counts. */
  readonly sql: string;
  /** Column of that query, and its value for the group, that `title` speaks of. */
  readonly shows: { readonly column: string; readonly value: number };
  /** What the query shows, as one sentence. */
  readonly title: string;
}

/** The general SQL situations that the rules know. */
export type Situation =
  /** The values are wrong already where the data comes in. */
  | "raw-data"
  /** The model makes the value wrong, while its inputs are right. */
  | "made-here"
  /** Different keys become equal in the model. */
  | "keys-collapse"
  /** A join gives several rows for one. */
  | "fan-out"
  /** Branches of a union hold the same key. */
  | "union-overlap"
  /** The model lets duplicates through that it removes for other keys. */
  | "incomplete-dedupe"
  /** The model drops rows that its input has. */
  | "rows-dropped"
  /** The model changes a key, so that it no longer matches. */
  | "key-changed"
  /** The join's condition matches hardly anything. */
  | "join-never-matches"
  /** The join compares with a column that is not the parent's key. */
  | "wrong-join-key"
  /** A reference to something that exists nowhere. */
  | "orphan"
  /** The model was changed, and as it was nothing fails. */
  | "changed-sql"
  /** The test was changed, and as it was it passes. */
  | "changed-test"
  /** An incremental model holds other rows than its SQL gives. */
  | "stale"
  | "undecided";

/** Where in a model's SQL its fault is made. */
export interface Inside {
  /** Name of the CTE; null: the model's final query. */
  readonly cte: string | null;
  /** What does it, as written in the compiled SQL; null where no single thing can be named. */
  readonly expression: {
    readonly kind: "join" | "filter" | "cast" | "case" | "aggregate" | "window" | "grouping" | "column";
    readonly sql: string;
    /** Its place in the compiled SQL. */
    readonly at: { readonly start: number; readonly end: number };
  } | null;
  /** Lines of the model's file (its first is 1), of the expression where there is one, else of the query; null where they are not found. */
  readonly lines: { readonly first: number; readonly last: number } | null;
}

export interface Verdict {
  readonly outcome: "decided" | "undecided";
  readonly situation: Situation;
  /** unique_id; null where nothing can be said. For `undecided`: how far the rows could be followed. */
  readonly node: string | null;
  readonly nodeKind: "model" | "seed" | "snapshot" | "source" | null;
  readonly column: string | null;
  readonly path: readonly Hop[];
  readonly confidence: "high" | "medium" | "low";
  /** One or two plain sentences. */
  readonly reason: string;
  /** Explanations that were ruled out on the way. */
  readonly alternatives: readonly string[];
  /** Of a model that is blamed; null where its SQL does not give it away. */
  readonly inside: Inside | null;
  /** Of a join by the wrong column: the column, and the one by which it would find its rows. */
  readonly replace: { readonly column: string; readonly by: string } | null;
  /** Null where it was not tried, could not be computed, or rows go on failing. */
  readonly proof: Proof | null;
}

/** With the blamed place changed, and all else as it is, no row of the group fails. */
export interface Proof {
  /** Counts the group where it still fails: 0. */
  readonly sql: string;
  /** The change: `one row of vendors for each vendor_id`. */
  readonly says: string;
}

/** `supported`: decided, and not proved. */
export type Standing = "proved" | "supported" | "undecided";

export function standingOf({ outcome, proof }: Verdict): Standing {
  if (outcome === "undecided") return "undecided";
  return proof === null ? "supported" : "proved";
}

/** Where nothing at all could be followed. */
export function undecided(reason: string): Verdict {
  return {
    outcome: "undecided",
    situation: "undecided",
    node: null,
    nodeKind: null,
    column: null,
    path: [],
    confidence: "low",
    reason,
    alternatives: [],
    inside: null,
    replace: null,
    proof: null,
  };
}

export interface Walk {
  /** Verdict by group, as the text that the walk's SQL gives it (null: SQL NULL, or a test without groups). */
  readonly verdicts: ReadonlyMap<Cell, Verdict>;
  /** False where the tested relation lacks the group column: the verdict under null then holds for all groups. */
  readonly grouped: boolean;
  /** Rows that fail now, by group. */
  readonly counts: ReadonlyMap<Cell, number>;
  readonly queries: number;
}
