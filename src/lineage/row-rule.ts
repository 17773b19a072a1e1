/**
 * The rule for tests of single rows: where do the failing rows' values come from, and do they fail there already?
 * At each parent at least half of a group's witnesses must fail for the walk to go on.
 * Knows the general situations of SQL only, no project's.
 */
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import type { RowPlace } from "./check.js";
import { followUnmatchedJoin } from "./reference-rule.js";
import { find, type OriginKind } from "./scope.js";
import { levelOf, noted, onward, type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, type Carried, carry, type Link, linkTo, statement, witnessesAt } from "./witnesses.js";
import { isRaw, type ResourceShape } from "./workspace.js";

interface Candidate {
  readonly instance: string;
  readonly parent: Resource;
  readonly place: RowPlace;
  readonly kind: OriginKind;
  readonly label: string;
}

interface Vote {
  readonly seen: number;
  readonly found: number;
  readonly failing: number;
  /** Share of the parent's other rows that fail as well: a predicate that nearly all rows fail says nothing. */
  readonly others: number;
}

interface Ballot {
  readonly candidate: Candidate;
  readonly link: Link;
  readonly carried: Carried;
  readonly condition: string;
  readonly sql: string;
  readonly votes: ReadonlyMap<Cell, Vote>;
}

export async function followRows(rules: Rules, trail: Trail, place: RowPlace): Promise<void> {
  const { verdicts, workspace } = rules;
  const here = trail.resource;
  const label = [...place.columns.values()].join(", ");
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
  const found = await candidatesOf(rules, here, read.value, place);
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
  await count(rules, trail, read.value, place, ballots, problems);
}

/** Parents' columns that the tested columns are made of; a text says why that cannot be known. */
async function candidatesOf(
  _rules: Rules,
  here: Resource,
  at: ResourceShape,
  place: RowPlace,
): Promise<readonly Candidate[] | string> {
  const names = [...place.columns];
  const origins = names.map(([, name]) => find(at.shape.columns, name)?.origins);
  if (origins.some((item) => item === undefined)) {
    return `the SQL of ${here.name} does not show where ${names.map(([, name]) => name).join(", ")} comes from`;
  }
  if (names.length > 1) return together(at, here, place, origins as readonly (readonly Origin[])[]);
  const [test, local] = names[0] ?? ["", ""];
  const all = origins[0] ?? [];
  const candidates = new Map<string, Candidate>();
  for (const origin of all) {
    for (const base of origin.columns) {
      const parent = at.parents.get(base.instance);
      const reference = at.shape.instances.get(base.instance)?.reference.name ?? base.instance;
      if (parent === undefined) return `${here.name} reads ${reference}, which the project does not know`;
      const wide = place.wide || origin.kind !== "direct";
      candidates.set(JSON.stringify(base), {
        instance: base.instance,
        parent,
        place: { check: place.check, columns: new Map([[test, base.column]]), wide },
        kind: origin.kind,
        label: base.column,
      });
    }
  }
  if (candidates.size === 0 && all.some((origin) => origin.kind === "unknown")) {
    return `the SQL of ${here.name} does not show where ${local} comes from`;
  }
  return [...candidates.values()].slice(0, 8);
}

type Origin = ResourceShape["shape"]["columns"][number]["origins"][number];

/** Several columns are followed only while all of them come unchanged from one and the same parent. */
function together(
  at: ResourceShape,
  here: Resource,
  place: RowPlace,
  origins: readonly (readonly Origin[])[],
): readonly Candidate[] | string {
  const instances = [...new Set(origins.flat().flatMap((origin) => origin.columns.map((column) => column.instance)))];
  const candidates: Candidate[] = [];
  for (const instance of instances) {
    const columns = new Map<string, string>();
    for (const [index, [test]] of [...place.columns].entries()) {
      const direct = origins[index]?.find((item) => item.kind === "direct" && item.columns[0]?.instance === instance);
      const base = direct?.columns[0];
      if (base !== undefined) columns.set(test, base.column);
    }
    const parent = at.parents.get(instance);
    if (columns.size < place.columns.size || parent === undefined) continue;
    candidates.push({
      instance,
      parent,
      place: { ...place, columns },
      kind: "direct",
      label: [...columns.values()].join(", "),
    });
  }
  const computed = origins.some((items) => items.some((origin) => origin.kind !== "direct"));
  if (candidates.length > 0 || computed) return candidates;
  return `the columns of the test come from several parents of ${here.name}, each of which may hold the wrong one`;
}

