/**
 * What the catalog says of relations: their columns, and whether this role may read them. Statements of our own only.
 * Knows no session.
 */
import type { Relation } from "../../model/project.js";
import { relationKey } from "../../model/relation.js";
import { failed, ok, type Result } from "../../model/result.js";
import type { Cell, Column, QueryOptions, QueryResult } from "../../model/warehouse.js";
import { snowflake as dialect } from "../../sql/snowflake.js";

/** Runs a statement of ours as it is. */
export type Run = (
  sql: string,
  options?: QueryOptions & { readonly describeOnly?: boolean },
) => Promise<Result<QueryResult>>;

type Columns = ReadonlyMap<string, readonly Column[]>;

/** One statement a database; one that is not there, or not for this role, has no relations. */
export async function describe(run: Run, relations: readonly Relation[]): Promise<Result<Columns>> {
  const byDatabase = grouped(relations);
  const found = new Map<string, readonly Column[]>();
  const answers = await Promise.all(
    [...byDatabase].map(async ([database, wanted]) => ({ wanted, answer: await columnsIn(run, database, wanted) })),
  );
  for (const { wanted, answer } of answers) {
    if (!answer.ok && answer.failure.code === "relation-missing") continue;
    if (!answer.ok) return answer;
    for (const relation of wanted) {
      const columns = lookUp(answer.value, relation);
      if (columns !== undefined) found.set(relationKey(relation), columns);
    }
  }
  return ok(found);
}

function grouped(relations: readonly Relation[]): Map<string | null, Relation[]> {
  const groups = new Map<string | null, Relation[]>();
  for (const relation of relations) {
    const group = groups.get(relation.database);
    if (group === undefined) groups.set(relation.database, [relation]);
    else group.push(relation);
  }
  return groups;
}

interface Found {
  readonly schema: string;
  readonly table: string;
  readonly isCurrentSchema: boolean;
  readonly columns: Column[];
}

async function columnsIn(
  run: Run,
  database: string | null,
  wanted: readonly Relation[],
): Promise<Result<readonly Found[]>> {
  // As it is stored, and as an unquoted name would be: the catalog is fast only where names are given as they are.
  const names = unique(wanted.flatMap(({ name }) => [name, name.toUpperCase()]));
  const schemas = unique(wanted.flatMap(({ schema }) => (schema === null ? [] : [schema, schema.toUpperCase()])));
  const places = [
    ...(schemas.length === 0 ? [] : [`table_schema in (${schemas.map(dialect.literal).join(", ")})`]),
    ...(wanted.some(({ schema }) => schema === null) ? ["table_schema = current_schema()"] : []),
  ];
  const from = `${database === null ? "" : `${dialect.quote(database)}.`}information_schema.columns`;
  const result = await run(
    `select table_schema, table_name, column_name, data_type, numeric_precision, numeric_scale, table_schema = current_schema()
from ${from}
where table_name in (${names.map(dialect.literal).join(", ")}) and (${places.join(" or ")})
order by table_schema, table_name, ordinal_position`,
    { maxRows: 2_000_000, maxBytes: 512 * 1024 * 1024, timeout: 300_000 },
  );
  if (!result.ok) return result;
  if (result.value.truncated) return failed("query-failed", "the catalog holds too many columns to read at once");
  const tables = new Map<string, Found>();
  for (const [schema, table, name, type, precision, scale, isCurrent] of result.value.rows) {
    const key = JSON.stringify([schema, table]);
    const entry = tables.get(key) ?? {
      ...{ schema: schema ?? "", table: table ?? "", isCurrentSchema: isCurrent === "true", columns: [] },
    };
    tables.set(key, entry);
    entry.columns.push({ name: name ?? "", type: typeText(type, precision, scale) });
  }
  return ok([...tables.values()]);
}

function typeText(type: Cell | undefined, precision: Cell | undefined, scale: Cell | undefined): string {
  const name = (type ?? "").toUpperCase();
  if (name === "TEXT") return "VARCHAR";
  return name === "NUMBER" && precision !== null ? `NUMBER(${precision},${scale ?? "0"})` : name;
}

/** As it is stored before what is equal but for case, and of that only what is the only one. */
function lookUp(tables: readonly Found[], relation: Relation): readonly Column[] | undefined {
  const inSchema = tables.filter(({ schema, isCurrentSchema }) =>
    relation.schema === null ? isCurrentSchema : schema.toLowerCase() === relation.schema.toLowerCase(),
  );
  const exact = inSchema.find(
    ({ schema, table }) => table === relation.name && (relation.schema === null || schema === relation.schema),
  );
  if (exact !== undefined) return exact.columns;
  const alike = inSchema.filter(({ table }) => table.toLowerCase() === relation.name.toLowerCase());
  return alike.length === 1 ? alike[0]?.columns : undefined;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
