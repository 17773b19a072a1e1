/**
 * What lineage knows of a query: its output columns, the base columns each is made of, and how relations are joined.
 * Types only, and how a column is found by name.
 */
import type { Node } from "./syntax.js";

/** A relation as the SQL names it. */
export interface Reference {
  readonly catalog: string | null;
  readonly schema: string | null;
  readonly name: string;
}

export interface Instance {
  /** `n1`, `n2` …: also its alias in resolved expressions. */
  readonly id: string;
  readonly reference: Reference;
  /** It stands on the side of an outer join that may have no match. */
  nullable: boolean;
}

export interface BaseColumn {
  readonly instance: string;
  readonly column: string;
}

export type OriginKind = "direct" | "expression" | "aggregate" | "window" | "generated" | "unknown";

/** One way in which values get into a column (a union gives one for each branch). */
export interface Origin {
  readonly kind: OriginKind;
  /** The value as an expression over base columns; null where it cannot be computed row by row. */
  readonly node: Node | null;
  readonly columns: readonly BaseColumn[];
}

export interface OutputColumn {
  readonly name: string;
  readonly origins: readonly Origin[];
}

export interface Equality {
  readonly left: Origin;
  readonly right: Origin;
}

export interface Join {
  readonly kind: "inner" | "left" | "right" | "full";
  /** Instances under the joined (right) side. */
  readonly right: ReadonlySet<string>;
  readonly equalities: readonly Equality[];
  /** It has conditions besides the equalities. */
  readonly more: boolean;
}

export interface Shape {
  readonly columns: readonly OutputColumn[];
  readonly instances: ReadonlyMap<string, Instance>;
  readonly joins: readonly Join[];
}

/** Columns of a base relation; null where it is not known. */
export type ColumnsOf = (reference: Reference) => readonly string[] | null;

/** dbt puts ephemeral models into their readers' SQL under this prefix; they are relations to us. */
export const ephemeralPrefix = "__dbt__cte__";

/** Exact case first: a relation may have `"Id"` beside `id`. */
export function find<Named extends { readonly name: string }>(
  columns: readonly Named[],
  name: string,
): Named | undefined {
  const folded = name.toLowerCase();
  return columns.find((item) => item.name === name) ?? columns.find((item) => item.name.toLowerCase() === folded);
}
