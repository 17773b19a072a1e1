/**
 * The rule for references that lead nowhere, of relationships tests and of joins that find no row: did a model change
 * the child's value, did the parent's row exist further upstream and get lost, or did it never exist?
 */
import type { Resource } from "../model/project.js";
import type { RowCheck, RowPlace } from "./check.js";
import { open, type Question, type Side } from "./missing.js";
import { orphan } from "./orphan.js";
import { climbChild, climbParent } from "./reference-climb.js";
import type { Origin } from "./shape.js";
import { only, onward, type Rules, type Trail, titleOf } from "./trail.js";
import { byGroup, type Carried, carry, type Link, statement, witnessesAt } from "./witnesses.js";
import { changedByJoin, wrongKey } from "./wrong-key.js";

/** A relationships test: `trail` stands at the child, its witnesses are rows whose value the parent lacks. */
export async function followReference(rules: Rules, trail: Trail, column: string, parent: Side): Promise<void> {
  const { quote } = rules.workspace.dialect;
  const { witnesses } = trail;
  const where = witnesses.where === null ? "" : `\nwhere ${witnesses.where}`;
  const values = `missing_0 as (\nselect group_key, j1, count(*) as weight from (select ${witnesses.group} as group_key, r.${quote(column)} as j1\nfrom ${witnesses.from}${where}) as f\ngroup by group_key, j1)`;
  const missing = { ctes: [...witnesses.ctes, values], name: "missing_0", width: 1 };
  await answer(rules, trail, {
    missing,
    child: { resource: trail.resource, columns: [column] },
    parent,
    joiner: null,
    label: column,
  });
}

/** A left join that found no row for the witnesses, so that its columns are null. */
export async function followUnmatchedJoin(
  rules: Rules,
  trail: Trail,
  link: Link,
  target: { readonly instance: string; readonly parent: Resource },
  place: RowPlace,
): Promise<void> {
  const { verdicts, workspace } = rules;
  const label = [...place.columns.values()].join(", ");
  const all = () => trail.groups.keys();
  const carried = link.kind === "join" ? carry(workspace, trail.witnesses, link) : null;
  if (link.kind !== "join" || carried === null)
    return verdicts.undecided(trail, all(), "the join cannot be followed", label);
  const keys = carried.parentKeys.map((_, index) => `j${index + 1}`);
  const isNull = keys.map((key) => `${key} is null`).join(" or ");
  const sql = statement(
    carried.ctes,
    `select group_key, count(*) as seen, sum(case when ${isNull} then 1 else 0 end) as without_key from ${carried.name} group by group_key`,
  );
  const counted = await workspace.query(sql);
  if (!counted.ok)
    return verdicts.undecided(trail, all(), `asking for the join's keys failed: ${counted.failure.message}`, label);
  const votes = byGroup(counted.value.rows);
  const nulls = [...all()].filter((group) => (votes.get(group)?.[1] ?? 0) * 2 >= (votes.get(group)?.[0] ?? 1));
  const others = [...all()].filter((group) => !nulls.includes(group));
  const lefts = link.join.equalities.map((item) => item.left);
  const single = lefts.length === 1 ? lefts[0] : undefined;
  if (nulls.length > 0) await followNullKey(rules, only(trail, nulls), link, single, label);
  if (others.length === 0) return;
  const rights = link.join.equalities.map((item) => item.right.columns[0]?.column);
  const names = rights.flatMap((name) => name ?? []);
  const raw = rawKeys(rules, trail, link);
  const { ctes, name } = raw?.carried ?? carried;
  const dropped = `missing_0 as (\nselect group_key, ${keys.join(", ")}, sum(weight) as weight from ${name}\nwhere not (${isNull}) group by group_key, ${keys.join(", ")})`;
  const question: Question = {
    missing: { ctes: [...ctes, dropped], name: "missing_0", width: keys.length },
    child: raw === null ? null : { resource: link.over.resource, columns: raw.columns },
    parent: { resource: target.parent, columns: names },
    joiner: trail.resource,
    label,
  };
  if (raw?.changed === true) await changedByJoin(rules, only(trail, others), question, trail.resource);
  const left = only(trail, open(rules, only(trail, others)));
  if (left.groups.size > 0) await answer(rules, left, question);
}

/** The join's keys as they are before the join's own condition changes them; null where they are not single columns. */
function rawKeys(
  { workspace }: Rules,
  trail: Trail,
  link: Extract<Link, { kind: "join" }>,
): { readonly carried: Carried; readonly columns: readonly string[]; readonly changed: boolean } | null {
  const { quote } = workspace.dialect;
  const lefts = link.join.equalities.map((item) => item.left);
  const columns = lefts.flatMap((left) => (left.columns.length === 1 ? (left.columns[0]?.column ?? []) : []));
  if (columns.length !== lefts.length) return null;
  const equalities = link.equalities.map(({ right }, index) => ({
    left: `${quote(link.over.instance)}.${quote(columns[index] ?? "")}`,
    right,
  }));
  const carried = carry(workspace, trail.witnesses, { ...link, equalities });
  return carried === null ? null : { carried, columns, changed: lefts.some((left) => left.kind !== "direct") };
}

async function followNullKey(
  rules: Rules,
  trail: Trail,
  link: Extract<Link, { kind: "join" }>,
  key: Origin | undefined,
  label: string,
) {
  const { verdicts, workspace } = rules;
  const column = key?.kind === "direct" ? key.columns[0]?.column : undefined;
  const from = workspace.from(link.over.resource);
  const carried = carry(workspace, trail.witnesses, { kind: "pairs", pairs: link.pairs });
  if (column === undefined || from === null || carried === null) {
    const reason = `the join in ${titleOf(trail.resource)} finds nothing, since its key is null`;
    return verdicts.undecided(trail, trail.groups.keys(), reason, label);
  }
  const alias = workspace.dialect.quote(link.over.instance);
  const condition = `${alias}.${workspace.dialect.quote(column)} is null`;
  const witnesses = witnessesAt(workspace, carried, from, link.over.instance, condition, trail.witnesses.depth);
  const check: RowCheck = {
    kind: "row",
    columns: [column],
    fails: (sql) => `${sql(column)} is null`,
    failsUpstream: (sql) => `${sql} is null`,
    hasValue: false,
    invariant: true,
    says: "is null, so that the join finds nothing",
  };
  const steps = new Map([...trail.groups.keys()].map((group) => [group, { hop: null, confidence: "high" as const }]));
  await rules.followRows(rules, onward(trail, link.over.resource, witnesses, steps), {
    check,
    columns: new Map([[column, column]]),
    wide: false,
  });
}

async function answer(rules: Rules, trail: Trail, question: Question): Promise<void> {
  if (question.joiner !== null) await wrongKey(rules, trail, question, question.joiner);
  if (open(rules, trail).length === 0) return;
  const up = await climbParent(rules, trail, question, question.parent, 0);
  if (open(rules, trail).length === 0) return;
  const down =
    question.child === null ? null : await climbChild(rules, up.trail, question, question.child, question.missing, 0);
  const rest = only(down?.trail ?? up.trail, open(rules, trail));
  if (rest.groups.size === 0) return;
  await orphan(rules, rest, question, up.top, down?.top ?? null, up.problem ?? down?.problem ?? null);
}
