/**
 * Does a join give several rows for a key that its parents hold once? And whose fault is it: the joined parent's,
 * where its key should be unique, or the joining model's?
 */
import { counted } from "../model/amount.js";
import type { Resource } from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Cell } from "../model/warehouse.js";
import type { Ballot } from "./key-vote.js";
import type { Join } from "./shape.js";
import { levelOf, noted, onward, type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, type Carried, statement, witnessesAt } from "./witnesses.js";
import type { ResourceShape } from "./workspace.js";

/** A join as seen from the parent that holds the keys. */
interface Sides {
  readonly ballot: Ballot;
  readonly instance: string;
  readonly other: Resource;
  /** SQL over the parent that holds the keys, and over the other one, condition by condition. */
  readonly near: readonly string[];
  readonly far: readonly string[];
  /** Columns of the other one that the join compares with. */
  readonly names: readonly string[];
}

interface Spread {
  readonly hop: Hop;
  readonly carried: Carried;
  /** Share of the other parent's remaining keys that repeat; null where there are none. */
  readonly rate: number | null;
}

/** True where a join explains the repeated keys and the group has its verdict; fails where that could not be asked. */
export async function fanOut(
  rules: Rules,
  trail: Trail,
  at: ResourceShape,
  columns: readonly string[],
  group: Cell,
  held: readonly Ballot[],
): Promise<Result<boolean>> {
  for (const ballot of held) {
    for (const join of at.shape.joins) {
      const sides = sidesOf(rules, at, ballot, join);
      if (sides === null) continue;
      const spread = await spreadOf(rules, trail, columns, group, sides);
      if (!spread.ok) return spread;
      if (spread.value === null) continue;
      await blame(rules, trail, columns, group, sides, spread.value);
      return ok(true);
    }
  }
  return ok(false);
}

function sidesOf({ workspace }: Rules, at: ResourceShape, ballot: Ballot, join: Join): Sides | null {
  const { instance } = ballot.candidate;
  const pairs = join.equalities.map(({ left, right }) =>
    right.columns.some((base) => base.instance === instance) ? { near: right, far: left } : { near: left, far: right },
  );
  const [joined, ...more] = new Set(pairs.flatMap((pair) => pair.far.columns.map((base) => base.instance)));
  const other = joined === undefined ? undefined : at.parents.get(joined);
  if (joined === undefined || more.length > 0 || joined === instance || other === undefined) return null;
  const sqls = pairs.flatMap(({ near, far }) => {
    const own = near.columns.every((base) => base.instance === instance) && near.node !== null;
    const left = own && near.node !== null ? workspace.lineage.expression(near.node) : null;
    const right = far.node === null ? null : workspace.lineage.expression(far.node);
    return left === null || right === null ? [] : [{ left, right }];
  });
  if (sqls.length !== pairs.length) return null;
  const names = [...new Set(pairs.flatMap((pair) => pair.far.columns.map((base) => base.column)))];
  const near = sqls.map((sql) => sql.left);
  return { ballot, instance: joined, other, near, far: sqls.map((sql) => sql.right), names };
}

