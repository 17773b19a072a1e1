/**
 * dbt tests as things that can be asked of any relation: a predicate over a row, a key that must be unique,
 * or a reference that must exist. What is none of these is undecided, with the reason. Knows no project but one test.
 */
import type { Resource } from "../model/project.js";
import type { Dialect } from "../model/warehouse.js";
import type { ColumnLineage } from "./column-lineage.js";
import type { OriginKind } from "./shape.js";
import { bareName } from "./workspace.js";

export interface RowCheck {
  readonly kind: "row";
  /** Columns of the tested relation. */
  readonly columns: readonly string[];
  /** SQL that is true for a failing row; `column` gives the SQL of a column. */
  readonly fails: (column: (name: string) => string) => string;
  /** The same for a parent's column that the value is made of by an expression, where the rule must be wider. */
  readonly failsUpstream: (sql: string, kind: OriginKind, type: string) => string;
  /** The failing value is a value, so that it may help to find the row again. */
  readonly hasValue: boolean;
  /** A right input ought to give a right output; not so for a range, which arithmetic may leave. */
  readonly invariant: boolean;
  /** `is null`, for prose. */
  readonly says: string;
}

/** A row check at some resource on the way. */
export interface RowPlace {
  readonly check: RowCheck;
  /** Name in the test → name here. */
  readonly columns: ReadonlyMap<string, string>;
  /** A value on the way was made by an expression, so the wider predicate applies. */
  readonly wide: boolean;
}

export interface KeyCheck {
  readonly kind: "key";
  readonly columns: readonly string[];
  /** dbt's `unique` passes over nulls, dbt_utils' combination does not. */
  readonly skipsNulls: boolean;
}

export interface ReferenceCheck {
  readonly kind: "reference";
  readonly column: string;
  readonly to: string;
  readonly field: string;
}

export type Check = RowCheck | KeyCheck | ReferenceCheck | { readonly kind: "none"; readonly reason: string };

export function isKnownCheck(check: Check): check is RowCheck | KeyCheck | ReferenceCheck {
  return check.kind !== "none";
}

const none = (reason: string): Check => ({ kind: "none", reason });

export function checkOf(test: Resource, dialect: Dialect, lineage: ColumnLineage): Check {
  const definition = test.test;
  if (definition === null) return none(`${test.name} is no data test`);
  const { kwargs, kind } = definition;
  if (kind === "singular") return none("a singular test is SQL of its own");
  const named = definition.column ?? (typeof kwargs.column_name === "string" ? kwargs.column_name : null);
  const column = named === null ? null : bareName(named);
  const builtIn = definition.namespace === null || definition.namespace === "dbt";
  // Projects copy these into macros of their own, which have no namespace.
  const utility = builtIn || definition.namespace === "dbt_utils" || definition.namespace === "dbt_expectations";
  if (kind === "not_null" && builtIn && column !== null) return notNull(column, dialect);
  if (kind === "accepted_values" && builtIn && column !== null) return acceptedValues(column, kwargs, dialect);
  if (kind === "unique" && builtIn && column !== null) {
    if (!isPlain(named ?? "")) return none(`the key \`${named}\` is an expression, not a column`);
    return { kind: "key", columns: [column], skipsNulls: true };
  }
  if (kind === "unique_combination_of_columns") {
    const columns = kwargs.combination_of_columns;
    if (!Array.isArray(columns) || columns.length === 0) return none("the test names no combination of columns");
    return { kind: "key", columns: columns.map((item) => bareName(String(item))), skipsNulls: false };
  }
  if (kind === "relationships" && builtIn && column !== null) return reference(test, column);
  if (kind === "accepted_range" && utility && column !== null) return acceptedRange(column, kwargs, dialect);
  if (kind === "expression_is_true" && utility) return expressionIsTrue(column, kwargs, lineage);
  return none(`the lineage agent has no rule for tests of the kind ${kind}`);
}

function isPlain(text: string): boolean {
  return /^\s*("[\s\S]*"|`[\s\S]*`|[\p{L}_][\p{L}\p{N}_$ .-]*)\s*$/u.test(text);
}

function notNull(column: string, dialect: Dialect): RowCheck {
  const blank = (sql: string) => `(${sql} is null or trim(${dialect.toText(sql)}) = '')`;
  return {
    kind: "row",
    columns: [column],
    fails: (sql) => `${sql(column)} is null`,
    // A model that turns blanks to null shows what is missing; it does not lose it.
    failsUpstream: (sql, kind) => (kind === "direct" ? `${sql} is null` : blank(sql)),
    hasValue: false,
    invariant: true,
    says: "is null",
  };
}

