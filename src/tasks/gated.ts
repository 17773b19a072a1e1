/**
 * Queries that are not ours, for whoever they are run: agents' own, what findings cite, a person's `audit-run query`. Each passes
 * the gate of sql/ before the warehouse sees it. What may be read is made of the manifest, the failures and the config here.
 */
import { parseRelation } from "../dbt/relation-name.js";
import type { Case } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { Project } from "../model/project.js";
import { ok, type Result } from "../model/result.js";
import type { Dialect, Query, QueryOptions, Warehouse } from "../model/warehouse.js";
import type { Gate, GatePolicy, SchemaName } from "../sql/gate.js";

/** A result on its own. */
export const longestResult = { rows: 1_000, bytes: 1024 * 1024 };

export interface GateRoom {
  readonly config: Pick<Config, "dbt" | "sql" | "summary" | "timeouts">;
  readonly signal: AbortSignal;
  /** Null where there is no manifest. */
  readonly project: Project | null;
  readonly cases: readonly Case[];
}

export interface GatedQueries {
  readonly query: Query;
  /** The statement as it may be run. Failure codes: query-refused, and those of a warehouse that does not answer. */
  admit(sql: string, options?: QueryOptions): Promise<Result<string>>;
}

/** Where an open warehouse looks for names: asked once, however many begin at the same time. */
const paths = new WeakMap<object, Promise<Result<readonly SchemaName[]>>>();

/** The parser is loaded, and the warehouse asked where it looks for names, when the first query comes. */
export function gatedQueries(warehouse: Pick<Warehouse, "dialect" | "query">, room: GateRoom): GatedQueries {
  const { config, signal } = room;
  const defaults = {
    maxRows: longestResult.rows,
    maxBytes: longestResult.bytes,
    timeout: config.timeouts.query,
    signal,
  };
  let loading: Promise<Result<Gate>> | null = null;
  const load = async (): Promise<Result<Gate>> => {
    const [{ loadGate }, { searchPath }] = await Promise.all([
      import("../sql/gate.js"),
      import("../sql/search-path.js"),
    ]);
    const asked = paths.get(warehouse) ?? searchPath((sql) => warehouse.query(sql, defaults), warehouse.dialect.name);
    paths.set(warehouse, asked);
    const path = await asked;
    if (!path.ok) {
      paths.delete(warehouse);
      return path;
    }
    return ok(await loadGate(gatePolicy(warehouse.dialect, path.value, room)));
  };
  const admit = async (sql: string, options: QueryOptions = {}): Promise<Result<string>> => {
    loading ??= load();
    const gate = await loading;
    if (!gate.ok) {
      loading = null;
      return gate;
    }
    // One row more than is given, so that the driver can tell that there are more.
    return gate.value.admit(sql, (options.maxRows ?? defaults.maxRows) + 1);
  };
  return {
    admit,
    async query(sql, options) {
      const admitted = await admit(sql, options);
      return admitted.ok ? warehouse.query(admitted.value, { ...defaults, ...options }) : admitted;
    },
  };
}

function gatePolicy({ name }: Dialect, path: readonly SchemaName[], room: GateRoom): GatePolicy {
  const { config, project, cases } = room;
  return {
    dialect: name,
    schemas: readableSchemas(name, room),
    searchPath: path.map((schema) => stored(schema, name)),
    functions: config.sql.functions,
    *projectSql() {
      for (const { compiledCode } of project?.resources.values() ?? []) if (compiledCode !== null) yield compiledCode;
      for (const { failingRows } of cases) yield failingRows.sql;
    },
  };
}

/** Those of the manifest's resources, of the stored failures and the summary table, and those that the config adds. */
function readableSchemas(dialect: Dialect["name"], { config, project, cases }: GateRoom): readonly SchemaName[] {
  const adapter = project?.adapter || dialect;
  const found = new Map<string, SchemaName>();
  const add = (database: string | null, schema: string | null | undefined): void => {
    if (schema == null || schema === "") return;
    const one = stored({ database, schema }, dialect);
    found.set(JSON.stringify([one.database, one.schema]), one);
  };
  for (const { relation } of project?.resources.values() ?? []) if (relation) add(relation.database, relation.schema);
  for (const { failingRows } of cases) {
    if (failingRows.relation !== null) add(failingRows.relation.database, failingRows.relation.schema);
  }
  const summary = config.summary.table === null ? null : parseRelation(config.summary.table.relation, adapter);
  if (summary !== null) add(summary.database, summary.schema);
  const { failuresSchema } = config.dbt;
  for (const text of [...(failuresSchema === null ? [] : [failuresSchema]), ...config.sql.schemas]) {
    // Read as a relation's name, SCHEMA or DATABASE.SCHEMA comes out one step to the right.
    const read = parseRelation(text, adapter);
    if (read !== null) add(read.schema, read.name);
  }
  return [...found.values()].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}

/** DuckDB's names are equal without regard to case. */
function stored({ database, schema }: SchemaName, dialect: Dialect["name"]): SchemaName {
  if (dialect !== "duckdb") return { database, schema };
  return { database: database?.toLowerCase() ?? null, schema: schema.toLowerCase() };
}
