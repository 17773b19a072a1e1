/**
 * The contract of a warehouse: one read-only SELECT at a time, exact values, capped results.
 * Knows no vendor.
 */
import type { z } from "zod";
import type { Relation } from "./project.js";
import type { Result } from "./result.js";

/** A value in its exact text form (38-digit numbers and timestamps included); null is SQL NULL. */
export type Cell = string | null;

export interface Column {
  readonly name: string;
  /** The vendor's type name, upper case: `INTEGER`, `DECIMAL(18,2)`, `VARCHAR`. */
  readonly type: string;
}

export interface QueryResult {
  readonly columns: readonly Column[];
  /** Row-major; `rows[i].length === columns.length`; duplicate column names are kept. */
  readonly rows: readonly (readonly Cell[])[];
  /** True where a cap cut the rows off: there are more than `rows.length`. */
  readonly truncated: boolean;
  /** Which cap did so. */
  readonly truncatedBy?: "rows" | "bytes";
}

export interface QueryOptions {
  /** Default 1,000. */
  readonly maxRows?: number;
  /** Of all cells' text. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Milliseconds; default 60,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** The node that asks; a warehouse that keeps a tag with each statement gets `audit-run/<audit>/<label>`. */
  readonly label?: string;
}

/** A function that runs one SELECT; what lineage/ and sql/ are given instead of a warehouse. */
export type Query = (sql: string, options?: QueryOptions) => Promise<Result<QueryResult>>;

export interface Warehouse {
  readonly dialect: Dialect;
  /**
   * Runs one SELECT. Failure codes: query-refused (not exactly one SELECT), query-failed, query-timeout, relation-missing,
   * grant-missing (the message names the relation, the hint the GRANT), aborted; warehouse-auth and warehouse-unreachable
   * (also: the connection was cut) as in `open`.
   */
  readonly query: Query;
  /** Columns of each relation, in one statement; a relation that does not exist is absent from the map. Keys by `relationKey`. */
  describe(relations: readonly Relation[]): Promise<Result<ReadonlyMap<string, readonly Column[]>>>;
  /**
   * What stands in the way before anything is asked: relations that cannot be read, each with the grant that is needed;
   * a role that could write. Absent where the data is a file. Failures: those of a query.
   */
  preflight?(relations: readonly Relation[]): Promise<Result<readonly WarehouseNote[]>>;
  close(): Promise<void>;
}

export interface WarehouseNote {
  readonly level: "ok" | "warning" | "problem";
  readonly message: string;
  /** The next step, such as the GRANT to ask for. */
  readonly hint: string | null;
}

/** What differs between the warehouses' SQL, as pure text functions. */
export interface Dialect {
  readonly name: "duckdb" | "snowflake" | "postgres";
  quote(identifier: string): string;
  relation(relation: Relation): string;
  /** A text literal. */
  literal(text: string): string;
  /** Exact text of any value; null stays null. */
  toText(expression: string): string;
  /** A text as a floating-point number; null where it is none. */
  numberOrNull(expression: string): string;
  /** Equality in which null equals null; to be joined by, so it must not make the warehouse compare each with each. */
  nullSafeEquals(left: string, right: string): string;
  /** Values of a type (as `Column.type` names it) can be compared with one another, and grouped by. */
  isComparable(type: string): boolean;
  /**
   * An aggregate expression over rows: a digest free of row order, stable across runs and drivers.
   * `expressions` are the row's columns in a fixed order.
   */
  rowsDigest(expressions: readonly string[]): string;
}

export interface WarehouseContext {
  /** Where a read-only copy may be put; absolute; exists. */
  readonly scratchDir: string;
  /** Directory of audit.config.yaml: relative paths of the config start here. */
  readonly baseDir: string;
  /** The process's environment: where vendors keep their folders (HOME, SNOWFLAKE_HOME). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Most connections at a time: the size of the pool `warehouse`. */
  readonly maxConnections: number;
  /** The audit's name, for the tag of its statements. */
  readonly audit: string;
  readonly signal: AbortSignal;
}

/** One file in adapters/warehouses, one line in its index. */
export interface WarehouseAdapter<Settings = unknown> {
  readonly id: string;
  readonly settings: z.ZodType<Settings>;
  /** Failure codes: warehouse-unreachable, which another try may pass; warehouse-auth, which it will not; aborted, disk. */
  open(settings: Settings, context: WarehouseContext): Promise<Result<Warehouse>>;
  /** Absolute paths of the files that hold the data, where they are on this machine: agents must not get them as files. */
  localFiles?(settings: Settings, baseDir: string): readonly string[];
  /**
   * Settings from an output of dbt's profiles.yml whose `type` is this adapter's id, its Jinja resolved. `profileDir` is where
   * that file's relative paths start. Fields that say nothing about reading are ignored. Failure: profile-unsupported.
   */
  fromProfile?(output: Readonly<Record<string, unknown>>, profileDir: string): Result<unknown>;
  /**
   * Settings from one connection of the vendor's own file of connections (Snowflake's connections.toml). `fileDir` is where
   * that file's relative paths start. Fields that say nothing about reading are ignored. Failure: profile-unsupported.
   */
  fromConnection?(fields: Readonly<Record<string, unknown>>, fileDir: string): Result<unknown>;
  /**
   * Every secret text in the settings, and in the files that they name: nothing of it may be in any output. `baseDir` is where
   * relative paths start.
   */
  secrets?(settings: Settings, baseDir: string): readonly string[];
}