function acceptedValues(column: string, kwargs: Readonly<Record<string, unknown>>, dialect: Dialect): Check {
  const given = kwargs.values;
  if (!Array.isArray(given) || given.length === 0) return none("the test names no accepted values");
  const values = given.map((value) => String(value));
  const plain = kwargs.quote === false;
  if (plain && !values.every((value) => /^(-?\d+(\.\d+)?|true|false)$/i.test(value))) {
    return none("the accepted values are unquoted SQL");
  }
  const accepted = values.map((value) => (plain ? value : dialect.literal(value))).join(", ");
  const folded = values.map((value) => dialect.literal(value.trim().toUpperCase())).join(", ");
  return {
    kind: "row",
    columns: [column],
    fails: (sql) => `${sql(column)} not in (${accepted})`,
    // Spelling is what staging models clean: upstream only another value counts as wrong.
    failsUpstream: (sql, kind) =>
      kind === "direct" ? `${sql} not in (${accepted})` : `upper(trim(${dialect.toText(sql)})) not in (${folded})`,
    hasValue: true,
    invariant: true,
    says: `is none of ${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}`,
  };
}

function acceptedRange(column: string, kwargs: Readonly<Record<string, unknown>>, dialect: Dialect): Check {
  const bounds: string[] = [];
  const equal = kwargs.inclusive === false || kwargs.inclusive === "false" ? "" : "=";
  for (const [name, operator] of [
    ["min_value", ">"],
    ["max_value", "<"],
  ] as const) {
    const bound = kwargs[name];
    if (bound === undefined || bound === null) continue;
    if (!/^-?\d+(\.\d+)?$/.test(String(bound))) return none(`the range's ${name} is no number`);
    bounds.push(`${operator}${equal} ${String(bound)}`);
  }
  if (bounds.length === 0) return none("the test names no range");
  const outside = (sql: string) => `not (${bounds.map((bound) => `${sql} ${bound}`).join(" and ")})`;
  return {
    kind: "row",
    columns: [column],
    fails: (sql) => outside(sql(column)),
    failsUpstream: (sql, _kind, type) => outside(/CHAR|TEXT|STRING/.test(type) ? dialect.numberOrNull(sql) : sql),
    hasValue: true,
    invariant: false,
    says: `is outside of ${bounds.join(" and ")}`,
  };
}

function expressionIsTrue(
  column: string | null,
  kwargs: Readonly<Record<string, unknown>>,
  lineage: ColumnLineage,
): Check {
  const given = kwargs.expression;
  if (typeof given !== "string" || given.trim() === "") return none("the test names no expression");
  const expression = column === null ? given : `"${column.replaceAll('"', '""')}" ${given}`;
  const mentioned = lineage.columnsOfExpression(expression);
  if (mentioned === null) return none("the test's expression cannot be taken apart");
  const columns = [...new Set(mentioned.map((item) => item.name))];
  if (columns.length === 0) return none("the test's expression names no column");
  return {
    kind: "row",
    columns,
    fails: (sql) => `not (${lineage.rewrite(expression, sql) ?? expression})`,
    failsUpstream: (sql) => `not (${lineage.rewrite(expression, () => sql) ?? expression})`,
    hasValue: true,
    invariant: false,
    says: `does not meet ${given.trim()}`,
  };
}

/** The condition that a failing row meets, as a singular test has it behind WHERE. */
export function conditionCheck(condition: string, dialect: Dialect, lineage: ColumnLineage): RowCheck {
  const columns = [...new Set((lineage.columnsOfExpression(condition) ?? []).map((item) => item.name))];
  const [only = ""] = columns;
  const bare = condition.replace(/[\w"]+\s*\.\s*/g, "").trim();
  if (columns.length === 1 && /^"?[\w$]+"?\s+is\s+null$/i.test(bare)) return notNull(only, dialect);
  return {
    kind: "row",
    columns,
    fails: (sql) => `(${lineage.rewrite(condition, sql) ?? condition})`,
    failsUpstream: (sql) => `(${lineage.rewrite(condition, () => sql) ?? condition})`,
    hasValue: true,
    invariant: false,
    says: `meets ${condition.trim().replace(/\s+/g, " ")}`,
  };
}

function reference(test: Resource, column: string): Check {
  const definition = test.test;
  const field = definition?.kwargs.field;
  if (typeof field !== "string") return none("the test names no field that it refers to");
  const others = test.dependsOn.filter((id) => id !== definition?.attachedTo);
  const to = others[0] ?? definition?.attachedTo;
  if (to === undefined || to === null || others.length > 1)
    return none("the relation that the test refers to is unclear");
  return { kind: "reference", column, to, field: bareName(field) };
}
