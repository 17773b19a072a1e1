/**
 * A warehouse in memory that answers the few statements that an audit asks: counts, digests and samples of failing rows,
 * and `select n from` a table of one number. It reads them by their shape; what it does not know is an error of the test.
 * Real SQL is the contract suite's matter; here thousands of audits run in a minute.
 */
import { z } from "zod";
import { sha256 } from "../../src/model/digest.js";
import { relationKey } from "../../src/model/relation.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import type { Cell, Column, QueryResult, Warehouse, WarehouseAdapter } from "../../src/model/warehouse.js";
import { dialects } from "../../src/sql/index.js";

/** A failing row of a table. */
export interface FailingRow {
  readonly state: string | null;
  readonly county: string;
  readonly detail: string;
  readonly loaded_at: string;
}

export interface MemoryData {
  /** Table name → rows, in the schema `failures`. */
  readonly failures: ReadonlyMap<string, readonly FailingRow[]>;
  /** Table name → its one value, in the schema `probes`. */
  readonly probes: ReadonlyMap<string, number | string>;
  /** Test → count: the table `summary`, in the schema `marts`. */
  readonly summary: ReadonlyMap<string, number>;
}

const names = ["state", "county", "detail", "loaded_at"] as const;
const columnsOf = (named: readonly string[]): readonly Column[] => named.map((name) => ({ name, type: "VARCHAR" }));
const cellsOf = (row: FailingRow): Cell[] => names.map((name) => row[name]);

/**
 * @param data as it is when the warehouse is opened: a copy, as the real one makes.
 * @param before is called for each statement; what it answers is the answer.
 */
export function memoryWarehouse(
  data: () => MemoryData,
  before: () => Result<never> | null,
): WarehouseAdapter<Record<string, never>> {
  return {
    id: "memory",
    settings: z.strictObject({}) as unknown as z.ZodType<Record<string, never>>,
    open: async (_settings, { signal }) => ok(opened(data(), before, signal)),
  };
}

function opened(data: MemoryData, before: () => Result<never> | null, signal: AbortSignal): Warehouse {
  const guarded = async <Value>(answer: () => Value): Promise<Result<Value>> => {
    const refused = before();
    if (refused !== null) return refused;
    return signal.aborted ? failed("aborted", "the query was stopped") : ok(answer());
  };
  return {
    dialect: dialects.duckdb,
    query: (sql) => guarded(() => answerTo(sql, data)),
    describe: (relations) =>
      guarded(
        () =>
          new Map(
            relations.flatMap((relation) => {
              const { schema, name } = relation;
              if (schema === "failures" && data.failures.has(name)) return [[relationKey(relation), columnsOf(names)]];
              return schema === "marts" ? [[relationKey(relation), columnsOf(["test_name", "failures"])]] : [];
            }),
          ),
      ),
    close: async () => {},
  };
}

/** Where names are looked up: asked like all else, so that it may be refused like all else. */
const whereFrom = "select current_database(), current_schema()";
const here: QueryResult = { columns: columnsOf(["database", "schema"]), rows: [["memory", "main"]], truncated: false };

function answerTo(sql: string, data: MemoryData): QueryResult {
  if (sql === whereFrom) return here;
  if (sql.startsWith("select 0 as audit_member_0,")) return table(described(sql), []);
  if (sql.startsWith("select 0 as item,")) return table(["item", "a", "b", "c", "d"], batch(sql, data));
  const probe = probed(sql, data);
  if (probe !== null) return table(["n"], [[probe]]);
  if (sql.endsWith('from "memory"."marts"."summary"')) {
    return table(
      ["test_name", "failures"],
      [...data.summary].map(([test, count]) => [test, String(count)]),
    );
  }
  throw new Error(`the memory warehouse does not know this statement: ${sql}`);
}

/** Columns of several SELECTs in one row that is not there. */
function described(sql: string): string[] {
  const members = sql.split(/^left join \(select \* from \(\n/m).slice(1);
  return members.flatMap((member, index) => [
    `audit_member_${index}`,
    ...(member.includes('from "memory"."probes"."') ? ["n"] : names),
  ]);
}

function probed(sql: string, data: MemoryData): string | null {
  const name = /select n from "memory"\."probes"\."(\w+)"/.exec(sql)?.[1];
  return name === undefined ? null : String(data.probes.get(name));
}

function batch(sql: string, data: MemoryData): Cell[][] {
  return sql.split(/^select \d+ as item, part\.\* from \(\n/m).flatMap((part, position): Cell[][] => {
    const item = String(position - 1);
    if (position === 0) return [];
    if (part.startsWith("select cast(count(*) as varchar) as n")) {
      return [[item, String(failingRows(part, data).length)]];
    }
    const probe = probed(part, data);
    if (probe !== null) return [[item, probe]];
    const sampled = /^select cast\(numbered\."(\w+)" as varchar\) as audit_group, /.exec(part)?.[1];
    if (sampled !== undefined) {
      const group = sampled as (typeof names)[number];
      return failingRows(part, data)
        .filter(groupFilter(part))
        .map((row) => [item, row[group], ...cellsOf(row)]);
    }
    const measure = /^select 'rows' as kind, cast\(r\."(\w+)" as varchar\) as grp, .* as n, (.*) as digest$/m.exec(
      part,
    );
    if (measure !== null) {
      const [, group, digest = ""] = measure;
      const digested = names.filter((name) => digest.includes(`r."${name}"`));
      return [...byGroup(failingRows(part, data), group as (typeof names)[number])].map(([key, rows]) => [
        item,
        "rows",
        key,
        String(rows.length),
        sha256(JSON.stringify(rows.map((row) => JSON.stringify(digested.map((name) => row[name]))).sort())),
      ]);
    }
    throw new Error(`the memory warehouse does not know this part of a batch: ${part}`);
  });
}

function failingRows(sql: string, data: MemoryData): readonly FailingRow[] {
  const name = /from "memory"\."failures"\."(\w+)"/.exec(sql)?.[1] ?? "";
  const rows = data.failures.get(name);
  if (rows === undefined) throw new Error(`the memory warehouse has no table in: ${sql}`);
  return rows;
}

function byGroup(
  rows: readonly FailingRow[],
  column: (typeof names)[number],
): ReadonlyMap<string | null, FailingRow[]> {
  const groups = new Map<string | null, FailingRow[]>();
  for (const row of rows) groups.set(row[column], [...(groups.get(row[column]) ?? []), row]);
  return groups;
}

/** Of one group, or of several joined by `or`. */
function groupFilter(sql: string): (row: FailingRow) => boolean {
  const where = sql.slice(sql.indexOf(") as failing where "));
  const equal = [...where.matchAll(/cast\("(\w+)" as varchar\) = '(\w*)'/g)].map((match) => [match[1], match[2]]);
  const unknown = [...where.matchAll(/"(\w+)" is null/g)].map((match) => [match[1], null]);
  const wanted = new Set([...equal, ...unknown].map((pair) => JSON.stringify(pair)));
  return (row) => names.some((name) => wanted.has(JSON.stringify([name, row[name]])));
}

function table(named: readonly string[], rows: readonly (readonly Cell[])[]): QueryResult {
  const width = Math.max(0, ...rows.map((row) => row.length));
  return { columns: columnsOf(rows.length === 0 ? named : named.slice(0, width)), rows, truncated: false };
}
