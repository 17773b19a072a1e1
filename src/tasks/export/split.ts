/**
 * How the failing rows of a test are split into groups, as SQL: directly where they have the group column, else by
 * joining back to the tested relation by value. Pure text; knows no warehouse but its dialect.
 *
 * dbt stores only `unique_field, n_records` for unique, `value_field, n_records` for accepted_values and `from_field`
 * for relationships; other generic tests often store the key columns alone.
 */
import type { FailingRows } from "../../model/case.js";
import type { Relation, TestDefinition } from "../../model/project.js";
import { relationText } from "../../model/relation.js";
import type { FailureCode } from "../../model/result.js";
import type { Column, Dialect } from "../../model/warehouse.js";

/** Where the failing rows of one test come from. */
export interface RowsSource {
  readonly kind: "stored" | "compiled";
  /** A SELECT. */
  readonly sql: string;
  readonly columns: readonly Column[];
  readonly relation: Relation | null;
}

/** The relation that a test is attached to, where it has one with columns. */
export interface Attached {
  readonly relation: Relation;
  readonly columns: readonly Column[];
}

export interface SplitSettings {
  readonly dialect: Dialect;
  readonly groupColumns: readonly string[];
  readonly groupMap: Readonly<Record<string, string>>;
  readonly isIgnored: (column: string) => boolean;
  /** A test with more groups than this is not measured. */
  readonly maxGroups: number;
}

export interface SplitPlan {
  readonly failingRows: FailingRows;
  /** Joined tests only: stored rows that no row of the tested relation has (it was built anew since). */
  readonly unmatched: FailingRows | null;
  /** Why there is but one group; null where the test is split. */
  readonly unsplit: string | null;
  /** What the warehouse refused with, where that is why. */
  readonly refusal: FailureCode | null;
  /**
   * A SELECT of four text columns: kind, group, count, digest.
   * Kinds: `rows` (count and digest of failingRows by group), `failures` (dbt's count by group; absent: the same as
   * rows), `unmatched` (count and digest of these; no group).
   */
  readonly measure: string;
}

export function planSplit(
  source: RowsSource,
  test: TestDefinition | null,
  attached: Attached | null,
  settings: SplitSettings,
): SplitPlan {
  const own = findColumn(settings.groupColumns, source.columns);
  if (own !== null) return direct(source, own, settings);
  const joined = join(source, test, attached, settings);
  return typeof joined === "string" ? whole(source, joined, settings) : joined;
}

/** Everything in one group, with the reason. */
export function whole(
  source: RowsSource,
  reason: string,
  settings: SplitSettings,
  refusal: FailureCode | null = null,
): SplitPlan {
  const failingRows: FailingRows = {
    sql: source.sql,
    groupColumn: null,
    source: source.kind,
    relation: source.relation,
  };
  return {
    failingRows,
    unmatched: null,
    unsplit: reason,
    refusal,
    measure: measureAll("rows", failingRows.sql, source.columns, settings),
  };
}

function direct(source: RowsSource, column: string, settings: SplitSettings): SplitPlan {
  const mapped = mappedColumn(`r.${settings.dialect.quote(column)}`, source.columns, settings);
  const failingRows: FailingRows = {
    sql: mapped === null ? source.sql : `select r.*, ${mapped.sql} from (\n${source.sql}\n) as r`,
    groupColumn: mapped?.name ?? column,
    source: source.kind,
    relation: source.relation,
  };
  return {
    failingRows,
    unmatched: null,
    unsplit: null,
    refusal: null,
    measure: measureGroups(failingRows.sql, failingRows.groupColumn ?? column, source.columns, settings),
  };
}

/** The plan, or the reason why it cannot be. */
function join(
  source: RowsSource,
  test: TestDefinition | null,
  attached: Attached | null,
  settings: SplitSettings,
): SplitPlan | string {
  const { dialect, groupColumns } = settings;
  const lacking = `its failing rows have no column ${groupColumns.map((name) => `'${name}'`).join(" or ")}`;
  if (test === null || test.kind === "singular") return lacking;
  if (attached === null) return `${lacking}, and the relation that it tests is not in the warehouse`;
  const groupColumn = findColumn(groupColumns, attached.columns);
  if (groupColumn === null) return `${lacking}, and neither has ${relationText(attached.relation)}`;
  const keys = keysOf(source, test, attached, dialect);
  if (keys === null) {
    return `${lacking}, and they cannot be traced to rows of ${relationText(attached.relation)}: not all of ${source.columns.map((column) => `'${column.name}'`).join(", ")} are columns of it`;
  }

  const name = (index: number) => `audit_key_${index}`;
  const where = test.where === null ? "" : `\nwhere (${test.where}\n)`;
  // The columns of the tested relation, and the expressions that the test's stored columns were made from.
  const tested = `select t.*, ${keys.map((key, index) => `${key.expression} as ${name(index)}`).join(", ")}
from ${dialect.relation(attached.relation)} as t${where}`;
  const match = keys.map((key, index) => dialect.nullSafeEquals(`m.${name(index)}`, `s.${dialect.quote(key.stored)}`));
  const mapped = mappedColumn(`m.${dialect.quote(groupColumn)}`, attached.columns, settings);
  const columns = attached.columns.map((column) => `m.${dialect.quote(column.name)}`);
  const distinct = keys.map((key) => `f.${dialect.quote(key.stored)}`).join(", ");
  // Joins, though EXISTS would say it better: Snowflake's planner refuses some of those whose condition is no plain equality.
  const failingRows: FailingRows = {
    sql: `select ${[...columns, ...(mapped === null ? [] : [mapped.sql])].join(", ")}
from (
${tested}
) as m
join (
select distinct ${distinct} from (
${source.sql}
) as f
) as s on ${match.join(" and ")}`,
    groupColumn: mapped?.name ?? groupColumn,
    source: "joined",
    relation: source.relation,
  };
  const unmatched: FailingRows = {
    sql: `select s.* from (
${source.sql}
) as s
left join (
select distinct ${keys.map((_, index) => `k.${name(index)}`).join(", ")}, 1 as audit_found from (
${tested}
) as k
) as m on ${match.join(" and ")}
where m.audit_found is null`,
    groupColumn: null,
    source: source.kind,
    relation: source.relation,
  };
  const groupText = mapped?.expression ?? dialect.toText(`m.${dialect.quote(groupColumn)}`);
  const stored = keys.map((key) => `s.${dialect.quote(key.stored)}`);
  // A stored row may stand for many rows of a group (unique) or for one of them (relationships, which stores a value
  // once for each row): per value, the lesser of both counts is dbt's unit.
  const failures = `select 'failures' as kind, audit_group_text as grp, ${dialect.toText("sum(case when matches < copies then matches else copies end)")} as n, ${dialect.toText("null")} as digest
from (
select ${groupText} as audit_group_text, s.copies, count(*) as matches
from (select ${stored.join(", ")}, count(*) as copies from (
${source.sql}
) as s group by ${stored.join(", ")}) as s
join (
${tested}
) as m on ${match.join(" and ")}
group by ${groupText}, s.copies, ${stored.join(", ")}
) as f
group by audit_group_text
limit ${settings.maxGroups + 1}`;
  return {
    failingRows,
    unmatched,
    unsplit: null,
    refusal: null,
    measure: [
      measureGroups(failingRows.sql, failingRows.groupColumn ?? groupColumn, attached.columns, settings),
      failures,
      measureAll("unmatched", unmatched.sql, source.columns, settings),
    ]
      .map((part) => `select * from (\n${part}\n) as p`)
      .join("\nunion all\n"),
  };
}

