/**
 * Does a join that finds nothing compare with the wrong column of its parent?
 */
import { counted } from "../model/amount.js";
import type { Resource } from "../model/project.js";
import type { Question } from "./missing.js";
import { noted, type Rules, type Settlement, type Trail, titleOf } from "./trail.js";
import type { Verdict } from "./verdict.js";
import { byGroup, statement } from "./witnesses.js";

/** The keys match as they are, and not as the join's condition makes them. */
export async function changedByJoin(rules: Rules, trail: Trail, question: Question, joiner: Resource): Promise<void> {
  const { parent } = question;
  await matchBy(rules, trail, question, joiner, parent.columns, (seen, found) => ({
    situation: "key-changed",
    reason: `${titleOf(joiner)} changes the key before it joins ${titleOf(parent.resource)} by ${parent.columns.join(", ")}: ${found} of ${counted(seen, "failing row")} would match without that`,
  }));
}

/** The values are in the parent, in its key or in a column of the same name: the join compares with the wrong one. */
export async function wrongKey(rules: Rules, trail: Trail, question: Question, joiner: Resource): Promise<void> {
  const { parent } = question;
  for (const columns of await otherKeys(rules, question)) {
    await matchBy(rules, trail, question, joiner, columns, (seen, found) => ({
      situation: "wrong-join-key",
      replace: replaced(parent.columns, columns),
      reason: `${titleOf(joiner)} joins ${titleOf(parent.resource)} by ${parent.columns.join(", ")}, but ${found} of ${counted(seen, "failing row")} would find a row by ${columns.join(", ")}`,
    }));
  }
}

/** Blames the joiner for the groups of which at least half of the missing values are in these columns of the parent. */
async function matchBy(
  rules: Rules,
  trail: Trail,
  question: Question,
  joiner: Resource,
  columns: readonly string[],
  say: (seen: number, found: number) => Pick<Settlement, "situation" | "reason" | "replace">,
): Promise<void> {
  const { verdicts, workspace } = rules;
  const { missing, parent } = question;
  const from = workspace.from(parent.resource);
  if (from === null) return;
  const { quote, toText } = workspace.dialect;
  const values = columns.map((column, index) => `${toText(`t.${quote(column)}`)} as l${index + 1}`).join(", ");
  const on = columns.map((_, index) => `${toText(`m.j${index + 1}`)} = p.l${index + 1}`).join(" and ");
  const sql = statement(
    missing.ctes,
    `select m.group_key, sum(m.weight) as seen, sum(case when p.l1 is not null then m.weight else 0 end) as found\nfrom ${missing.name} as m left join (select distinct ${values} from ${from} as t) as p on ${on}\ngroup by m.group_key`,
  );
  const answered = await workspace.query(sql);
  if (!answered.ok) return;
  const label = columns.join(", ");
  for (const [group, [seen = 0, found = 0]] of byGroup(answered.value.rows)) {
    if (seen === 0 || found * 2 < seen || !trail.groups.has(group)) continue;
    const title = `Of ${counted(seen, "row")} that the join finds nothing for, ${found} would find a row in ${titleOf(parent.resource)} by ${label}`;
    const shows = { column: "found", value: found };
    const hop = { resource: parent.resource.id, column: label, seen, found, failing: seen - found, sql, shows, title };
    const confidence = found >= seen * 0.9 ? "high" : "medium";
    verdicts.settle(noted(trail, new Map([[group, hop]])), [group], {
      node: joiner,
      column: question.label,
      confidence,
      ...say(seen, found),
    });
  }
}

/** The one column that differs. */
function replaced(joined: readonly string[], columns: readonly string[]): Verdict["replace"] {
  const at = joined.findIndex((column, index) => column !== columns[index]);
  const [column, by] = [joined[at], columns[at]];
  return column === undefined || by === undefined ? null : { column, by };
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
