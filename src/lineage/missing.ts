/**
 * Values that a reference looks for and does not find, and the two sides of the reference. What the rule's parts share.
 */
import type { Resource } from "../model/project.js";
import type { Rules, Trail } from "./trail.js";

/** Values that are missing: a relation with columns group_key, weight, j1 … jn. */
export interface Missing {
  readonly ctes: readonly string[];
  readonly name: string;
  readonly width: number;
}

export interface Side {
  readonly resource: Resource;
  readonly columns: readonly string[];
}

export interface Question {
  readonly missing: Missing;
  readonly child: Side | null;
  readonly parent: Side;
  /** The model whose join finds nothing; null for a relationships test. */
  readonly joiner: Resource | null;
  /** Column that is blamed in prose. */
  readonly label: string;
}

export const open = (rules: Rules, trail: Trail) =>
  [...trail.groups.keys()].filter((group) => !rules.verdicts.all.has(group));
