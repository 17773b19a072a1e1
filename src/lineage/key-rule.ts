/**
 * The rule for keys that must be unique: are the duplicates there upstream already, do different keys become equal,
 * does a join or a union multiply rows? A parent whose keys are mostly repeated has another grain and says nothing.
 */
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import { find, type Origin } from "./scope.js";
import { levelOf, noted, onward, type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, type Carried, statement, witnessesAt } from "./witnesses.js";
import { isRaw, type ResourceShape } from "./workspace.js";

interface Candidate {
  readonly instance: string;
  readonly parent: Resource;
  /** SQL over the instance's alias that makes each part of the key. */
  readonly expressions: readonly string[];
  /** The columns in them. */
  readonly raw: readonly string[];
}

interface Vote {
  readonly seen: number;
  readonly found: number;
  /** The parent's own values repeat. */
  readonly failing: number;
  /** Several rows of the parent give this key, repeated or not. */
  readonly several: number;
}

interface Ballot {
  readonly candidate: Candidate;
  readonly carried: Carried;
  readonly sql: string;
  readonly votes: ReadonlyMap<Cell, Vote>;
  /** Share of the parent's other keys that repeat. */
  readonly others: number;
  /** Keys that repeat in the parent and stand once in the child. */
  readonly collapsed: number;
  /** Keys of the witnesses that repeat in the parent. */
  readonly repeated: number;
}

export async function followKey(rules: Rules, trail: Trail, columns: readonly string[]): Promise<void> {
  const { verdicts, workspace } = rules;
  const here = trail.resource;
  const label = columns.join(", ");
  const all = () => trail.groups.keys();
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
  if (stop.length > 0) await stopHere(rules, limited(trail, stop), read.value, columns, ballots);
}

