/**
 * The rule for references that lead nowhere, of relationships tests and of joins that find no row: did a model change
 * the child's value, did the parent's row exist further upstream and get lost, or did it never exist?
 * Values are followed, not rows: an expression maps each value to the ones it was made of.
 */
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import type { RowCheck, RowPlace } from "./check.js";
import { find, type Origin } from "./scope.js";
import { noted, onward, type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, carry, type Link, statement, witnessesAt } from "./witnesses.js";
import { isRaw, type ResourceShape } from "./workspace.js";

/** Values that are missing: a relation with columns group_key, weight, j1 … jn. */
interface Missing {
  readonly ctes: readonly string[];
  readonly name: string;
  readonly width: number;
}

interface Side {
  readonly resource: Resource;
  readonly columns: readonly string[];
}

interface Question {
  readonly missing: Missing;
  readonly child: Side | null;
  readonly parent: Side;
  /** The model whose join finds nothing; null for a relationships test. */
  readonly joiner: Resource | null;
  /** Column that is blamed in prose. */
  readonly label: string;
}

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
  _at: ResourceShape,
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
  const only = lefts.length === 1 ? lefts[0] : undefined;
  if (nulls.length > 0) await followNullKey(rules, limited(trail, nulls), link, only, label);
  if (others.length === 0) return;
  const rights = link.join.equalities.map((item) => item.right.columns[0]?.column);
  const names = rights.flatMap((name) => name ?? []);
  const dropped = `missing_0 as (\nselect group_key, ${keys.join(", ")}, sum(weight) as weight from ${carried.name}\nwhere not (${isNull}) group by group_key, ${keys.join(", ")})`;
  const bases = lefts.flatMap((left) => (left.kind === "direct" ? (left.columns[0]?.column ?? []) : []));
  await answer(rules, limited(trail, others), {
    missing: { ctes: [...carried.ctes, dropped], name: "missing_0", width: keys.length },
    child: bases.length === lefts.length ? { resource: link.over.resource, columns: bases } : null,
    parent: { resource: target.parent, columns: names },
    joiner: trail.resource,
    label,
  });
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
    says: "is null, so that the join finds nothing",
  };
  const steps = new Map([...trail.groups.keys()].map((group) => [group, { hop: null, confidence: "high" as const }]));
  await rules.followRows(rules, onward(trail, link.over.resource, witnesses, steps), {
    check,
    columns: new Map([[column, column]]),
    wide: false,
  });
}

function limited(trail: Trail, groups: readonly Cell[]): Trail {
  return { ...trail, groups: new Map([...trail.groups].filter(([group]) => groups.includes(group))) };
}

const open = (rules: Rules, trail: Trail) => [...trail.groups.keys()].filter((group) => !rules.verdicts.all.has(group));

async function answer(rules: Rules, trail: Trail, question: Question): Promise<void> {
  if (question.joiner !== null) await wrongKey(rules, trail, question, question.joiner);
  if (open(rules, trail).length === 0) return;
  const up = await climbParent(rules, trail, question, question.parent, 0);
  if (open(rules, trail).length === 0) return;
  const down =
    question.child === null ? null : await climbChild(rules, up.trail, question, question.child, question.missing, 0);
  const rest = limited(down?.trail ?? up.trail, open(rules, trail));
  if (rest.groups.size === 0) return;
  await orphan(rules, rest, question, up.top, down?.top ?? null, up.problem ?? down?.problem ?? null);
}

