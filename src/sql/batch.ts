/**
 * Many SELECTs in few statements, in chunks that a warehouse takes at once. One that is broken does not sink the others: a
 * chunk that fails is halved until the broken one stands alone. Knows nothing of tests, cases and findings.
 */
import { type Failure, type FailureCode, failed, ok, type Result } from "../model/result.js";
import type { Cell, Column, Dialect, Query, QueryOptions, QueryResult } from "../model/warehouse.js";

/**
 * What one statement may hold, and how many there may be at a time. Snowflake takes a megabyte of text; Postgres plans every
 * branch of a union for itself, and no row of it has more than 1,664 columns. DuckDB works in this process, with all
 * processors: more statements at a time take more memory and no less time.
 */
const limits: Readonly<Record<Dialect["name"], Limits>> = {
  duckdb: { members: 40, bytes: 2_000_000, width: 2 },
  postgres: { members: 40, bytes: 500_000, width: Number.POSITIVE_INFINITY },
  snowflake: { members: 40, bytes: 800_000, width: Number.POSITIVE_INFINITY },
};

interface Limits {
  readonly members: number;
  readonly bytes: number;
  readonly width: number;
}

/** Of members whose columns stand side by side in one row. */
const membersDescribed = 20;
const outages: ReadonlySet<FailureCode> = new Set(["warehouse-auth", "warehouse-unreachable"]);
const maxBytes = 512 * 1024 * 1024;

export type Rows = readonly (readonly Cell[])[];

export interface BatchOptions {
  readonly query: Query;
  readonly dialect: Pick<Dialect, "name">;
  /** For each statement: its time, what cancels it, who asks. */
  readonly each?: Pick<QueryOptions, "timeout" | "signal" | "label">;
  /** Statements at a time, where the warehouse gains by it; default 1. */
  readonly width?: number;
  readonly onChunk?: (done: number, total: number) => void;
}

/**
 * The rows of each SELECT, in order; they must agree in the number and types of their columns, which is why most cast them to
 * text. A failure as a whole only where all of it was cancelled.
 */
export function queryBatch(
  selects: readonly string[],
  options: BatchOptions & {
    /** No SELECT gives more rows than this. */
    readonly maxRows: number;
  },
): Promise<Result<readonly Result<Rows>[]>> {
  const read = (answer: QueryResult, members: readonly string[]): readonly Rows[] => {
    const rows: Cell[][][] = members.map(() => []);
    for (const [member, ...cells] of answer.rows) rows[Number(member)]?.push(cells);
    return rows;
  };
  const { members } = limits[options.dialect.name];
  return inChunks(selects, options, { members, maxRows: options.maxRows, sqlOf: unionOf, read });
}

function unionOf(selects: readonly string[]): string {
  return selects
    .map((select, index) => `select ${index} as item, part.* from (\n${select}\n) as part`)
    .join("\nunion all\n");
}

/**
 * A select list of text columns: those of the relation `of`, and nulls behind them up to `width`, so that SELECTs of different
 * columns can be asked together.
 */
export function cellTexts(
  columns: readonly Column[],
  { of, width, dialect }: { readonly of: string; readonly width: number; readonly dialect: Dialect },
): readonly string[] {
  return Array.from({ length: width }, (_, index) => {
    const column = columns[index];
    return dialect.toText(column === undefined ? "null" : `${of}.${dialect.quote(column.name)}`);
  });
}

/** The columns of each SELECT, in order; none of them gives a row for it. Failures as of `queryBatch`. */
export function describeBatch(
  selects: readonly string[],
  options: BatchOptions,
): Promise<Result<readonly Result<readonly Column[]>[]>> {
  const read = ({ columns }: QueryResult, members: readonly string[]): readonly (readonly Column[])[] => {
    const described: Column[][] = members.map(() => []);
    let current: Column[] | undefined;
    for (const column of columns) {
      const member = /^audit_member_(\d+)$/i.exec(column.name)?.[1];
      if (member !== undefined) current = described[Number(member)];
      else current?.push(column);
    }
    return described;
  };
  return inChunks(selects, options, { members: membersDescribed, maxRows: 1, sqlOf: besideOne, read });
}

