/**
 * The rule for keys that must be unique: are the duplicates there upstream already, do different keys become equal,
 * does a join or a union multiply rows? A parent whose keys are mostly repeated has another grain and says nothing.
 */
import { counted } from "../model/amount.js";
import type { Cell } from "../model/warehouse.js";
import { fanOut } from "./fan-out.js";
import { type Ballot, type Candidate, hopOf, vote } from "./key-vote.js";
import { find, type Origin } from "./shape.js";
import { circling, levelOf, noted, only, onward, type Rules, type Trail, titleOf } from "./trail.js";
import { witnessesAt } from "./witnesses.js";
import { isRaw, type ResourceShape } from "./workspace.js";

export async function followKey(rules: Rules, trail: Trail, columns: readonly string[]): Promise<void> {
  const { verdicts, workspace } = rules;
  const here = trail.resource;
  const label = columns.join(", ");
  const all = () => trail.groups.keys();
  if (circling(trail, label).length > 0) return verdicts.undecided(trail, all(), "the manifest goes in circles", label);
  if (isRaw(here)) {
    const reason = `${titleOf(here)} holds several rows with the same ${label}`;
    return verdicts.settle(trail, all(), {
      situation: "raw-data",
      node: here,
      column: label,
      confidence: "high",
      reason,
    });
  }
  const read = await workspace.shape(here);
  if (!read.ok)
    return verdicts.undecided(trail, all(), `${read.failure.message}, so the keys cannot be followed further`, label);
  const found = candidatesOf(rules, read.value, columns);
  if (typeof found === "string") return verdicts.undecided(trail, all(), found, label);
  if (found.length === 0) return noCandidate(rules, trail, read.value, columns, label);
  const ballots: Ballot[] = [];
  for (const candidate of found) {
    const ballot = await vote(rules, trail, columns, candidate);
    if (typeof ballot === "string") return verdicts.undecided(trail, all(), ballot, label);
    ballots.push(ballot);
  }
  const onwardTo = new Map<Ballot, Cell[]>();
  const stop: Cell[] = [];
  for (const group of all()) {
    const best = ballots
      .map((ballot) => ({ ballot, vote: ballot.votes.get(group) ?? { seen: 0, found: 0, failing: 0, several: 0 } }))
      .filter(({ ballot }) => ballot.others < 0.5)
      .sort((left, right) => right.vote.failing - left.vote.failing)[0];
    if (best === undefined || best.vote.seen === 0 || best.vote.failing * 2 < best.vote.seen) stop.push(group);
    else onwardTo.set(best.ballot, [...(onwardTo.get(best.ballot) ?? []), group]);
  }
  for (const [ballot, groups] of onwardTo) await goOn(rules, trail, ballot, groups, label);
  if (stop.length > 0) await stopHere(rules, only(trail, stop), read.value, columns, ballots);
}

/** Instances that hold the whole key, directly or by a join's equality. */
function candidatesOf(rules: Rules, at: ResourceShape, columns: readonly string[]): readonly Candidate[] | string {
  const origins = columns.map((column) => find(at.shape.columns, column)?.origins);
  const index = origins.indexOf(undefined);
  if (index !== -1) return `the SQL does not show where ${columns[index]} comes from`;
  const stranger = origins
    .flat()
    .flatMap((origin) => origin?.columns ?? [])
    .find((base) => !at.parents.has(base.instance));
  if (stranger !== undefined) {
    const name = at.shape.instances.get(stranger.instance)?.reference.name ?? stranger.instance;
    return `the key comes from ${name}, which the project does not know`;
  }
  return [...at.parents].flatMap(([instance, parent]) => {
    const parts = origins.flatMap((items) => partOf(rules, at, items ?? [], instance) ?? []);
    if (parts.length !== columns.length) return [];
    const raw = [...new Set(parts.flatMap((part) => part.raw))];
    return [{ instance, parent, expressions: parts.map((part) => part.sql), raw }];
  });
}

function partOf(rules: Rules, at: ResourceShape, origins: readonly Origin[], instance: string) {
  const lies = (origin: Origin) =>
    origin.node !== null && origin.columns.length > 0 && origin.columns.every((base) => base.instance === instance);
  const equal = origins.flatMap((origin) =>
    at.shape.joins.flatMap((join) =>
      join.equalities.flatMap(({ left, right }) =>
        same(left, origin) ? [right] : same(right, origin) && join.kind === "inner" ? [left] : [],
      ),
    ),
  );
  const origin = origins.find(lies) ?? equal.find(lies);
  const sql = origin?.node ? rules.workspace.lineage.expression(origin.node) : null;
  return sql === null || origin === undefined ? null : { sql, raw: origin.columns.map((base) => base.column) };
}

function same(one: Origin, other: Origin): boolean {
  return one.node !== null && JSON.stringify(one.node) === JSON.stringify(other.node);
}

