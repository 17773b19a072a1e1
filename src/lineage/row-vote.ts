/**
 * One question of the rule for rows: of the failing rows, how many fail already in one parent?
 */
import { counted } from "../model/amount.js";
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import type { RowPlace } from "./check.js";
import type { OriginKind } from "./shape.js";
import { type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, type Carried, carry, type Link, linkTo, statement } from "./witnesses.js";
import type { ResourceShape } from "./workspace.js";

export interface Candidate {
  readonly instance: string;
  readonly parent: Resource;
  readonly place: RowPlace;
  readonly kind: OriginKind;
  readonly label: string;
}

export interface Vote {
  readonly seen: number;
  readonly found: number;
  readonly failing: number;
  /** Share of the parent's other rows that fail as well: a predicate that nearly all rows fail says nothing. */
  readonly others: number;
}

export interface Ballot {
  readonly candidate: Candidate;
  readonly link: Link;
  readonly carried: Carried;
  readonly condition: string;
  readonly sql: string;
  readonly votes: ReadonlyMap<Cell, Vote>;
}

export async function vote(
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
  const subjects = place.check.hasValue ? [] : [...place.columns.values()].map((name) => name.toLowerCase());
  const unusable = await workspace.incomparable(trail.resource);
  const link = linkTo(workspace, trail.resource, at, instance, new Set([...subjects, ...unusable]));
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
    const sql = voteSql(carried, from, alias, condition, any, trail.witnesses.depth, workspace.dialect.nullSafeEquals);
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
  nullSafe: (left: string, right: string) => string,
): string {
  const keys = carried.parentKeys.map((sql, index) => `${sql} as l${index + 1}`).join(", ");
  const grouping = carried.parentKeys.join(", ");
  const equals = carried.equals === "null-safe" ? nullSafe : (left: string, right: string) => `${left} = ${right}`;
  const on = carried.parentKeys.map((_, index) => equals(`t.j${index + 1}`, `p.l${index + 1}`)).join(" and ");
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

export function hopOf(ballot: Ballot, vote: Vote, says: string): Hop {
  const { candidate } = ballot;
  return {
    resource: candidate.parent.id,
    column: candidate.label,
    seen: vote.seen,
    found: vote.found,
    failing: vote.failing,
    sql: ballot.sql,
    shows: { column: "failing", value: vote.failing },
    title: `Of ${counted(vote.seen, "failing row")}, ${counted(vote.failing, "fails", "fail")} already in ${titleOf(candidate.parent)}: ${candidate.label} ${says}`,
  };
}
