/**
 * Which relations a statement names, by the parser's tree and the scopes of its WITHs, and whether they may be read.
 * A name that could be a table and a query of a WITH counts as a table wherever the warehouses differ.
 */
import { identifier, isNode, list, type Node } from "../tree.js";
import type { Masked } from "./masked.js";
import { type Objection, objection, shown } from "./objection.js";
import { type DialectName, fold, foldQuoted, type GatePolicy, type SchemaName } from "./policy.js";

/** Parts as the warehouse stores them; null where they are not written. */
export interface NamedRelation {
  readonly database: string | null;
  readonly schema: string | null;
  readonly name: string;
}

export interface NamedRelations {
  /** Types that name their schema: a table's rows, a domain whose check calls functions. */
  readonly types: readonly NamedRelation[];
  /** Outside of every WITH that defines them. */
  readonly tables: readonly NamedRelation[];
  /** Of tables and of queries of a WITH. */
  readonly all: ReadonlySet<string>;
}

type Scope = ReadonlySet<string>;

export function relationsOf(tree: unknown, { nameOf }: Pick<Masked, "nameOf">, dialect: DialectName): NamedRelations {
  const tables: NamedRelation[] = [];
  const types: NamedRelation[] = [];
  const all = new Set<string>();

  const stored = (value: unknown): string | null => {
    const name = identifier(value);
    if (name === null || name === "") return null;
    const isQuoted = isNode(value) && value.quoted === true;
    return nameOf(name) ?? (isQuoted ? foldQuoted(name, dialect) : fold(name, dialect));
  };

  const visitTable = (table: Node, scope: Scope): void => {
    const name = stored(table.name);
    const relation = { database: stored(table.catalog), schema: stored(table.schema), name: name ?? "" };
    all.add(relationPath(relation));
    const isQuery = relation.schema === null && relation.database === null && name !== null && scope.has(name);
    if (!isQuery) tables.push(relation);
  };

  const visitWith = (value: Node, outer: Scope): Scope => {
    const names = new Set(outer);
    for (const cte of list(value.ctes)) {
      const own = isNode(cte) && isNode(cte.cte) ? cte.cte : cte;
      const name = isNode(own) ? stored(own.alias) : null;
      visit(own, value.recursive === true && name !== null ? new Set([...names, name]) : new Set(names));
      if (name !== null) names.add(name);
    }
    return names;
  };

  const visit = (value: unknown, scope: Scope): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, scope);
      return;
    }
    if (!isNode(value)) return;
    if (value.data_type === "custom" && typeof value.name === "string" && value.name.includes(".")) {
      const [name = "", schema = null, database = null] = value.name
        .split(".")
        .reverse()
        .map((part) => stored(part) ?? part);
      if (schema !== "pg_catalog") types.push({ database, schema, name });
    }
    const inside = isNode(value.with) ? visitWith(value.with, scope) : scope;
    const { table } = value;
    // A column's `table` is a mere identifier; a relation is named by one.
    if (isNode(table) && (isNode(table.name) || Object.keys(value).length === 1)) visitTable(table, inside);
    for (const [key, item] of Object.entries(value)) if (key !== "with") visit(item, inside);
  };

  visit(tree, new Set());
  return { tables, types, all };
}

/** For sets: parts cannot run into one another. */
export function relationPath({ database, schema, name }: NamedRelation): string {
  return JSON.stringify([database, schema, name].filter((part) => part !== null));
}

function text({ database, schema, name }: NamedRelation): string {
  return shown([database, schema, name].filter((part) => part !== null).join("."));
}

/** @param isRead whether the project's own SQL reads it. */
export function objectionToRelation(
  relation: NamedRelation,
  policy: GatePolicy,
  isRead: (relation: NamedRelation) => boolean,
): Objection | null {
  const { dialect, schemas, searchPath } = policy;
  const { database, schema, name } = relation;
  if (name === "" || (database !== null && schema === null)) {
    return objection("relation", text(relation), "a relation has no plain name", "write DATABASE.SCHEMA.NAME");
  }
  if (dialect === "duckdb" && isFile(relation)) {
    return objection("file", text(relation), `it reads the file ${text(relation)}`, "read tables and views");
  }
  if (isCatalog(relation, dialect)) {
    return objection(
      "relation",
      text(relation),
      `${text(relation)} is part of the warehouse's catalog`,
      "describe_relation tells a relation's columns",
    );
  }
  const isListed = (one: SchemaName): boolean =>
    schemas.some((each) => each.schema === one.schema && (each.database ?? one.database) === one.database);
  if (schema === null) {
    if (searchPath.length > 0 && searchPath.every(isListed)) return null;
    const where = searchPath.map(schemaText).join(", ");
    const looked =
      where === "" ? "where the warehouse would look for it is not known" : `it would be looked for in ${where}`;
    return notListed(relation, `${text(relation)} has no schema, and ${looked}`, policy);
  }
  if (isListed({ schema, database: database ?? searchPath[0]?.database ?? null })) return null;
  // DuckDB: the first of two names may be the database.
  const [first] = searchPath;
  const isDatabase = dialect === "duckdb" && database === null && first !== undefined && first.database === schema;
  if (isDatabase && isListed({ database: schema, schema: "main" })) return null;
  if (isRead(relation)) return null;
  return notListed(relation, `${text(relation)} lies outside of the schemas that may be read`, policy);
}

function schemaText({ database, schema }: SchemaName): string {
  return database === null ? schema : `${database}.${schema}`;
}

function notListed(relation: NamedRelation, message: string, { schemas }: GatePolicy): Objection {
  const names = schemas.slice(0, 12).map(schemaText);
  const there = names.length === 0 ? "there are none" : `${names.join(", ")}${schemas.length > 12 ? ", …" : ""}`;
  const hint = `these may be read: ${there}; a person may add to sql.schemas in audit.config.yaml`;
  return objection("relation", text(relation), message, hint);
}

/** Other than by typed calls of ours nobody reads it: it tells of what this audit has no business with. */
function isCatalog({ database, schema, name }: NamedRelation, dialect: DialectName): boolean {
  const lower = schema?.toLowerCase() ?? null;
  if (lower === "information_schema" || (lower?.startsWith("pg_") && dialect !== "snowflake")) return true;
  if (dialect === "postgres") return schema === null && /^pg_/.test(name);
  if (dialect !== "duckdb") return false;
  // DuckDB finds its own views in every database's `main`, and the first of two names may be the database.
  return database === "system" || lower === "system" || /^(duckdb_|pragma_|sqlite_|pg_)/.test(name);
}

/** DuckDB reads a file where there is no relation of that name, dots between the parts included: `data.csv`. */
function isFile(relation: NamedRelation): boolean {
  const path = [relation.database, relation.schema, relation.name].filter((part) => part !== null).join(".");
  return (
    /[/\\*?]|:\/\//.test(path) ||
    /\.(csv|tsv|txt|parquet|json|jsonl|ndjson|xlsx|arrows?|avro|orc|db|duckdb|sqlite3?|shp|gpkg|geojson|gz|zst|bz2)$/.test(
      path,
    )
  );
}