/** The values are in the parent, in its key or in a column of the same name: the join compares with the wrong one. */
async function wrongKey(rules: Rules, trail: Trail, question: Question, joiner: Resource): Promise<void> {
  const { verdicts, workspace } = rules;
  const { missing, parent } = question;
  const from = workspace.from(parent.resource);
  if (from === null) return;
  for (const columns of await otherKeys(rules, question)) {
    const { quote, toText } = workspace.dialect;
    const values = columns.map((column, index) => `${toText(`t.${quote(column)}`)} as l${index + 1}`).join(", ");
    const on = columns.map((_, index) => `${toText(`m.j${index + 1}`)} = p.l${index + 1}`).join(" and ");
    const sql = statement(
      missing.ctes,
      `select m.group_key, sum(m.weight) as seen, sum(case when p.l1 is not null then m.weight else 0 end) as found\nfrom ${missing.name} as m left join (select distinct ${values} from ${from} as t) as p on ${on}\ngroup by m.group_key`,
    );
    const answered = await workspace.query(sql);
    if (!answered.ok) continue;
    const label = columns.join(", ");
    for (const [group, [seen = 0, found = 0]] of byGroup(answered.value.rows)) {
      if (seen === 0 || found * 2 < seen || !trail.groups.has(group)) continue;
      const target = titleOf(parent.resource);
      const title = `Of ${seen} rows that the join finds nothing for, ${found} would find a row in ${target} by ${label}`;
      const shows = { column: "found", value: found };
      const hop = {
        resource: parent.resource.id,
        column: label,
        seen,
        found,
        failing: seen - found,
        sql,
        shows,
        title,
      };
      const reason = `${titleOf(joiner)} joins ${target} by ${parent.columns.join(", ")}, but ${found} of ${seen} failing rows find their row by ${label}`;
      const confidence = found >= seen * 0.9 ? "high" : "medium";
      const settlement = {
        situation: "wrong-join-key",
        node: joiner,
        column: question.label,
        confidence,
        reason,
      } as const;
      verdicts.settle(noted(trail, new Map([[group, hop]])), [group], settlement);
    }
  }
}

/** The join's columns with one of them replaced: by the rest of a declared key, or by the child's column's namesake. */
async function otherKeys(rules: Rules, question: Question): Promise<readonly (readonly string[])[]> {
  const { workspace } = rules;
  const { child, parent } = question;
  const joined = parent.columns.map((column) => column.toLowerCase());
  const found = new Map<string, readonly string[]>();
  const replace = async (position: number, name: string) => {
    const column = await workspace.column(parent.resource, name);
    if (column === null || joined.includes(column.name.toLowerCase())) return;
    const columns = parent.columns.map((own, index) => (index === position ? column.name : own));
    found.set(JSON.stringify(columns), columns);
  };
  for (const [position, own] of joined.entries()) {
    const namesake = child?.columns[position];
    if (namesake !== undefined) await replace(position, namesake);
    for (const key of workspace.uniqueKeys(parent.resource)) {
      const rest = key.filter((column) => !joined.includes(column));
      if (rest.length === 1 && !key.includes(own)) await replace(position, rest[0] ?? "");
    }
  }
  return [...found.values()].slice(0, 4);
}

interface Climb {
  readonly trail: Trail;
  /** The last resource that holds the column; null where it could not be followed so far. */
  readonly top: Side;
  readonly problem: string | null;
}

/** Is the missing value there further upstream? Then the model in between lost it. */
async function climbParent(rules: Rules, trail: Trail, question: Question, side: Side, level: number): Promise<Climb> {
  const { verdicts, workspace } = rules;
  if (isRaw(side.resource) || level > 12) return { trail, top: side, problem: null };
  const read = await workspace.shape(side.resource);
  if (!read.ok) return { trail, top: side, problem: read.failure.message };
  const inputs = inputsOf(rules, read.value, side.columns);
  if (inputs.length === 0)
    return {
      trail,
      top: side,
      problem: `the SQL of ${side.resource.name} does not show where ${side.columns.join(", ")} comes from`,
    };
  let so = trail;
  const climbs: Climb[] = [];
  for (const input of inputs) {
    const from = workspace.from(input.resource);
    if (from === null) return { trail: so, top: side, problem: `${input.resource.name} cannot be read` };
    const sql = presenceSql(rules, question.missing, from, input);
    const answered = await workspace.query(sql);
    if (!answered.ok)
      return { trail: so, top: side, problem: `asking ${input.resource.name} failed: ${answered.failure.message}` };
    const votes = byGroup(answered.value.rows);
    const hops = new Map<Cell, Hop>();
    for (const [group, [seen = 0, found = 0, raw = 0]] of votes) {
      const label = input.columns.join(", ");
      const title = `Of ${seen} rows whose key is missing in ${question.parent.resource.name}, ${Math.max(found, raw)} have it in ${titleOf(input.resource)}.${label}`;
      hops.set(group, {
        resource: input.resource.id,
        column: label,
        seen,
        found: Math.max(found, raw),
        failing: seen - Math.max(found, raw),
        sql,
        shows: found >= raw ? { column: "found", value: found } : { column: "found_unchanged", value: raw },
        title,
      });
    }
    so = noted(so, hops);
    for (const group of open(rules, so)) {
      const [seen = 0, found = 0, raw = 0] = votes.get(group) ?? [];
      if (seen === 0 || Math.max(found, raw) * 2 < seen) continue;
      const dropped = found * 2 >= seen;
      const lost = titleOf(side.resource);
      const reason = dropped
        ? `${lost} leaves out rows that ${titleOf(input.resource)} has: ${found} of ${seen} failing rows refer to them`
        : `${lost} changes ${side.columns.join(", ")}, so that ${raw} of ${seen} failing rows no longer find their row of ${titleOf(input.resource)}`;
      const confidence = Math.max(found, raw) >= seen * 0.9 ? "high" : "medium";
      const situation = dropped ? "rows-dropped" : "key-changed";
      verdicts.settle(so, [group], {
        situation,
        node: side.resource,
        column: side.columns.join(", "),
        confidence,
        reason,
      });
    }
    if (open(rules, so).length === 0) break;
    const next = await climbParent(
      rules,
      limited(so, open(rules, so)),
      question,
      { resource: input.resource, columns: input.columns },
      level + 1,
    );
    so = next.trail;
    climbs.push(next);
    if (open(rules, so).length === 0) break;
  }
  const climbed = climbs.find((climb) => climb.problem === null) ?? climbs[0];
  return { trail: so, top: climbed?.top ?? side, problem: climbed?.problem ?? null };
}

