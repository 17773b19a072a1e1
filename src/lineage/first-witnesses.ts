/**
 * The rows that fail a test now, by the test's rule. Knows the kinds of rules, and nothing of what is upstream.
 */
import type { Subject } from "./subject.js";
import { textOrNull, type Witnesses } from "./witnesses.js";
import type { Workspace } from "./workspace.js";

/**
 * @param from what stands behind FROM for the tested relation; its compiled SQL, or another way to make its rows, may stand in.
 * Null where the relation that the test refers to cannot be read.
 */
export async function firstWitnesses(
  workspace: Workspace,
  { tested, check, where }: Pick<Subject, "tested" | "check" | "where">,
  from: string,
  group: string | null,
): Promise<Witnesses | null> {
  const { dialect } = workspace;
  const relation = where === null ? from : `(select * from ${from} where ${where})`;
  const column = async (name: string) => dialect.quote((await workspace.column(tested, name))?.name ?? name);
  const groupSql = textOrNull(dialect, group === null ? null : `r.${dialect.quote(group)}`);
  const common = { ctes: [], group: groupSql, depth: 0 };
  if (check.kind === "row") {
    const names = new Map<string, string>();
    for (const name of check.columns) names.set(name, await column(name));
    return {
      ...common,
      from: `${relation} as r`,
      where: check.fails((name) => `r.${names.get(name) ?? dialect.quote(name)}`),
    };
  }
  if (check.kind === "key") {
    const keys = await Promise.all(check.columns.map(column));
    const chosen = keys.map((key, index) => `d.${key} as j${index + 1}`).join(", ");
    const notNull = check.skipsNulls ? ` where ${keys.map((key) => `d.${key} is not null`).join(" and ")}` : "";
    const on = keys.map((key, index) => dialect.nullSafeEquals(`r.${key}`, `k.j${index + 1}`)).join(" and ");
    const repeated = `(select ${chosen} from ${relation} as d${notNull} group by ${keys.map((key) => `d.${key}`).join(", ")} having count(*) > 1)`;
    return { ...common, from: `${relation} as r join ${repeated} as k on ${on}`, where: null };
  }
  if (check.kind !== "reference") return null;
  const target = workspace.project.resources.get(check.to);
  const other = target === undefined ? null : workspace.from(target);
  if (target === undefined || other === null) return null;
  const field = dialect.quote((await workspace.column(target, check.field))?.name ?? check.field);
  const name = await column(check.column);
  return {
    ...common,
    from: `${relation} as r left join (select distinct x.${field} as j1 from ${other} as x) as k on k.j1 = r.${name}`,
    where: `k.j1 is null and r.${name} is not null`,
  };
}
