/**
 * A group of rows as a SQL predicate. Knows nothing of how rows came to be grouped.
 */
import type { Group } from "../model/case.js";
import type { Dialect } from "../model/warehouse.js";

/**
 * True for the rows of this group. `column` is the name in FailingRows.groupColumn; null where the test is not split,
 * and then every row belongs to the group.
 */
export function groupPredicate(dialect: Dialect, column: string | null, group: Group): string {
  if (column === null || group.kind === "all") return "1 = 1";
  const name = dialect.quote(column);
  if (group.kind === "null") return `${name} is null`;
  return `${dialect.toText(name)} = ${dialect.literal(group.value ?? "")}`;
}