function noCandidate(rules: Rules, trail: Trail, at: ResourceShape, columns: readonly string[], label: string): void {
  const origins = columns.flatMap((column) => find(at.shape.columns, column)?.origins ?? []);
  const here = trail.resource;
  if (
    origins.length > 0 &&
    origins.every((origin) => origin.kind === "generated" || origin.kind === "window" || origin.kind === "aggregate")
  ) {
    const reason = `${titleOf(here)} makes the key ${label} itself, and not unique`;
    rules.verdicts.settle(trail, trail.groups.keys(), {
      situation: "made-here",
      node: here,
      column: label,
      confidence: "medium",
      reason,
    });
    return;
  }
  const reason = `the key ${label} of ${here.name} is put together from several parents, none of which holds it whole`;
  rules.verdicts.undecided(trail, trail.groups.keys(), reason, label);
}

async function goOn(rules: Rules, trail: Trail, ballot: Ballot, groups: readonly Cell[], label: string): Promise<void> {
  const { candidate, carried } = ballot;
  const steps = new Map(
    groups.flatMap((group) => {
      const vote = ballot.votes.get(group);
      return vote === undefined
        ? []
        : [[group, { hop: hopOf(ballot, vote), confidence: levelOf(vote.failing / vote.seen) }] as const];
    }),
  );
  const from = rules.workspace.from(candidate.parent);
  if (from === null) return;
  const here = trail.resource;
  if (ballot.collapsed > 0 && ballot.collapsed >= ballot.repeated) {
    const so = onward(trail, here, trail.witnesses, steps);
    const reason = `${titleOf(here)} removes duplicates of ${titleOf(candidate.parent)} (${counted(ballot.collapsed, "key")}), but not these`;
    return rules.verdicts.settle(so, groups, {
      situation: "incomplete-dedupe",
      node: here,
      column: label,
      confidence: "medium",
      reason,
    });
  }
  const witnesses = witnessesAt(rules.workspace, carried, from, candidate.instance, null, trail.witnesses.depth);
  await followKey(rules, onward(trail, candidate.parent, witnesses, steps), candidate.raw);
}

/** The keys are fine upstream: which construct of this model repeats them? */
async function stopHere(
  rules: Rules,
  trail: Trail,
  at: ResourceShape,
  columns: readonly string[],
  ballots: readonly Ballot[],
): Promise<void> {
  const { verdicts } = rules;
  const here = trail.resource;
  const label = columns.join(", ");
  for (const group of trail.groups.keys()) {
    const looked = ballots.flatMap((ballot) => {
      const vote = ballot.votes.get(group);
      return vote === undefined ? [] : [{ ballot, vote }];
    });
    const so = looked.reduce(
      (trailSo, { ballot, vote }) => {
        const note = `${titleOf(ballot.candidate.parent)} as the origin: of ${counted(vote.seen, "row")}, ${counted(vote.failing, "has", "have")} a key that repeats there${ballot.others >= 0.5 ? ", as most of its keys do (it has another grain)" : ""}.`;
        return noted(trailSo, new Map([[group, hopOf(ballot, vote)]]), () => note);
      },
      only(trail, [group]),
    );
    const held = looked.filter(({ vote }) => vote.found * 2 >= vote.seen);
    if (held.length === 0) {
      const reason = `the repeated keys of ${titleOf(here)} are not found in what it reads now: it was built from other data, or by other SQL`;
      verdicts.undecided(so, [group], reason, label);
      continue;
    }
    const folded = held.find(
      ({ ballot, vote }) => ballot.others < 0.5 && vote.several * 2 >= vote.seen && vote.failing * 2 < vote.seen,
    );
    if (folded !== undefined) {
      const reason = `${titleOf(here)} makes different values of ${folded.ballot.candidate.raw.join(", ")} in ${titleOf(folded.ballot.candidate.parent)} into the same ${label}`;
      verdicts.settle(so, [group], {
        situation: "keys-collapse",
        node: here,
        column: label,
        confidence: "high",
        reason,
      });
      continue;
    }
    const branches = find(at.shape.columns, columns[0] ?? "")?.origins.length ?? 1;
    if (branches > 1 && held.length > 1) {
      const names = held.map(({ ballot }) => ballot.candidate.parent.name).join(" and ");
      const reason = `${titleOf(here)} puts rows of ${names} under one another, and both hold the same ${label}`;
      verdicts.settle(so, [group], {
        situation: "union-overlap",
        node: here,
        column: label,
        confidence: "high",
        reason,
      });
      continue;
    }
    const ballotsHeld = held.map(({ ballot }) => ballot);
    const spread = await fanOut(rules, so, at, columns, group, ballotsHeld);
    if (!spread.ok) {
      verdicts.undecided(so, [group], `asking for the joins failed: ${spread.failure.message}`, label);
      continue;
    }
    if (spread.value) continue;
    const grain = held.every(({ ballot }) => ballot.others >= 0.5);
    const reason = grain
      ? `${titleOf(here)} is to have one row for each ${label}, but keeps several: its input has a finer grain`
      : `${titleOf(here)} repeats rows that its parents hold once`;
    verdicts.settle(so, [group], { situation: "made-here", node: here, column: label, confidence: "medium", reason });
  }
}