interface Input extends Side {
  readonly instance: string;
  /** SQL over the instance's alias that makes the column of the reader. */
  readonly expressions: readonly string[];
  readonly direct: boolean;
}

function inputsOf(rules: Rules, at: ResourceShape, columns: readonly string[]): readonly Input[] {
  return [...at.parents].flatMap(([instance, resource]) => {
    const parts = columns.flatMap((name) => {
      const origin = find(at.shape.columns, name)?.origins.find(
        (item) =>
          item.node !== null && item.columns.length > 0 && item.columns.every((base) => base.instance === instance),
      );
      // Of several columns in an expression, the value is that of the same name.
      const bases = (origin?.columns ?? []).map((base) => ({ name: base.column }));
      const column = (bases.length === 1 ? bases[0] : find(bases, name))?.name;
      const sql = origin?.node ? rules.workspace.lineage.expression(origin.node) : null;
      return sql === null || column === undefined ? [] : [{ sql, column, direct: origin?.kind === "direct" }];
    });
    if (parts.length !== columns.length || parts.length === 0) return [];
    return [
      {
        instance,
        resource,
        columns: parts.map((part) => part.column),
        expressions: parts.map((part) => part.sql),
        direct: parts.every((part) => part.direct),
      },
    ];
  });
}

function presenceSql(rules: Rules, missing: Missing, from: string, input: Input): string {
  const { dialect } = rules.workspace;
  const alias = dialect.quote(input.instance);
  const keys = input.expressions.map((_, index) => index + 1);
  const made = input.expressions.map((sql, index) => `${dialect.toText(sql)} as l${index + 1}`).join(", ");
  const raw = input.columns
    .map((column, index) => `${dialect.toText(`${alias}.${dialect.quote(column)}`)} as l${index + 1}`)
    .join(", ");
  const on = (other: string) => keys.map((key) => `${dialect.toText(`m.j${key}`)} = ${other}.l${key}`).join(" and ");
  return statement(
    [
      ...missing.ctes,
      `made as (select distinct ${made} from ${from} as ${alias})`,
      `raw as (select distinct ${raw} from ${from} as ${alias})`,
    ],
    `select m.group_key, sum(m.weight) as seen, sum(case when made.l1 is not null then m.weight else 0 end) as found, sum(case when raw.l1 is not null then m.weight else 0 end) as found_unchanged\nfrom ${missing.name} as m left join made on ${on("made")} left join raw on ${on("raw")}\ngroup by m.group_key`,
  );
}

