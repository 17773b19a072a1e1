/**
 * What Postgres' catalog says of relations: their columns, and what this role may do with them. Knows no connection.
 */
import type { Relation } from "../../model/project.js";
import { relationKey, relationText } from "../../model/relation.js";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import type { Cell, Column, Query, WarehouseNote } from "../../model/warehouse.js";
import { postgres as dialect } from "../../sql/postgres.js";

const caps = { maxRows: 2_000_000, maxBytes: 512 * 1024 * 1024 };

/**
 * The relation that each wanted name means, as `found(at, oid)`: with these very letters, else without regard to case;
 * a name without a schema as the search path has it.
 */
function found(relations: readonly Relation[]): string {
  const text = (value: string | null) => (value === null ? "null" : dialect.literal(value));
  const rows = relations.map(
    ({ database, schema, name }, at) => `(${at}, ${text(database)}, ${text(schema)}, ${text(name)})`,
  );
  return `with wanted(at, database, schema, name) as (values (null::int, null::text, null::text, null::text), ${rows.join(", ")}),
found as (select distinct on (w.at) w.at, c.oid, c.relowner, n.oid as schema_oid, n.nspname as schema, c.relname as name
from wanted as w
join pg_catalog.pg_class as c on lower(c.relname) = lower(w.name) and c.relkind in ('r', 'v', 'm', 'f', 'p')
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where coalesce(lower(w.database) = lower(current_database()), true)
and (lower(n.nspname) = lower(w.schema) or (w.schema is null and n.nspname = any (current_schemas(true))))
order by w.at, c.relname = w.name desc, n.nspname = w.schema desc nulls last, array_position(current_schemas(true), n.nspname))`;
}

export async function describe(
  query: Query,
  relations: readonly Relation[],
): Promise<Result<ReadonlyMap<string, readonly Column[]>>> {
  const columns = new Map<string, Column[]>();
  if (relations.length === 0) return ok(columns);
  const result = await query(
    `${found(relations)}
select f.at, a.attname, upper(format_type(a.atttypid, a.atttypmod))
from found as f join pg_catalog.pg_attribute as a on a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped
order by f.at, a.attnum`,
    caps,
  );
  if (!result.ok) return result;
  if (result.value.truncated) return failed("query-failed", "the catalog holds too many columns to read at once");
  for (const [at, name, type] of result.value.rows) {
    const relation = relations[Number(at)];
    if (relation === undefined) continue;
    const key = relationKey(relation);
    const column = { name: name ?? "", type: type ?? "" };
    columns.set(key, [...(columns.get(key) ?? []), column]);
  }
  return ok(columns);
}

/** What this role may do with each relation; in the order of `relations`. */
export async function preflight(
  query: Query,
  relations: readonly Relation[],
): Promise<Result<readonly WarehouseNote[]>> {
  const result = await query(
    `${found(relations)}
select w.at, f.schema, f.name, current_user, has_schema_privilege(f.schema_oid, 'usage'), has_table_privilege(f.oid, 'select'),
  has_table_privilege(f.oid, 'insert') or has_table_privilege(f.oid, 'update') or has_table_privilege(f.oid, 'delete') or has_table_privilege(f.oid, 'truncate'),
  (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user)
from wanted as w left join found as f on f.at = w.at order by w.at nulls first`,
    caps,
  );
  if (!result.ok) return result;
  const rows = result.value.rows;
  const [first] = rows;
  const role = first?.[3] ?? "";
  const looked = rows.flatMap((row) => {
    const relation = row[0] === null ? undefined : relations[Number(row[0])];
    return relation === undefined ? [] : [{ relation, row }];
  });
  const problems = looked.flatMap(({ relation, row }) => unreadable(relation, row, role));
  const writable = looked.filter(({ row }) => row[6] === "true").map(({ relation }) => relationText(relation));
  const readable = looked.length - problems.length;
  return ok([
    ...problems,
    ...(problems.length === 0
      ? [
          {
            level: "ok" as const,
            message: `role ${role} can read ${looked.length === 1 ? "the relation" : `all ${looked.length} relations`}`,
            hint: null,
          },
        ]
      : [
          {
            level: "ok" as const,
            message: `role ${role} can read ${readable} of ${looked.length} relations`,
            hint: null,
          },
        ]),
    ...writing(role, first?.[7] === "true", writable),
  ]);
}

function unreadable(relation: Relation, row: readonly Cell[], role: string): readonly WarehouseNote[] {
  const [, schema, name, , maySee, mayRead] = row;
  const shown = relationText(relation);
  if (schema === null || schema === undefined || name === null || name === undefined) {
    const hint = "let dbt build it, or check the database and the schema of dbt's target";
    return [{ level: "problem", message: `there is no relation ${shown} in this database`, hint }];
  }
  const grants = [
    ...(maySee === "true" ? [] : [`GRANT USAGE ON SCHEMA ${dialect.quote(schema)} TO ${dialect.quote(role)};`]),
    ...(mayRead === "true" ? [] : [grantSelect(schema, name, role)]),
  ];
  if (grants.length === 0) return [];
  return [{ level: "problem", message: `role ${role} may not read ${shown}`, hint: grants.join(" ") }];
}

/** A refusal names the object alone: which one it is, and so which GRANT is needed, the catalog says. */
export async function withGrant(query: Query, failure: Failure, sql: string, role: string): Promise<Failure> {
  const [, kind = "", object = ""] = /denied for (.+?) "?([^"\n]+)"?(?:\n|$)/.exec(failure.message) ?? [];
  if (kind === "schema") {
    const grant = `GRANT USAGE ON SCHEMA ${dialect.quote(object)} TO ${dialect.quote(role)};`;
    return { ...failure, message: `role ${role} may not use the schema ${object}: ${failure.message}`, hint: grant };
  }
  const answer = await query(
    `select n.nspname, c.relname from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relname = ${dialect.literal(object)} and c.relkind in ('r', 'v', 'm', 'f', 'p') and not has_table_privilege(c.oid, 'select')`,
  );
  const all = answer.ok ? answer.value.rows.map(([schema, name]) => ({ schema: schema ?? "", name: name ?? "" })) : [];
  const named = all.filter(({ schema }) => sql.includes(schema));
  const meant = (named.length > 0 ? named : all).slice(0, 3);
  if (meant.length === 0) return failure;
  const names = meant.map(({ schema, name }) => `${schema}.${name}`).join(" or ");
  return {
    ...failure,
    message: `role ${role} may not read ${names}: ${failure.message}`,
    hint: meant.map(({ schema, name }) => grantSelect(schema, name, role)).join(" "),
  };
}

function grantSelect(schema: string, name: string, role: string): string {
  return `GRANT SELECT ON ${dialect.quote(schema)}.${dialect.quote(name)} TO ${dialect.quote(role)};`;
}

function writing(role: string, isSuper: boolean, writable: readonly string[]): readonly WarehouseNote[] {
  if (!isSuper && writable.length === 0) return [];
  const some = writable.slice(0, 3).join(", ");
  const what = isSuper
    ? "is a superuser"
    : `may write to ${writable.length > 3 ? `${some} and ${writable.length - 3} more` : some}`;
  return [
    {
      level: "warning",
      message: `role ${role} ${what}; every query runs in a read-only transaction, but a role that may only read is safer`,
      hint: "log in as another user, or set warehouse.role to a role with nothing but SELECT",
    },
  ];
}
