import { counted } from "../model/amount.js";
import type { Question, Side } from "./missing.js";
import { noted, type Rules, type Trail, titleOf } from "./trail.js";
import { byGroup, statement } from "./witnesses.js";

/** The value never existed: which side is at fault, as far as numbers can tell? */
export async function orphan(
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
    const reason = `hardly any value of ${child.resource.name}.${child.columns.join(", ")} (${matched} of ${counted(rows, "row")}) is found in ${parent.resource.name}.${parent.columns.join(", ")}${spelling}`;
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
  // Keys that differ in nothing but spelling are the same thing, written otherwise by one side or a model.
  const meant = parent.columns.map((column) =>
    foldedKey(workspace.dialect.toText(`t.${workspace.dialect.quote(column)}`)),
  );
  const alias = parent.columns.map((_, index) => `v${index + 1}`);
  const on = alias
    .map((key, index) => `f.${key} = ${foldedKey(workspace.dialect.toText(`m.j${index + 1}`))}`)
    .join(" and ");
  const own = statement(
    [
      ...ctes,
      `spelled as (select distinct ${meant.map((sql, index) => `${sql} as v${index + 1}`).join(", ")} from ${target} as t)`,
    ],
    `select m.group_key, sum(m.weight) as seen, count(*) as distinct_keys, sum(case when f.v1 is null then 0 else 1 end) as alike_keys from ${name} as m left join spelled as f on ${on} group by m.group_key`,
  );
  const asked = await workspace.query(own);
  if (!asked.ok) return verdicts.undecided(trail, groups, `counting the keys failed: ${asked.failure.message}`, label);
  const keys = child.columns.join(", ");
  for (const [group, [seen = 0, missing = 0, same = 0]] of byGroup(asked.value.rows)) {
    const values = counted(missing, "value", "different values");
    const title = `The ${counted(seen, "failing row holds", "failing rows hold")} ${values} of ${keys} that ${parent.resource.name} does not have`;
    const shows = { column: "distinct_keys", value: missing };
    const { resource } = child;
    const hop = { resource: resource.id, column: keys, seen, found: seen, failing: seen, sql: own, shows, title };
    const isSpelling = same * 2 >= missing && missing > 0;
    const spelled = isSpelling ? "; the keys differ only in case, blanks or leading zeros" : "";
    const reason = lacks
      ? `${titleOf(up.resource)} has no row for ${values} of ${up.columns.join(", ")} that ${counted(seen, "failing row refers", "failing rows refer")} to; such a key is used by ${counted(round(perOrphan), "row")} on average, a known one by ${round(perMatch)}${spelled}`
      : `${titleOf(down.resource)} holds ${values} of ${down.columns.join(", ")} in ${counted(seen, "failing row")}, to be found nowhere in ${titleOf(up.resource)}${spelled}`;
    verdicts.settle(noted(trail, new Map([[group, hop]])), [group], {
      situation: "orphan",
      node: blamed.resource,
      column: blamed.columns.join(", "),
      confidence: isSpelling ? "low" : confidence,
      reason,
    });
  }
}

function foldedKey(sql: string): string {
  return `ltrim(upper(trim(${sql})), '0')`;
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
  const values = every.map((key) => `v${key}`).join(", ");
  return statement(
    [
      `held as (select ${values}, count(*) as held_rows from (select ${texts("c", columns)} from ${from} as c where ${present("c", columns)}) as h group by ${values})`,
      `known as (select distinct ${texts("t", fields)} from ${target} as t where ${present("t", fields)})`,
      `folded as (select distinct ${every.map((key) => `${foldedKey(`v${key}`)} as v${key}`).join(", ")} from known)`,
    ],
    `select coalesce(sum(h.held_rows), 0) as child_rows, coalesce(sum(case when k.v1 is not null then h.held_rows else 0 end), 0) as matched_rows, coalesce(sum(case when k.v1 is null then 1 else 0 end), 0) as orphan_values,
  coalesce(sum(case when k.v1 is null and f.v1 is not null then 1 else 0 end), 0) as alike_values, coalesce(sum(case when k.v1 is not null then 1 else 0 end), 0) as matched_values
from held as h left join known as k on ${every.map((key) => `k.v${key} = h.v${key}`).join(" and ")} left join folded as f on ${every.map((key) => `f.v${key} = ${foldedKey(`h.v${key}`)}`).join(" and ")}`,
  );
}
