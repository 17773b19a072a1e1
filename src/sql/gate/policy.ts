/** What SQL that is not ours may use. Knows no config and no warehouse. */
import type { Dialect } from "../../model/warehouse.js";

/** As the warehouse stores them. */
export interface SchemaName {
  /** Null: of whatever database. */
  readonly database: string | null;
  readonly schema: string;
}

export interface GatePolicy {
  readonly dialect: Dialect["name"];
  /** Schemas whose relations may be read. */
  readonly schemas: readonly SchemaName[];
  /** Where the warehouse looks for a relation whose schema is not written; empty: that is not known. */
  readonly searchPath: readonly SchemaName[];
  /** Functions of the user's own that only read, as they are called: `to_cents`, `analytics.to_cents`. */
  readonly functions: readonly string[];
  /** SQL that the project itself runs: what it calls may be called. Asked for where a function is not known otherwise. */
  readonly projectSql: () => Iterable<string>;
}

export type DialectName = Dialect["name"];

/** How a warehouse stores a name that is not quoted. DuckDB's names are equal without regard to case, quoted or not. */
export function fold(name: string, dialect: DialectName): string {
  return dialect === "snowflake" ? name.toUpperCase() : name.toLowerCase();
}

/** How it stores a quoted one. */
export function foldQuoted(name: string, dialect: DialectName): string {
  return dialect === "duckdb" ? name.toLowerCase() : name;
}
