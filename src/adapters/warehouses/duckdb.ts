/**
 * The DuckDB warehouse: a read-only handle on a private copy of the database file.
 * The native module is loaded on first use, since it takes a third of a second.
 */
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { z } from "zod";
import type { Relation } from "../../model/project.js";
import { relationKey } from "../../model/relation.js";
import { failed, ok, type Result } from "../../model/result.js";
import type { Column, QueryOptions, Warehouse, WarehouseAdapter, WarehouseContext } from "../../model/warehouse.js";
import { duckdb as dialect } from "../../sql/duckdb.js";
import { orAborted } from "./abortable.js";
import { duckdbDriver } from "./duckdb-api.js";
import { copyDatabase, type DatabaseCopy } from "./duckdb-copy.js";
import { firstLines, unreachable } from "./duckdb-errors.js";
import { fromProfile } from "./duckdb-profile.js";
import { runSelect } from "./duckdb-query.js";

const file = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith(":memory:") && !/^(md|motherduck):/i.test(path), {
    message: "must name a database file: an audit reads what dbt has left on disk",
  });

const settings = z.strictObject({
  path: file.describe("The DuckDB file, relative to audit.config.yaml."),
  attach: z
    .record(
      z.string().regex(/^(?!(system|temp|main|memory)$)[^"]{1,60}$/i, { message: "must be a name that SQL can use" }),
      file,
    )
    .optional()
    .describe(
      "Other DuckDB files that the project's SQL reads, by the names that it calls them. Nothing else is attached.",
    ),
  memoryLimit: z
    .string()
    .regex(/^\d+(\.\d+)?\s?[KMGT]i?B$/i, { message: "must be a size, such as 500MB or 2GB" })
    .optional()
    .describe(
      "How much memory DuckDB may take, such as `2GB`; beyond that it uses the disk where it can. Default: 1GB. A query that makes values of hundreds of megabytes can take more.",
    ),
});

type DuckdbSettings = z.infer<typeof settings>;

/** An agent's query shall not take the machine. What does not fit is moved beside the copy, in a folder of its own. */
const usualMemory = "1GB";

const readOnly = {
  access_mode: "READ_ONLY",
  enable_external_access: "false",
  autoload_known_extensions: "false",
  autoinstall_known_extensions: "false",
  allow_community_extensions: "false",
};

interface DatabaseFile {
  /** What SQL calls it; null for the one whose name is its file's. */
  readonly name: string | null;
  readonly source: string;
}

function filesOf({ path, attach = {} }: DuckdbSettings, baseDir: string): readonly [DatabaseFile, ...DatabaseFile[]] {
  const others = Object.entries(attach).map(([name, other]) => ({ name, source: resolve(baseDir, other) }));
  return [{ name: null, source: resolve(baseDir, path) }, ...others];
}

async function open(given: DuckdbSettings, context: WarehouseContext): Promise<Result<Warehouse>> {
  const files = filesOf(given, context.baseDir);
  for (const { name, source } of files) {
    try {
      await access(source, constants.R_OK);
    } catch {
      const setting = name === null ? "warehouse.path" : `warehouse.attach.${name}`;
      return failed("warehouse-unreachable", `there is no readable DuckDB database at '${source}'`, {
        hint: `check ${setting}; run dbt first if it makes this file`,
      });
    }
  }
  if (context.signal.aborted) return failed("aborted", "opening the warehouse was cancelled");
  const copies: DatabaseCopy[] = [];
  const remove = async () => {
    for (const copy of copies) await copy.remove();
  };
  let current = files[0].source;
  try {
    for (const { source } of files) {
      current = source;
      copies.push(await privateCopy(source, context));
    }
    current = files[0].source;
    const attached = files.flatMap(({ name }, at) => (name === null ? [] : [{ name, path: copies[at]?.path ?? "" }]));
    const instance = await openCopies(copies[0]?.path ?? "", attached, given);
    return ok(warehouse(instance, remove));
  } catch (error) {
    await remove();
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== undefined && /^E[A-Z]+$/.test(code)) {
      return failed("disk", `the DuckDB database cannot be copied into '${context.scratchDir}': ${firstLines(error)}`, {
        hint: "make room there, or move the audit folder with `dir` in audit.config.yaml",
      });
    }
    return { ok: false, failure: unreachable(current, error) };
  }
}

/** Opening the original first says whether somebody writes to it, and keeps writers out while it is copied. */
async function privateCopy(source: string, context: WarehouseContext): Promise<DatabaseCopy> {
  const { DuckDBInstance } = duckdbDriver();
  const guard = await DuckDBInstance.create(source, readOnly);
  return await copyDatabase(source, context.scratchDir).finally(() => guard.closeSync());
}

/** Files are attached while the handle may still reach files; then it never may again. */
async function openCopies(
  path: string,
  attached: readonly { readonly name: string; readonly path: string }[],
  { memoryLimit = usualMemory }: DuckdbSettings,
): Promise<DuckDBInstance> {
  const { DuckDBInstance } = duckdbDriver();
  const reach = { enable_external_access: attached.length > 0 ? "true" : "false" };
  const instance = await DuckDBInstance.create(path, { ...readOnly, memory_limit: memoryLimit, ...reach });
  try {
    const connection = await instance.connect();
    try {
      for (const { name, path: copy } of attached) {
        await connection.run(`attach ${dialect.literal(copy)} as ${dialect.quote(name)} (type duckdb, read_only)`);
      }
      await lock(connection);
    } finally {
      connection.closeSync();
    }
    return instance;
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

/** The time zone decides the text of a TIMESTAMPTZ, and so digests; it is fixed before settings are locked. */
async function lock(connection: DuckDBConnection): Promise<void> {
  await connection.run("set global TimeZone = 'UTC'");
  await connection.run("set global enable_external_access = false");
  await connection.run("set global lock_configuration = true");
}

function warehouse(instance: DuckDBInstance, removeCopy: () => Promise<void>): Warehouse {
  let closed = false;
  const running = new Set<Promise<unknown>>();

  // A connection of its own for each query: they run side by side, and an interrupt hits one query only.
  const query = async (sql: string, options: QueryOptions = {}) => {
    if (closed) return failed("aborted", "the warehouse is closed");
    const work = (async () => {
      const connection = await instance.connect();
      try {
        return await runSelect(connection, sql, options);
      } finally {
        connection.closeSync();
      }
    })();
    running.add(work);
    const done = () => running.delete(work);
    work.then(done, done);
    // DuckDB's driver has few threads, which others may hold.
    return (await orAborted(work, options.signal)) ?? failed("aborted", "the query was cancelled");
  };

  return {
    dialect,
    query,
    describe: (relations) => describe(query, relations),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(running);
      instance.closeSync();
      await removeCopy();
    },
  };
}

/** One look into the catalog; DuckDB's names are equal without regard to case. */
async function describe(
  query: Warehouse["query"],
  relations: readonly Relation[],
): Promise<Result<ReadonlyMap<string, readonly Column[]>>> {
  const columns = new Map<string, Column[]>();
  if (relations.length === 0) return ok(columns);
  const names = [...new Set(relations.map((relation) => relation.name.toLowerCase()))];
  const result = await query(
    `select lower(database_name), lower(schema_name), lower(table_name), column_name, data_type,
  database_name = current_database(), schema_name = current_schema()
from duckdb_columns() where lower(table_name) in (${names.map(dialect.literal).join(", ")})
order by database_name, schema_name, table_name, column_index`,
    { maxRows: 2_000_000, maxBytes: 512 * 1024 * 1024 },
  );
  if (!result.ok) return result;
  if (result.value.truncated) return failed("query-failed", "the catalog holds too many columns to read at once");
  const found = new Map<string, Column[]>();
  for (const [database, schema, name, column, type, isCurrent, isDefault] of result.value.rows) {
    const entry = { name: column ?? "", type: type ?? "" };
    const databases = isCurrent === "true" ? [database, null] : [database];
    const schemas = isDefault === "true" ? [schema, null] : [schema];
    for (const databaseKey of databases) {
      for (const schemaKey of schemas) {
        const key = JSON.stringify([databaseKey, schemaKey, name]);
        const list = found.get(key);
        if (list === undefined) found.set(key, [entry]);
        else list.push(entry);
      }
    }
  }
  for (const relation of relations) {
    const key = relationKey(relation);
    const list = found.get(key);
    if (list !== undefined) columns.set(key, list);
  }
  return ok(columns);
}

function localFiles(given: DuckdbSettings, baseDir: string): readonly string[] {
  return filesOf(given, baseDir).flatMap(({ source }) => [source, `${source}.wal`]);
}

export const duckdb: WarehouseAdapter<DuckdbSettings> = { id: "duckdb", settings, open, localFiles, fromProfile };