/** Was the child's value right before a model changed it? */
async function climbChild(
  rules: Rules,
  trail: Trail,
  question: Question,
  side: Side,
  missing: Missing,
  level: number,
): Promise<Climb> {
  const { verdicts, workspace } = rules;
  if (isRaw(side.resource) || level > 12) return { trail, top: side, problem: null };
  const read = await workspace.shape(side.resource);
  if (!read.ok) return { trail, top: side, problem: read.failure.message };
  const inputs = inputsOf(rules, read.value, side.columns);
  const input = inputs[0];
  if (input === undefined)
    return {
      trail,
      top: side,
      problem: `the SQL of ${side.resource.name} does not show where ${side.columns.join(", ")} comes from`,
    };
  const next = { resource: input.resource, columns: input.columns };
  if (input.direct || missing.width !== 1 || question.parent.columns.length !== 1)
    return climbChild(rules, trail, question, next, missing, level + 1);
  const from = workspace.from(input.resource);
  const target = workspace.from(question.parent.resource);
  if (from === null || target === null) return { trail, top: side, problem: `${input.resource.name} cannot be read` };
  const { dialect } = workspace;
  const alias = dialect.quote(input.instance);
  const column = input.columns[0] ?? "";
  const field = question.parent.columns[0] ?? "";
  const earlier = `missing_${level + 1}`;
  const ctes = [
    ...missing.ctes,
    `${earlier} as (\nselect m.group_key, c.j1, max(m.weight) as weight from ${missing.name} as m join (select distinct ${input.expressions[0]} as made, ${alias}.${dialect.quote(column)} as j1 from ${from} as ${alias}) as c on ${dialect.toText("m.j1")} = ${dialect.toText("c.made")}\nwhere c.j1 is not null group by m.group_key, c.j1)`,
  ];
  const sql = statement(
    ctes,
    `select m.group_key, sum(m.weight) as seen, sum(case when p.value is not null then m.weight else 0 end) as found\nfrom ${earlier} as m left join (select distinct ${dialect.toText(`t.${dialect.quote(field)}`)} as value from ${target} as t) as p on ${dialect.toText("m.j1")} = p.value\ngroup by m.group_key`,
  );
  const answered = await workspace.query(sql);
  if (!answered.ok)
    return { trail, top: side, problem: `asking ${input.resource.name} failed: ${answered.failure.message}` };
  const hops = new Map<Cell, Hop>();
  const votes = byGroup(answered.value.rows);
  for (const [group, [seen = 0, found = 0]] of votes) {
    const title = `Of ${seen} failing rows, ${found} have a value in ${titleOf(input.resource)}.${column} that ${question.parent.resource.name} does hold`;
    hops.set(group, {
      resource: input.resource.id,
      column,
      seen,
      found: seen,
      failing: seen - found,
      sql,
      shows: { column: "found", value: found },
      title,
    });
  }
  const so = noted(trail, hops);
  for (const group of open(rules, so)) {
    const [seen = 0, found = 0] = votes.get(group) ?? [];
    if (seen === 0 || found * 2 < seen) continue;
    const reason = `${titleOf(side.resource)} changes ${side.columns.join(", ")}: ${found} of ${seen} failing rows match before it does`;
    const confidence = found >= seen * 0.9 ? "high" : "medium";
    verdicts.settle(so, [group], {
      situation: "key-changed",
      node: side.resource,
      column: side.columns.join(", "),
      confidence,
      reason,
    });
  }
  if (open(rules, so).length === 0) return { trail: so, top: side, problem: null };
  return climbChild(rules, so, question, next, { ctes, name: earlier, width: 1 }, level + 1);
}