async function vote(
  rules: Rules,
  trail: Trail,
  at: ResourceShape,
  candidate: Candidate,
  place: RowPlace,
): Promise<Ballot | string> {
  const { workspace } = rules;
  const { instance, parent } = candidate;
  const from = workspace.from(parent);
  if (from === null) return `${parent.name} cannot be read`;
  const subjects = new Set(place.check.hasValue ? [] : [...place.columns.values()].map((name) => name.toLowerCase()));
  const link = linkTo(workspace, trail.resource, at, instance, subjects);
  if (link === null) return `nothing ties the rows of ${trail.resource.name} to rows of ${parent.name}`;
  const alias = workspace.dialect.quote(instance);
  const condition = await predicate(rules, candidate, alias);
  const attempts =
    link.pairs.some((pair) => !pair.direct) && link.pairs.some((pair) => pair.direct)
      ? [link, directOnly(link)]
      : [link];
  let problem = `${parent.name} cannot be read`;
  for (const attempt of attempts) {
    const carried = carry(workspace, trail.witnesses, attempt);
    if (carried === null) continue;
    const any = candidate.kind === "aggregate" || candidate.kind === "window";
    const sql = voteSql(carried, from, alias, condition, any, trail.witnesses.depth);
    const answer = await workspace.query(sql);
    if (!answer.ok) {
      problem = `asking ${parent.name} failed: ${answer.failure.message}`;
      continue;
    }
    const votes = new Map<Cell, Vote>();
    for (const [group, numbers] of byGroup(answer.value.rows)) {
      const [seen = 0, found = 0, failing = 0, rows = 0, bad = 0, linkedRows = 0, linkedBad = 0] = numbers;
      const others = rows > linkedRows ? (bad - linkedBad) / (rows - linkedRows) : 0;
      votes.set(group, { seen, found, failing, others });
    }
    return { candidate, link: attempt, carried, condition, sql, votes };
  }
  return problem;
}

function directOnly(link: Link): Link {
  return { ...link, pairs: link.pairs.filter((pair) => pair.direct) };
}

async function predicate(rules: Rules, candidate: Candidate, alias: string): Promise<string> {
  const { check, columns, wide } = candidate.place;
  const { dialect } = rules.workspace;
  if (columns.size > 1 || !wide) return check.fails((name) => `${alias}.${dialect.quote(columns.get(name) ?? name)}`);
  const [local = ""] = [...columns.values()];
  const type = (await rules.workspace.column(candidate.parent, local))?.type ?? "";
  return check.failsUpstream(`${alias}.${dialect.quote(local)}`, "expression", type);
}