interface Key {
  /** Column of the failing rows. */
  readonly stored: string;
  /** What it was made from, over the tested relation. */
  readonly expression: string;
}

/** The stored columns of dbt's built-in tests that hold a value of the tested column. */
const builtIn: Readonly<Record<string, string>> = {
  unique: "unique_field",
  accepted_values: "value_field",
  relationships: "from_field",
};

function keysOf(
  source: RowsSource,
  test: TestDefinition,
  attached: Attached,
  dialect: Dialect,
): readonly [Key, ...Key[]] | null {
  const columns = source.columns.map((column) => column.name).filter((name) => name.toLowerCase() !== "n_records");
  const field = builtIn[test.kind];
  if (field !== undefined && test.column !== null && columns.length === 1 && columns[0]?.toLowerCase() === field) {
    // dbt puts column_name into its SQL as it is, quotes or expression and all; so do we.
    return [{ stored: columns[0], expression: `(${test.column}\n)` }];
  }
  const keys: Key[] = [];
  for (const column of columns) {
    const tested = findColumn([column], attached.columns);
    if (tested === null) return null;
    keys.push({ stored: column, expression: `t.${dialect.quote(tested)}` });
  }
  const [first, ...others] = keys;
  return first === undefined ? null : [first, ...others];
}

/** The first of the wanted names that is there, as it is spelt there. */
function findColumn(wanted: readonly string[], columns: readonly Column[]): string | null {
  for (const name of wanted) {
    const found =
      columns.find((column) => column.name === name) ??
      columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return found.name;
  }
  return null;
}

interface MappedColumn {
  readonly name: string;
  readonly expression: string;
  /** With its name, for a select list. */
  readonly sql: string;
}

/** groupBy.map as a column of its own: the raw one stays, since rows are traced upstream by their values. */
function mappedColumn(raw: string, columns: readonly Column[], settings: SplitSettings): MappedColumn | null {
  const { dialect, groupMap } = settings;
  const pairs = Object.entries(groupMap);
  if (pairs.length === 0) return null;
  let name = "audit_group";
  while (findColumn([name], columns) !== null) name += "_";
  const text = dialect.toText(raw);
  const branches = pairs.map(([from, to]) => `when ${dialect.literal(from)} then ${dialect.literal(to)}`);
  const expression = `case ${text} ${branches.join(" ")} else ${text} end`;
  return { name, expression, sql: `${expression} as ${dialect.quote(name)}` };
}

function measureGroups(sql: string, group: string, columns: readonly Column[], settings: SplitSettings): string {
  const text = settings.dialect.toText(`r.${settings.dialect.quote(group)}`);
  return `select 'rows' as kind, ${text} as grp, ${settings.dialect.toText("count(*)")} as n, ${digest(columns, settings)} as digest
from (
${sql}
) as r
group by ${text}
limit ${settings.maxGroups + 1}`;
}

function measureAll(kind: string, sql: string, columns: readonly Column[], settings: SplitSettings): string {
  const { dialect } = settings;
  return `select '${kind}' as kind, ${dialect.toText("null")} as grp, ${dialect.toText("count(*)")} as n, ${digest(columns, settings)} as digest
from (
${sql}
) as r`;
}

/** By column name, so that a model that reorders its columns changes nothing. */
function digest(columns: readonly Column[], { dialect, isIgnored }: SplitSettings): string {
  const names = columns.map((column) => column.name).filter((name) => !isIgnored(name));
  const key = (name: string) => `${name.toLowerCase()}\0${name}`;
  names.sort((left, right) => (key(left) < key(right) ? -1 : 1));
  return dialect.rowsDigest(names.map((name) => `r.${dialect.quote(name)}`));
}
