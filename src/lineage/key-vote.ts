/**
 * One question of the rule for keys: of the keys that repeat, how many repeat already in one parent?
 */
import { counted } from "../model/amount.js";
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import { type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, type Carried, statement } from "./witnesses.js";

export interface Candidate {
  readonly instance: string;
  readonly parent: Resource;
  /** SQL over the instance's alias that makes each part of the key. */
  readonly expressions: readonly string[];
  /** The columns in them. */
  readonly raw: readonly string[];
}

export interface Vote {
  readonly seen: number;
  readonly found: number;
  /** The parent's own values repeat. */
  readonly failing: number;
  /** Several rows of the parent give this key, repeated or not. */
  readonly several: number;
}

export interface Ballot {
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

export async function vote(
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

export function hopOf(ballot: Ballot, vote: Vote): Hop {
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
    title: `Of ${counted(vote.seen, "row")} with a repeated key, ${counted(vote.failing, "has", "have")} it repeated already in ${titleOf(candidate.parent)}.${label}`,
  };
}