function voteSql(
  carried: Carried,
  from: string,
  alias: string,
  condition: string,
  any: boolean,
  depth: number,
): string {
  const keys = carried.parentKeys.map((sql, index) => `${sql} as l${index + 1}`).join(", ");
  const grouping = carried.parentKeys.join(", ");
  const operator = carried.equals === "null-safe" ? "is not distinct from" : "=";
  const on = carried.parentKeys.map((_, index) => `t.j${index + 1} ${operator} p.l${index + 1}`).join(" and ");
  const names = carried.parentKeys.map((_, index) => `j${index + 1}`).join(", ");
  // Where one row is made of many, one bad input is enough; otherwise at least half of the linked rows must fail.
  const fails = any ? "p.bad > 0" : "p.bad * 2 >= p.rows_there";
  return statement(
    [
      ...carried.ctes,
      `parent_${depth} as (\nselect ${keys}, count(*) as rows_there, sum(case when ${condition} then 1 else 0 end) as bad\nfrom ${from} as ${alias}\ngroup by ${grouping})`,
      `linked_${depth} as (\nselect p.* from parent_${depth} as p join (select distinct ${names} from ${carried.name}) as t on ${on})`,
      `votes_${depth} as (\nselect t.group_key, t.tuple, t.weight, max(case when p.rows_there > 0 then 1 else 0 end) as found, max(case when ${fails} then 1 else 0 end) as failing\nfrom ${carried.name} as t left join parent_${depth} as p on ${on}\ngroup by t.group_key, t.tuple, t.weight)`,
    ],
    `select group_key, sum(weight) as seen, sum(weight * found) as found, sum(weight * failing) as failing,\n  (select coalesce(sum(rows_there), 0) from parent_${depth}) as parent_rows, (select coalesce(sum(bad), 0) from parent_${depth}) as parent_failing,\n  (select coalesce(sum(rows_there), 0) from linked_${depth}) as linked_rows, (select coalesce(sum(bad), 0) from linked_${depth}) as linked_failing\nfrom votes_${depth}\ngroup by group_key`,
  );
}

function hopOf(ballot: Ballot, vote: Vote, says: string): Hop {
  const { candidate } = ballot;
  return {
    resource: candidate.parent.id,
    column: candidate.label,
    seen: vote.seen,
    found: vote.found,
    failing: vote.failing,
    sql: ballot.sql,
    shows: { column: "failing", value: vote.failing },
    title: `Of ${vote.seen} failing rows, ${vote.failing} fail already in ${titleOf(candidate.parent)}: ${candidate.label} ${says}`,
  };
}

const meaningful = (vote: Vote) => vote.others < 0.5;
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/** Each group goes where most of its witnesses fail already; else to the join that misses; else it stops here. */
async function count(
  rules: Rules,
  trail: Trail,
  at: ResourceShape,
  place: RowPlace,
  ballots: readonly Ballot[],
  problems: readonly string[],
): Promise<void> {
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
    await followUnmatchedJoin(
      rules,
      noted({ ...trail, groups: pick(trail, groups) }, hops),
      at,
      ballot.link,
      ballot.candidate,
      place,
    );
  }
  if (stop.length > 0) stopHere(rules, trail, at, place, ballots, problems, stop);
}

function unmatchedHop(ballot: Ballot, vote: Vote): Hop {
  return {
    ...hopOf(ballot, vote, ""),
    shows: { column: "found", value: vote.found },
    title: `Of ${vote.seen} failing rows, only ${vote.found} have a row in ${titleOf(ballot.candidate.parent)} by the join's condition`,
  };
}

export function pick(trail: Trail, groups: readonly Cell[]): Trail["groups"] {
  return new Map([...trail.groups].filter(([group]) => groups.includes(group)));
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

function stopHere(
  rules: Rules,
  trail: Trail,
  at: ResourceShape,
  place: RowPlace,
  ballots: readonly Ballot[],
  problems: readonly string[],
  groups: readonly Cell[],
): void {
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
            `${titleOf(ballot.candidate.parent)} as the origin: ${vote.failing} of ${vote.seen} rows fail there in ${ballot.candidate.label}.`,
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
      confidence: recoded ? "medium" : levelOf(1 - worst),
      reason: recoded
        ? `${titleOf(here)} translates the values of ${hops.map(({ ballot }) => `${ballot.candidate.parent.name}.${ballot.candidate.label}`).join(", ")} to ${label}, and gives some that the test does not accept`
        : `${titleOf(here)} makes ${label} fail: the rows it reads are right by the same rule (${hops
            .map(
              ({ ballot, vote }) =>
                `${vote.failing} of ${vote.seen} fail in ${ballot.candidate.parent.name}.${ballot.candidate.label}`,
            )
            .join("; ")})`,
    });
  }
}

function push<Key>(map: Map<Key, Cell[]>, key: Key, group: Cell): void {
  map.set(key, [...(map.get(key) ?? []), group]);
}
