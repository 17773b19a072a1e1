/**
 * Where a walk stands: a resource, the witnesses there, the groups that came this far, and how each came.
 * Groups part ways where their votes differ. Knows no rules.
 */
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import type { RowPlace } from "./check.js";
import type { Hop, Situation, Verdict } from "./verdict.js";
import type { Witnesses } from "./witnesses.js";
import type { Workspace } from "./workspace.js";

export type Level = Verdict["confidence"];

export interface GroupTrail {
  readonly hops: readonly Hop[];
  readonly confidence: Level;
  readonly alternatives: readonly string[];
}

export interface Trail {
  readonly resource: Resource;
  readonly witnesses: Witnesses;
  readonly groups: ReadonlyMap<Cell, GroupTrail>;
}

export interface Settlement {
  readonly situation: Situation;
  readonly node: Resource | null;
  readonly column: string | null;
  readonly confidence: Level;
  readonly reason: string;
  readonly replace?: Verdict["replace"];
}

const levels: readonly Level[] = ["low", "medium", "high"];

export function lower(one: Level, other: Level): Level {
  return levels[Math.min(levels.indexOf(one), levels.indexOf(other))] ?? "low";
}

/** How sure a vote makes us: nearly all witnesses, most of them, or hardly more than half. */
export function levelOf(share: number): Level {
  return share >= 0.9 ? "high" : share >= 0.7 ? "medium" : "low";
}

export class Verdicts {
  readonly all = new Map<Cell, Verdict>();

  settle(trail: Trail, groups: Iterable<Cell>, settlement: Settlement): void {
    const { node } = settlement;
    for (const group of groups) {
      const way = trail.groups.get(group);
      if (way === undefined || this.all.has(group)) continue;
      this.all.set(group, {
        outcome: settlement.situation === "undecided" ? "undecided" : "decided",
        situation: settlement.situation,
        node: node?.id ?? null,
        nodeKind: node === null || node.type === "test" || node.type === "other" ? null : node.type,
        column: settlement.column,
        path: way.hops,
        confidence: settlement.situation === "undecided" ? "low" : lower(way.confidence, settlement.confidence),
        reason: settlement.reason,
        alternatives: way.alternatives,
        inside: null,
        replace: settlement.replace ?? null,
        proof: null,
      });
    }
  }

  undecided(trail: Trail, groups: Iterable<Cell>, reason: string, column: string | null = null): void {
    this.settle(trail, groups, { situation: "undecided", node: trail.resource, column, confidence: "low", reason });
  }
}

/** What all rules are given. */
export interface Rules {
  readonly workspace: Workspace;
  readonly verdicts: Verdicts;
  /** The rule for rows, which the rule for references goes back to where a join's key is null. */
  readonly followRows: (rules: Rules, trail: Trail, place: RowPlace) => Promise<void>;
  /** The rule for keys, which goes on in the joined parent of a fan-out. */
  readonly followKey: (rules: Rules, trail: Trail, columns: readonly string[]) => Promise<void>;
}

/** The trail at a parent, for the groups that go there, each with one more hop. */
export function onward(
  trail: Trail,
  resource: Resource,
  witnesses: Witnesses,
  steps: ReadonlyMap<Cell, { readonly hop: Hop | null; readonly confidence: Level; readonly note?: string }>,
): Trail {
  const groups = new Map<Cell, GroupTrail>();
  for (const [group, step] of steps) {
    const way = trail.groups.get(group);
    if (way === undefined) continue;
    groups.set(group, {
      hops: step.hop === null ? way.hops : [...way.hops, step.hop],
      confidence: lower(way.confidence, step.confidence),
      alternatives: step.note === undefined ? way.alternatives : [...way.alternatives, step.note],
    });
  }
  return { resource, witnesses, groups };
}

/** Groups that have come here, with these columns, again and again: the manifest goes in circles. */
export function circling(trail: Trail, label: string): readonly Cell[] {
  return [...trail.groups].flatMap(([group, way]) => {
    const visits = way.hops.filter((hop) => hop.resource === trail.resource.id && hop.column === label).length;
    return visits >= 3 ? [group] : [];
  });
}

/** The same place, for some of its groups. */
export function only(trail: Trail, groups: readonly Cell[]): Trail {
  return { ...trail, groups: new Map([...trail.groups].filter(([group]) => groups.includes(group))) };
}

/** The same place, with one more hop looked at on the way. */
export function noted(trail: Trail, hops: ReadonlyMap<Cell, Hop>, note?: (group: Cell) => string | null): Trail {
  const groups = new Map<Cell, GroupTrail>();
  for (const [group, way] of trail.groups) {
    const hop = hops.get(group);
    const text = note?.(group) ?? null;
    groups.set(group, {
      hops: hop === undefined ? way.hops : [...way.hops, hop],
      confidence: way.confidence,
      alternatives: text === null ? way.alternatives : [...way.alternatives, text],
    });
  }
  return { ...trail, groups };
}

/** `model stg_bids (models/stg_bids.sql)`, `source raw.bids`. */
export function titleOf(resource: Resource): string {
  if (resource.type === "source")
    return `source ${resource.sourceName === null ? "" : `${resource.sourceName}.`}${resource.name}`;
  return `${resource.type} ${resource.name}${resource.file === null ? "" : ` (${resource.file})`}`;
}