/** The value never existed: which side is at fault, as far as numbers can tell? */
async function orphan(
  rules: Rules,
  trail: Trail,
  question: Question,
  up: Side,
  down: Side | null,
  problem: string | null,
): Promise<void> {
  const { verdicts, workspace } = rules;
  const groups = [...trail.groups.keys()];
  const { child, joiner, label, parent } = question;
  const target = workspace.from(parent.resource);
  const from = child === null ? null : workspace.from(child.resource);
  if (
    child === null ||
    from === null ||
    target === null ||
    down === null ||
    child.columns.length !== parent.columns.length
  ) {
    return verdicts.undecided(trail, groups, problem ?? "the child's key is made by an expression", label);
  }
  const sql = sidesSql(rules, from, child.columns, target, parent.columns);
  const answered = await workspace.query(sql);
  if (!answered.ok)
    return verdicts.undecided(trail, groups, `comparing the keys failed: ${answered.failure.message}`, label);
  const [rows = 0, matched = 0, orphans = 0, alike = 0, values = 0] = (answered.value.rows[0] ?? []).map((cell) =>
    Number(cell ?? 0),
  );
  const spelling = orphans > 0 && alike * 2 >= orphans ? "; the keys differ only in case, blanks or leading zeros" : "";
  if (rows > 0 && matched < rows * 0.1) {
    const node = joiner ?? child.resource;
    const reason = `hardly any value of ${child.resource.name}.${child.columns.join(", ")} (${matched} of ${rows} rows) is found in ${parent.resource.name}.${parent.columns.join(", ")}${spelling}`;
    const confidence = spelling === "" && joiner === null ? "low" : "medium";
    return verdicts.settle(trail, groups, { situation: "join-never-matches", node, column: label, confidence, reason });
  }
  if (problem !== null) return verdicts.undecided(trail, groups, problem, label);
  const perOrphan = orphans === 0 ? 0 : (rows - matched) / orphans;
  const perMatch = values === 0 ? 0 : matched / values;
  const lacks = perOrphan >= 2 && perOrphan * 2 >= perMatch;
  const blamed = lacks ? up : down;
  const other = lacks ? down : up;
  const sameRole = (blamed.resource.type === "source") === (other.resource.type === "source");
  // A row that the parent lacks would be missed about as often as its other rows are used.
  const confidence = sameRole || (!lacks && perOrphan * 4 < perMatch) ? "medium" : "low";
  const { name, ctes } = question.missing;
  const own = statement(
    ctes,
    `select m.group_key, sum(m.weight) as seen, count(*) as distinct_keys from ${name} as m group by m.group_key`,
  );
  const counted = await workspace.query(own);
  if (!counted.ok)
    return verdicts.undecided(trail, groups, `counting the keys failed: ${counted.failure.message}`, label);
  const keys = child.columns.join(", ");
  for (const [group, [seen = 0, missing = 0]] of byGroup(counted.value.rows)) {
    const title = `The ${seen} failing rows hold ${missing} different ${keys} that ${parent.resource.name} does not have`;
    const shows = { column: "distinct_keys", value: missing };
    const { resource } = child;
    const hop = { resource: resource.id, column: keys, seen, found: seen, failing: seen, sql: own, shows, title };
    const reason = lacks
      ? `${titleOf(up.resource)} has no row for ${missing} different ${up.columns.join(", ")} that ${seen} failing rows refer to; such a key is used by ${round(perOrphan)} rows on average, a known one by ${round(perMatch)}${spelling}`
      : `${titleOf(down.resource)} holds ${missing} different ${down.columns.join(", ")} in ${seen} failing rows that exist nowhere in ${titleOf(up.resource)}${spelling}`;
    verdicts.settle(noted(trail, new Map([[group, hop]])), [group], {
      situation: "orphan",
      node: blamed.resource,
      column: blamed.columns.join(", "),
      confidence,
      reason,
    });
  }
}

const round = (value: number) => Math.round(value * 10) / 10;

/** How both sides' values meet, over the whole relations. */
function sidesSql(
  rules: Rules,
  from: string,
  columns: readonly string[],
  target: string,
  fields: readonly string[],
): string {
  const { quote, toText } = rules.workspace.dialect;
  const every = columns.map((_, index) => index + 1);
  const texts = (alias: string, names: readonly string[]) =>
    names.map((name, index) => `${toText(`${alias}.${quote(name)}`)} as v${index + 1}`).join(", ");
  const present = (alias: string, names: readonly string[]) =>
    names.map((name) => `${alias}.${quote(name)} is not null`).join(" and ");
  const folded = (sql: string) => `ltrim(upper(trim(${sql})), '0')`;
  const values = every.map((key) => `v${key}`).join(", ");
  return statement(
    [
      `held as (select ${values}, count(*) as held_rows from (select ${texts("c", columns)} from ${from} as c where ${present("c", columns)}) as h group by ${values})`,
      `known as (select distinct ${texts("t", fields)} from ${target} as t where ${present("t", fields)})`,
      `folded as (select distinct ${every.map((key) => `${folded(`v${key}`)} as v${key}`).join(", ")} from known)`,
    ],
    `select coalesce(sum(h.held_rows), 0) as child_rows, coalesce(sum(case when k.v1 is not null then h.held_rows else 0 end), 0) as matched_rows, coalesce(sum(case when k.v1 is null then 1 else 0 end), 0) as orphan_values,
  coalesce(sum(case when k.v1 is null and f.v1 is not null then 1 else 0 end), 0) as alike_values, coalesce(sum(case when k.v1 is not null then 1 else 0 end), 0) as matched_values
from held as h left join known as k on ${every.map((key) => `k.v${key} = h.v${key}`).join(" and ")} left join folded as f on ${every.map((key) => `f.v${key} = ${folded(`h.v${key}`)}`).join(" and ")}`,
  );
}