/** Null where fewer than half of the witnesses meet several rows. */
async function spreadOf(
  rules: Rules,
  trail: Trail,
  columns: readonly string[],
  group: Cell,
  sides: Sides,
): Promise<Result<Spread | null>> {
  const { workspace } = rules;
  const { quote } = workspace.dialect;
  const { candidate, carried } = sides.ballot;
  const from = workspace.from(sides.other);
  const own = workspace.from(candidate.parent);
  if (from === null || own === null) return failed("relation-missing", `${sides.other.name} cannot be read`);
  const depth = trail.witnesses.depth;
  const name = `joined_${depth}`;
  const keys = columns.map((_, index) => `t.j${index + 1} as k${index + 1}`).join(", ");
  const values = sides.near.map((sql, index) => `${sql} as j${index + 1}`).join(", ");
  const made = sides.far.map((sql, index) => `${sql} as l${index + 1}`).join(", ");
  const chosen = sides.far.map((_, index) => `j${index + 1}`).join(", ");
  const on = sides.far.map((_, index) => `t.j${index + 1} = o.l${index + 1}`).join(" and ");
  const ctes = [
    ...carried.ctes,
    `${name} as (\nselect distinct t.group_key, ${keys}, t.weight, ${values}\nfrom ${carried.name} as t join ${own} as ${quote(candidate.instance)} on ${carried.on})`,
  ];
  const sql = statement(
    [
      ...ctes,
      `others_${depth} as (select ${made}, count(*) as copies from ${from} as ${quote(sides.instance)} group by ${sides.far.join(", ")})`,
      `linked_${depth} as (select o.* from others_${depth} as o join (select distinct ${chosen} from ${name}) as t on ${on})`,
    ],
    `select t.group_key, sum(t.weight) as seen, sum(case when o.copies > 0 then t.weight else 0 end) as found, sum(case when o.copies > 1 then t.weight else 0 end) as failing,
  (select count(*) from others_${depth}) as keys_there, (select count(*) from others_${depth} where copies > 1) as repeated_keys,
  (select count(*) from linked_${depth}) as linked_keys, (select count(*) from linked_${depth} where copies > 1) as linked_repeated
from ${name} as t left join others_${depth} as o on ${on}
group by t.group_key`,
  );
  const answer = await workspace.query(sql);
  if (!answer.ok) return answer;
  const numbers = byGroup(answer.value.rows).get(group) ?? [];
  const [seen = 0, found = 0, failing = 0, all = 0, bad = 0, linked = 0, linkedBad = 0] = numbers;
  if (seen === 0 || failing * 2 < seen) return ok(null);
  const column = sides.names.join(", ");
  const hop: Hop = {
    resource: sides.other.id,
    column,
    seen,
    found,
    failing,
    sql,
    shows: { column: "failing", value: failing },
    title: `Of ${counted(seen, "row")} with a repeated key, ${counted(failing, "meets", "meet")} several rows of ${titleOf(sides.other)} with the same ${column}`,
  };
  const toOther = sides.far.map((key, index) => `t.j${index + 1} = ${key}`).join(" and ");
  return ok({
    hop,
    carried: { ctes, name, on: toOther, parentKeys: sides.far, equals: "plain" },
    rate: all > linked ? (bad - linkedBad) / (all - linked) : null,
  });
}

async function blame(
  rules: Rules,
  trail: Trail,
  columns: readonly string[],
  group: Cell,
  { other, instance, names }: Sides,
  { hop, carried, rate }: Spread,
): Promise<void> {
  const { workspace } = rules;
  const joined = new Set(names.map((name) => name.toLowerCase()));
  const covered = workspace
    .uniqueKeys(other)
    .map((key) => ({ size: key.length, shared: key.filter((column) => joined.has(column)).length }));
  const declared = covered.some(({ size, shared }) => size === joined.size && shared === size);
  // A join by a part of the other side's key is bound to find several rows.
  const partial = covered.some(({ size, shared }) => size > joined.size && shared === joined.size);
  const label = names.join(", ");
  const from = workspace.from(other);
  if (from !== null && (declared || (!partial && rate !== null && rate < 0.2))) {
    const witnesses = witnessesAt(workspace, carried, from, instance, null, trail.witnesses.depth);
    const confidence = declared || (rate ?? 1) < 0.05 ? levelOf(hop.failing / hop.seen) : "medium";
    const note = `A fan-out by the join in ${titleOf(trail.resource)} alone: ${other.name} is to have one row for each ${label}.`;
    await rules.followKey(rules, onward(trail, other, witnesses, new Map([[group, { hop, confidence, note }]])), names);
    return;
  }
  rules.verdicts.settle(noted(trail, new Map([[group, hop]])), [group], {
    situation: "fan-out",
    node: trail.resource,
    column: columns.join(", "),
    confidence: levelOf(hop.failing / hop.seen),
    reason: `${titleOf(trail.resource)} joins ${titleOf(other)} by ${label}, of which ${other.name} has several rows each, so that it repeats ${hop.failing} of ${counted(hop.seen, "row")}`,
  });
}
