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

/** Failing rows of a table: its columns are `state` and `detail`. */
export interface FailingRow {
  readonly state: string | null;
  readonly detail: string;
}

export interface MemoryData {
  /** Table name → rows, in the schema `failures`. */
  readonly failures: ReadonlyMap<string, readonly FailingRow[]>;
  /** Table name → its one number, in the schema `probes`. */
  readonly probes: ReadonlyMap<string, number>;
}

const columns: readonly Column[] = ["state", "detail"].map((name) => ({ name, type: "VARCHAR" }));

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
            relations
              .filter(({ schema, name }) => schema === "failures" && data.failures.has(name))
              .map((relation) => [relationKey(relation), columns]),
          ),
      ),
    close: async () => {},
  };
}

function answerTo(sql: string, data: MemoryData): QueryResult {
  if (sql.startsWith("select 0 as item,")) return table(["item", "a", "b", "c", "d"], batch(sql, data));
  const probe = /^select n from "memory"\."probes"\."(\w+)"$/.exec(sql);
  if (probe !== null) return table(["n"], [[String(data.probes.get(probe[1] ?? ""))]]);
  if (sql.includes(") as failing where ")) {
    const rows = failingRows(sql, data).filter(groupFilter(sql));
    return table(
      ["state", "detail"],
      rows.map(({ state, detail }) => [state, detail]),
    );
  }
  throw new Error(`the memory warehouse does not know this statement: ${sql}`);
}

function batch(sql: string, data: MemoryData): Cell[][] {
  return sql.split(/^select \d+ as item, part\.\* from \(\n/m).flatMap((part, position): Cell[][] => {
    const item = String(position - 1);
    if (position === 0) return [];
    if (part.startsWith("select cast(count(*) as varchar) as n")) {
      return [[item, String(failingRows(part, data).length)]];
    }
    if (part.startsWith("select 'rows' as kind")) {
      return [...byState(failingRows(part, data))].map(([state, rows]) => [
        item,
        "rows",
        state,
        String(rows.length),
        sha256(JSON.stringify(rows.map(({ detail }) => detail).sort())),
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

function byState(rows: readonly FailingRow[]): ReadonlyMap<string | null, FailingRow[]> {
  const groups = new Map<string | null, FailingRow[]>();
  for (const row of rows) groups.set(row.state, [...(groups.get(row.state) ?? []), row]);
  return groups;
}

/** Of one group, or of several joined by `or`. */
function groupFilter(sql: string): (row: FailingRow) => boolean {
  const where = sql.slice(sql.indexOf(") as failing where "));
  const states = new Set([...where.matchAll(/as varchar\) = '(\w*)'/g)].map((match) => match[1]));
  const hasNull = where.includes("is null");
  return ({ state }) => (state === null ? hasNull : states.has(state));
}

function table(names: readonly string[], rows: readonly (readonly Cell[])[]): QueryResult {
  const width = Math.max(0, ...rows.map((row) => row.length));
  const used = rows.length === 0 ? names : names.slice(0, width);
  return { columns: used.map((name) => ({ name, type: "VARCHAR" })), rows, truncated: false };
}