function limited(trail: Trail, groups: readonly Cell[]): Trail {
  return { ...trail, groups: new Map([...trail.groups].filter(([group]) => groups.includes(group))) };
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

async function vote(
  rules: Rules,
  trail: Trail,
  columns: readonly string[],
  candidate: Candidate,
): Promise<Ballot | string> {
  const { workspace } = rules;
  const { dialect } = workspace;
  const { instance, parent } = candidate;
  const depth = trail.witnesses.depth;
  const from = workspace.from(parent);
  const own = workspace.from(trail.resource);
  if (from === null || own === null) return `${parent.name} cannot be read`;
  const alias = dialect.quote(instance);
  const carried = carryKeys(rules, trail, columns, candidate.expressions);
  const keys = columns.map((_, index) => index + 1);
  const list = (prefix: string) => keys.map((key) => `${prefix}${key}`).join(", ");
  const made = candidate.expressions.map((sql, index) => `${sql} as l${index + 1}`).join(", ");
  const grouping = [
    ...candidate.expressions,
    ...candidate.raw.map((column) => `${alias}.${dialect.quote(column)}`),
  ].join(", ");
  const on = (one: string, other: string) =>
    keys.map((key) => dialect.nullSafeEquals(`${one}${key}`, `${other}${key}`)).join(" and ");
  const single = columns.map((column, index) => `s.${dialect.quote(column)} as l${index + 1}`).join(", ");
  const singleKeys = columns.map((column) => `s.${dialect.quote(column)}`).join(", ");
  const sql = statement(
    [
      ...carried.ctes,
      `copies_${depth} as (\nselect ${made}, count(*) as copies from ${from} as ${alias} group by ${grouping})`,
      `parent_${depth} as (select ${list("l")}, sum(copies) as rows_there, max(copies) as most from copies_${depth} group by ${list("l")})`,
      `linked_${depth} as (select p.* from parent_${depth} as p join (select distinct ${list("j")} from ${carried.name}) as t on ${on("t.j", "p.l")})`,
      `single_${depth} as (select ${single} from ${own} as s group by ${singleKeys} having count(*) = 1)`,
    ],
    `select t.group_key, sum(t.weight) as seen, sum(case when p.rows_there > 0 then t.weight else 0 end) as found, sum(case when p.most > 1 then t.weight else 0 end) as failing, sum(case when p.rows_there > 1 then t.weight else 0 end) as several,\n  (select count(*) from parent_${depth}) as parent_keys, (select count(*) from parent_${depth} where most > 1) as repeated_keys,\n  (select count(*) from linked_${depth}) as linked_keys, (select count(*) from linked_${depth} where most > 1) as linked_repeated,\n  (select count(*) from parent_${depth} as q join single_${depth} as o on ${on("q.l", "o.l")} where q.most > 1) as collapsed_keys\nfrom ${carried.name} as t left join parent_${depth} as p on ${on("t.j", "p.l")}\ngroup by t.group_key`,
  );
  const answer = await workspace.query(sql);
  if (!answer.ok) return `asking ${parent.name} failed: ${answer.failure.message}`;
  const votes = new Map<Cell, Vote>();
  let others = 0;
  let collapsed = 0;
  let repeated = 0;
  for (const [group, numbers] of byGroup(answer.value.rows)) {
    const [seen = 0, found = 0, failing = 0, several = 0, all = 0, bad = 0, linked = 0, linkedBad = 0, folded = 0] =
      numbers;
    votes.set(group, { seen, found, failing, several });
    others = all > linked ? (bad - linkedBad) / (all - linked) : 0;
    collapsed = folded;
    repeated = linkedBad;
  }
  return { candidate, carried, sql, votes, others, collapsed, repeated };
}

/** The witnesses' keys, each once a group, with how many rows have it. */
function carryKeys(rules: Rules, trail: Trail, columns: readonly string[], expressions: readonly string[]): Carried {
  const { dialect } = rules.workspace;
  const { witnesses } = trail;
  const depth = witnesses.depth;
  const keys = columns.map((_, index) => `j${index + 1}`).join(", ");
  const chosen = columns.map((column, index) => `r.${dialect.quote(column)} as j${index + 1}`).join(", ");
  const where = witnesses.where === null ? "" : `\nwhere ${witnesses.where}`;
  return {
    ctes: [
      ...witnesses.ctes,
      `failing_${depth} as (\nselect ${witnesses.group} as group_key, ${chosen}\nfrom ${witnesses.from}${where})`,
      `keys_${depth} as (select group_key, ${keys}, count(*) as weight from failing_${depth} group by group_key, ${keys})`,
    ],
    name: `keys_${depth}`,
    on: expressions.map((sql, index) => dialect.nullSafeEquals(`t.j${index + 1}`, sql)).join(" and "),
    parentKeys: expressions,
    equals: "null-safe",
  };
}

function hopOf(ballot: Ballot, vote: Vote): Hop {
  const { candidate } = ballot;
  const label = candidate.raw.join(", ");
  return {
    resource: candidate.parent.id,
    column: label,
    seen: vote.seen,
    found: vote.found,
    failing: vote.failing,
    sql: ballot.sql,
    shows: { column: "failing", value: vote.failing },
    title: `Of ${vote.seen} rows with a repeated key, ${vote.failing} have it repeated already in ${titleOf(candidate.parent)}.${label}`,
  };
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
    const reason = `${titleOf(here)} removes duplicates of ${titleOf(candidate.parent)} (${ballot.collapsed} keys), but not these`;
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
        const note = `${titleOf(ballot.candidate.parent)} as the origin: ${vote.failing} of ${vote.seen} rows have a key that repeats there${ballot.others >= 0.5 ? ", as most of its keys do (it has another grain)" : ""}.`;
        return noted(trailSo, new Map([[group, hopOf(ballot, vote)]]), () => note);
      },
      limited(trail, [group]),
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
    if (
      await fanOut(
        rules,
        so,
        at,
        columns,
        group,
        held.map(({ ballot }) => ballot),
      )
    )
      continue;
    const grain = held.every(({ ballot }) => ballot.others >= 0.5);
    const reason = grain
      ? `${titleOf(here)} is to have one row for each ${label}, but keeps several: its input has a finer grain`
      : `${titleOf(here)} repeats rows that its parents hold once`;
    verdicts.settle(so, [group], { situation: "made-here", node: here, column: label, confidence: "medium", reason });
  }
}