/** All members' columns in one row that is not there, each behind a column that tells whose they are. */
function besideOne(selects: readonly string[]): string {
  const columns = selects.map((_select, index) => `${index} as audit_member_${index}, part_${index}.*`);
  const joins = selects.map(
    (select, index) =>
      `left join (select * from (\n${select}\n) as inner_${index} where 1 = 0) as part_${index} on 1 = 0`,
  );
  return `select ${columns.join(",\n")}\nfrom (select 1 as audit_one) as base\n${joins.join("\n")}\nwhere 1 = 0`;
}

interface Shape<Value> {
  /** Most members of one statement. */
  readonly members: number;
  /** Most rows of one member. */
  readonly maxRows: number;
  sqlOf(selects: readonly string[]): string;
  /** What each member gives. */
  read(answer: QueryResult, members: readonly string[]): readonly Value[];
}

async function inChunks<Value>(
  selects: readonly string[],
  options: BatchOptions,
  shape: Shape<Value>,
): Promise<Result<readonly Result<Value>[]>> {
  const { bytes, width } = limits[options.dialect.name];
  const queue = chunksOf(selects, shape.members, bytes);
  const results: Result<Value>[] = [];
  let done = 0;
  let cancelled: Failure | null = null;
  const settle = (chunk: readonly number[], resultOf: (position: number) => Result<Value>): void => {
    for (const [position, index] of chunk.entries()) results[index] = resultOf(position);
    done += chunk.length;
    options.onChunk?.(done, selects.length);
  };
  const work = async (): Promise<void> => {
    for (let chunk = queue.next(); chunk !== null && cancelled === null; chunk = queue.next()) {
      const members = chunk.map((index) => selects[index] ?? "");
      const answer = await ask(members, options, shape);
      if (answer.ok) {
        const values = shape.read(answer.value, members);
        queue.grow(chunk.length);
        settle(chunk, (position) => ok(values[position] as Value));
      } else if (answer.failure.code === "aborted") {
        cancelled = answer.failure;
      } else if (chunk.length === 1) {
        settle(chunk, () => answer);
      } else if (outages.has(answer.failure.code)) {
        // No member's fault: to ask for each of them would only take long.
        settle(chunk, () => answer);
      } else {
        if (answer.failure.code === "query-timeout") queue.shrink(chunk.length);
        queue.halve(chunk);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, options.width ?? 1) }, work));
  return cancelled === null ? ok(results) : { ok: false, failure: cancelled };
}

async function ask<Value>(
  members: readonly string[],
  { query, each }: BatchOptions,
  { sqlOf, maxRows }: Shape<Value>,
): Promise<Result<QueryResult>> {
  const once = () => query(sqlOf(members), { ...each, maxRows: maxRows * members.length, maxBytes });
  let answer = await once();
  // A connection that broke says nothing of the members.
  if (!answer.ok && answer.failure.code === "warehouse-unreachable") answer = await once();
  if (answer.ok && answer.value.truncated)
    return failed("query-failed", "the query gives more than can be read at once");
  return answer;
}

interface Queue {
  /** Positions of the members to ask for next; null where nothing is left. */
  next(): readonly number[] | null;
  halve(chunk: readonly number[]): void;
  /** A chunk of so many took too long: the next ones are smaller. */
  shrink(size: number): void;
  /** One of so many did not: the next ones may be larger again. */
  grow(size: number): void;
}

function chunksOf(selects: readonly string[], members: number, bytes: number): Queue {
  const halves: (readonly number[])[] = [];
  let size = members;
  let at = 0;
  return {
    next() {
      const half = halves.pop();
      if (half !== undefined) return half;
      const chunk: number[] = [];
      for (let length = 0; at < selects.length && chunk.length < size; at += 1) {
        length += Buffer.byteLength(selects[at] ?? "") + 100;
        if (chunk.length > 0 && length > bytes) break;
        chunk.push(at);
      }
      return chunk.length === 0 ? null : chunk;
    },
    halve(chunk) {
      const middle = Math.ceil(chunk.length / 2);
      halves.push(chunk.slice(middle), chunk.slice(0, middle));
    },
    shrink(length) {
      size = Math.max(1, Math.min(size, Math.ceil(length / 2)));
    },
    grow(length) {
      if (length >= size) size = Math.min(members, 2 * size);
    },
  };
}
