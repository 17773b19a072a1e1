import { counted } from "../model/amount.js";
import type { Cell } from "../model/warehouse.js";
import { type Missing, open, type Question, type Side } from "./missing.js";
import { find } from "./shape.js";
import { noted, only, type Rules, type Trail, titleOf } from "./trail.js";
import type { Hop } from "./verdict.js";
import { byGroup, statement } from "./witnesses.js";
import { isRaw, type ResourceShape } from "./workspace.js";

/** A project has fewer layers; a manifest that goes in circles has no end. */
const mostLevels = 12;

interface Climb {
  readonly trail: Trail;
  /** The last resource that holds the column; null where it could not be followed so far. */
  readonly top: Side;
  readonly problem: string | null;
}

/** Is the missing value there further upstream? Then the model in between lost it. */
export async function climbParent(
  rules: Rules,
  trail: Trail,
  question: Question,
  side: Side,
  level: number,
): Promise<Climb> {
  const { verdicts, workspace } = rules;
  const { inputs, problem } = await inputsAt(rules, side, level);
  if (inputs.length === 0) return { trail, top: side, problem };
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
      const title = `Of ${counted(seen, "row")} whose key is missing in ${question.parent.resource.name}, ${counted(Math.max(found, raw), "has", "have")} it in ${titleOf(input.resource)}.${label}`;
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
        ? `${lost} leaves out rows that ${titleOf(input.resource)} has, referred to by ${found} of ${counted(seen, "failing row")}`
        : `${lost} changes ${side.columns.join(", ")}, so that ${raw} of ${counted(seen, "failing row")} can no longer be matched to a row of ${titleOf(input.resource)}`;
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
      only(so, open(rules, so)),
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

/** What makes the side's columns. None at the top, or with a problem where that cannot be seen. */
async function inputsAt(
  rules: Rules,
  { resource, columns }: Side,
  level: number,
): Promise<{ readonly inputs: readonly Input[]; readonly problem: string | null }> {
  if (isRaw(resource) || level > mostLevels) return { inputs: [], problem: null };
  const read = await rules.workspace.shape(resource);
  if (!read.ok) return { inputs: [], problem: read.failure.message };
  const inputs = inputsOf(rules, read.value, columns);
  const hidden = `the SQL of ${resource.name} does not show where ${columns.join(", ")} comes from`;
  return { inputs, problem: inputs.length === 0 ? hidden : null };
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
export async function climbChild(
  rules: Rules,
  trail: Trail,
  question: Question,
  side: Side,
  missing: Missing,
  level: number,
): Promise<Climb> {
  const { verdicts, workspace } = rules;
  const {
    inputs: [input],
    problem,
  } = await inputsAt(rules, side, level);
  if (input === undefined) return { trail, top: side, problem };
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
    const title = `Of ${counted(seen, "failing row")}, ${counted(found, "has", "have")} a value in ${titleOf(input.resource)}.${column} that ${question.parent.resource.name} does hold`;
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
    const reason = `${titleOf(side.resource)} changes ${side.columns.join(", ")}: before it does, ${found} of ${counted(seen, "failing row")} would match`;
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