/** Does a join give several rows for a key? Blames the joined parent where its key should be unique, else this model. */
async function fanOut(
  rules: Rules,
  trail: Trail,
  at: ResourceShape,
  columns: readonly string[],
  group: Cell,
  held: readonly Ballot[],
): Promise<boolean> {
  const { verdicts, workspace } = rules;
  const { dialect } = workspace;
  const label = columns.join(", ");
  for (const ballot of held) {
    const { instance, parent } = ballot.candidate;
    for (const join of at.shape.joins) {
      const sides = join.equalities.map(({ left, right }) =>
        right.columns.some((base) => base.instance === instance)
          ? { near: right, far: left }
          : { near: left, far: right },
      );
      const far = new Set(sides.flatMap((side) => side.far.columns.map((base) => base.instance)));
      const [joined] = far;
      const other = joined === undefined ? undefined : at.parents.get(joined);
      const near = sides.map((side) =>
        side.near.node === null || side.near.columns.some((base) => base.instance !== instance)
          ? null
          : workspace.lineage.expression(side.near.node),
      );
      const keys = sides.map((side) => (side.far.node === null ? null : workspace.lineage.expression(side.far.node)));
      const from = other === undefined ? null : workspace.from(other);
      const own = workspace.from(parent);
      if (
        far.size !== 1 ||
        joined === undefined ||
        joined === instance ||
        other === undefined ||
        from === null ||
        own === null
      )
        continue;
      if (near.length === 0 || near.includes(null) || keys.includes(null)) continue;
      const depth = trail.witnesses.depth;
      const j = keys.map((_, index) => index + 1);
      const joinedAs = `joined_${depth}`;
      const ctes = [
        ...ballot.carried.ctes,
        `${joinedAs} as (\nselect distinct t.group_key, ${columns.map((_, index) => `t.j${index + 1} as k${index + 1}`).join(", ")}, t.weight, ${near.map((sql, index) => `${sql} as j${index + 1}`).join(", ")}\nfrom ${ballot.carried.name} as t join ${own} as ${dialect.quote(instance)} on ${ballot.carried.on})`,
      ];
      const sql = statement(
        [
          ...ctes,
          `others_${depth} as (select ${keys.map((key, index) => `${key} as l${index + 1}`).join(", ")}, count(*) as copies from ${from} as ${dialect.quote(joined)} group by ${keys.join(", ")})`,
          `linked_${depth} as (select o.* from others_${depth} as o join (select distinct ${j.map((key) => `j${key}`).join(", ")} from ${joinedAs}) as t on ${j.map((key) => `t.j${key} = o.l${key}`).join(" and ")})`,
        ],
        `select t.group_key, sum(t.weight) as seen, sum(case when o.copies > 0 then t.weight else 0 end) as found, sum(case when o.copies > 1 then t.weight else 0 end) as failing,\n  (select count(*) from others_${depth}) as keys_there, (select count(*) from others_${depth} where copies > 1) as repeated_keys, (select count(*) from linked_${depth}) as linked_keys, (select count(*) from linked_${depth} where copies > 1) as linked_repeated\nfrom ${joinedAs} as t left join others_${depth} as o on ${j.map((key) => `t.j${key} = o.l${key}`).join(" and ")}\ngroup by t.group_key`,
      );
      const answer = await workspace.query(sql);
      if (!answer.ok) continue;
      const [seen = 0, found = 0, failing = 0, all = 0, bad = 0, linked = 0, linkedBad = 0] =
        byGroup(answer.value.rows).get(group) ?? [];
      if (seen === 0 || failing * 2 < seen) continue;
      const names = [...new Set(sides.flatMap((side) => side.far.columns.map((base) => base.column)))];
      const title = `Of ${seen} rows with a repeated key, ${failing} meet several rows of ${titleOf(other)} with the same ${names.join(", ")}`;
      const hop: Hop = {
        resource: other.id,
        column: names.join(", "),
        seen,
        found,
        failing,
        sql,
        shows: { column: "failing", value: failing },
        title,
      };
      const rate = all > linked ? (bad - linkedBad) / (all - linked) : 0;
      const declared = workspace
        .uniqueKeys(other)
        .some(
          (key) =>
            key.length === names.length && key.every((column) => names.some((name) => name.toLowerCase() === column)),
        );
      // A join by a part of the other side's key is bound to find several rows.
      const partial = workspace
        .uniqueKeys(other)
        .some((key) => key.length > names.length && names.every((name) => key.includes(name.toLowerCase())));
      if (declared || (!partial && all > linked && rate < 0.2)) {
        const carried: Carried = {
          ctes,
          name: joinedAs,
          on: keys.map((key, index) => `t.j${index + 1} = ${key}`).join(" and "),
          parentKeys: keys.flatMap((key) => key ?? []),
          equals: "plain",
        };
        const witnesses = witnessesAt(workspace, carried, from, joined, null, depth);
        const confidence = declared || rate < 0.05 ? levelOf(failing / seen) : "medium";
        const note = `A fan-out by the join in ${titleOf(trail.resource)} alone: ${other.name} is to have one row for each ${names.join(", ")}.`;
        await followKey(rules, onward(trail, other, witnesses, new Map([[group, { hop, confidence, note }]])), names);
        return true;
      }
      const reason = `${titleOf(trail.resource)} joins ${titleOf(other)} by ${names.join(", ")}, of which ${other.name} has several rows each, so ${failing} of ${seen} rows are repeated`;
      verdicts.settle(noted(trail, new Map([[group, hop]])), [group], {
        situation: "fan-out",
        node: trail.resource,
        column: label,
        confidence: levelOf(failing / seen),
        reason,
      });
      return true;
    }
  }
  return false;
}
