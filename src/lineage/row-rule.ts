/**
 * The rule for tests of single rows: where do the failing rows' values come from, and do they fail there already?
 * At each parent at least half of a group's witnesses must fail for the walk to go on.
 * Knows the general situations of SQL only, no project's.
 */
import { counted } from "../model/amount.js";
import type { Cell } from "../model/warehouse.js";
import type { RowPlace } from "./check.js";
import { followUnmatchedJoin } from "./reference-rule.js";
import { candidatesOf } from "./row-candidates.js";
import { type Ballot, hopOf, type Vote, vote } from "./row-vote.js";
import { circling, levelOf, lower, noted, only, onward, type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { witnessesAt } from "./witnesses.js";
import { isRaw, type ResourceShape } from "./workspace.js";

export async function followRows(rules: Rules, trail: Trail, place: RowPlace): Promise<void> {
  const { verdicts, workspace } = rules;
  const here = trail.resource;
  const label = [...place.columns.values()].join(", ");
  const lost = circling(trail, label);
  if (lost.length > 0) return verdicts.undecided(trail, trail.groups.keys(), "the manifest goes in circles", label);
  if (isRaw(here)) {
    const reason = `the rows are wrong already in ${titleOf(here)}: ${label} ${place.check.says}`;
    verdicts.settle(trail, trail.groups.keys(), {
      situation: "raw-data",
      node: here,
      column: label,
      confidence: "high",
      reason,
    });
    return;
  }
  const read = await workspace.shape(here);
  if (!read.ok)
    return verdicts.undecided(
      trail,
      trail.groups.keys(),
      `${read.failure.message}, so the rows cannot be followed further`,
      label,
    );
  const found = candidatesOf(here, read.value, place);
  if (typeof found === "string") return verdicts.undecided(trail, trail.groups.keys(), found, label);
  if (found.length === 0) {
    const reason = `${titleOf(here)} makes ${label} itself, from no column of a parent`;
    verdicts.settle(trail, trail.groups.keys(), {
      situation: "made-here",
      node: here,
      column: label,
      confidence: "high",
      reason,
    });
    return;
  }
  const ballots: Ballot[] = [];
  const problems: string[] = [];
  for (const candidate of found) {
    const ballot = await vote(rules, trail, read.value, candidate, place);
    if (typeof ballot === "string") problems.push(ballot);
    else ballots.push(ballot);
  }
  await count(rules, trail, { at: read.value, place, ballots, problems });
}

const meaningful = (vote: Vote) => vote.others < 0.5;

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/** What the parents said. */
interface Asked {
  readonly at: ResourceShape;
  readonly place: RowPlace;
  readonly ballots: readonly Ballot[];
  /** Of parents that could not be asked. */
  readonly problems: readonly string[];
}

/** Each group goes where most of its witnesses fail already; else to the join that misses; else it stops here. */
async function count(rules: Rules, trail: Trail, asked: Asked): Promise<void> {
  const { place, ballots } = asked;
  const onwardTo = new Map<Ballot, Cell[]>();
  const unmatched = new Map<Ballot, Cell[]>();
  const stop: Cell[] = [];
  for (const group of trail.groups.keys()) {
    const ranked = ballots
      .map((ballot) => ({ ballot, vote: ballot.votes.get(group) ?? { seen: 0, found: 0, failing: 0, others: 0 } }))
      .sort((left, right) => right.vote.failing - right.vote.others - (left.vote.failing - left.vote.others));
    const told = ranked.filter(({ vote }) => meaningful(vote));
    const best = told[0];
    const total = told.filter(
      ({ ballot }) => ballot === best?.ballot || ballot.candidate.instance !== best?.ballot.candidate.instance,
    );
    const together = share(
      total.reduce((sum, { vote }) => sum + vote.failing, 0),
      best?.vote.seen ?? 0,
    );
    const missing = ranked.find(
      ({ vote, ballot }) => ballot.link.kind === "join" && vote.seen > 0 && vote.found * 2 < vote.seen,
    );
    if (best !== undefined && together >= 0.5 && best.vote.failing > 0) push(onwardTo, best.ballot, group);
    else if (missing !== undefined) push(unmatched, missing.ballot, group);
    else stop.push(group);
  }
  for (const [ballot, groups] of onwardTo) await goOn(rules, trail, ballot, groups, place.check.says);
  for (const [ballot, groups] of unmatched) {
    const hops = new Map(
      groups.flatMap((group) => {
        const vote = ballot.votes.get(group);
        return vote === undefined ? [] : [[group, unmatchedHop(ballot, vote)] as const];
      }),
    );
    await followUnmatchedJoin(rules, noted(only(trail, groups), hops), ballot.link, ballot.candidate, place);
  }
  if (stop.length > 0) stopHere(rules, trail, asked, stop);
}

function unmatchedHop(ballot: Ballot, vote: Vote): Hop {
  return {
    ...hopOf(ballot, vote, ""),
    shows: { column: "found", value: vote.found },
    title: `Of ${counted(vote.seen, "failing row")}, only ${counted(vote.found, "has", "have")} a row in ${titleOf(ballot.candidate.parent)} by the join's condition`,
  };
}

async function goOn(rules: Rules, trail: Trail, ballot: Ballot, groups: readonly Cell[], says: string): Promise<void> {
  const { candidate, carried } = ballot;
  const from = rules.workspace.from(candidate.parent);
  if (from === null) return;
  const witnesses = witnessesAt(
    rules.workspace,
    carried,
    from,
    candidate.instance,
    ballot.condition,
    trail.witnesses.depth,
  );
  const steps = new Map(
    groups.flatMap((group) => {
      const vote = ballot.votes.get(group);
      return vote === undefined
        ? []
        : [[group, { hop: hopOf(ballot, vote, says), confidence: levelOf(share(vote.failing, vote.seen)) }] as const];
    }),
  );
  await followRows(rules, onward(trail, candidate.parent, witnesses, steps), candidate.place);
}

function stopHere(rules: Rules, trail: Trail, { at, place, ballots, problems }: Asked, groups: readonly Cell[]): void {
  const here = trail.resource;
  const label = [...place.columns.values()].join(", ");
  for (const group of groups) {
    const hops = ballots.flatMap((ballot) => {
      const vote = ballot.votes.get(group);
      return vote === undefined ? [] : [{ ballot, vote, hop: hopOf(ballot, vote, place.check.says) }];
    });
    const looked = hops.reduce(
      (so, { ballot, vote, hop }) =>
        noted(
          so,
          new Map([[group, hop]]),
          () =>
            `${titleOf(ballot.candidate.parent)} as the origin: of ${counted(vote.seen, "row")}, ${counted(vote.failing, "fails", "fail")} there in ${ballot.candidate.label}.`,
        ),
      trail,
    );
    if (problems.length > 0 || hops.length === 0) {
      rules.verdicts.undecided(looked, [group], `${problems[0] ?? "no parent could be asked"}`, label);
      continue;
    }
    const lost = hops.every(({ vote }) => vote.found * 2 < vote.seen);
    // Behind an outer join with further conditions an unchanged column may be null all the same.
    const unchanged = hops.every(
      ({ ballot }) =>
        ballot.candidate.kind === "direct" && at.shape.instances.get(ballot.candidate.instance)?.nullable !== true,
    );
    if (lost || (unchanged && hops.every(({ vote }) => meaningful(vote)))) {
      const reason = lost
        ? `the failing rows of ${titleOf(here)} are not found in what it reads now: it was built from other data, or by other SQL`
        : `${titleOf(here)} passes ${label} on unchanged, and its parents hold other values now: it was built from other data, or by other SQL`;
      rules.verdicts.undecided(looked, [group], reason, label);
      continue;
    }
    const worst = Math.max(...hops.map(({ vote }) => (meaningful(vote) ? share(vote.failing, vote.seen) : 0)));
    const recoded = hops.every(({ vote }) => !meaningful(vote));
    rules.verdicts.settle(looked, [group], {
      situation: "made-here",
      node: here,
      column: label,
      confidence: recoded || !place.check.invariant ? lower("medium", levelOf(1 - worst)) : levelOf(1 - worst),
      reason: recoded
        ? `${titleOf(here)} translates the values of ${hops.map(({ ballot }) => `${ballot.candidate.parent.name}.${ballot.candidate.label}`).join(", ")} to ${label}, and gives some that the test does not accept`
        : `${titleOf(here)} makes ${label} fail: the rows it reads are right by the same rule (${hops
            .map(
              ({ ballot, vote }) =>
                `${vote.failing} of ${vote.seen} ${vote.failing === 1 ? "fails" : "fail"} in ${ballot.candidate.parent.name}.${ballot.candidate.label}`,
            )
            .join("; ")})`,
    });
  }
}

function push<Key>(map: Map<Key, Cell[]>, key: Key, group: Cell): void {
  map.set(key, [...(map.get(key) ?? []), group]);
}
