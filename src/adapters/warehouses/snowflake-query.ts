/**
 * One capped statement in one session: rows as they come, cancelled on the server when it is to end early.
 * Knows no pool and does not judge what the statement does.
 */
import type { Readable } from "node:stream";
import type { RowStatement } from "snowflake-sdk";
import { type Failure, failed, ok, type Result } from "../../model/result.js";
import type { Cell, QueryOptions, QueryResult } from "../../model/warehouse.js";
import { cellText, columnOf, fetchedAsText, textParameters } from "./snowflake-cells.js";
import { failureOf, isCancelled, isLost, isNetwork } from "./snowflake-errors.js";
import type { Session } from "./snowflake-session.js";

const defaults = { maxRows: 1_000, maxBytes: 1024 * 1024, timeout: 60_000 };

export interface Statement {
  readonly sql: string;
  readonly options: QueryOptions;
  /** What the account's query history shows beside it. */
  readonly tag: string;
  readonly role: string | undefined;
  /** Compiles it and says which columns it would give; reads nothing and needs no virtual warehouse. */
  readonly describeOnly?: boolean;
}

/** The answer, and whether the session is of no more use. */
export interface Answer {
  readonly result: Result<QueryResult>;
  readonly isSessionLost: boolean;
}

type Ending = "timeout" | "aborted";

export async function runStatement(session: Session, statement: Statement): Promise<Answer> {
  const { maxRows = defaults.maxRows, timeout = defaults.timeout, signal } = statement.options;
  if (signal?.aborted === true) return answer(failed("aborted", "the query was cancelled"));
  const end = deferred<Ending>();
  const onAbort = () => end.resolve("aborted");
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => end.resolve("timeout"), timeout);
  try {
    const executed = execute(session, statement, { maxRows, timeout });
    const first = await Promise.race([executed.done, end.promise]);
    if (first === "timeout" || first === "aborted") {
      const isOver = await cancel(executed);
      // A session whose statement does not end is not given to the next.
      return { result: ended(first, timeout, "running"), isSessionLost: !isOver };
    }
    if (first.error) return refusal(first.error, statement, timeout);
    if (statement.describeOnly === true) {
      return answer(ok({ columns: columnsOf(first.statement), rows: [], truncated: false }));
    }
    const read = await readRows(first.statement, statement.options, end.promise);
    if (read === "timeout" || read === "aborted") return answer(ended(read, timeout, "reading"));
    return "error" in read ? refusal(read.error, statement, timeout) : answer(ok(read));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

interface Execution {
  readonly statement: RowStatement;
  readonly done: Promise<{ readonly statement: RowStatement; readonly error: unknown }>;
}

function execute(
  { connection }: Session,
  { sql, tag, describeOnly = false }: Statement,
  caps: { readonly maxRows: number; readonly timeout: number },
): Execution {
  const done = deferred<{ statement: RowStatement; error: unknown }>();
  const statement = connection.execute({
    sqlText: sql,
    streamResult: true,
    fetchAsString: fetchedAsText,
    parameters: {
      ...textParameters,
      QUERY_TAG: tag,
      MULTI_STATEMENT_COUNT: 1,
      // Where we are gone by then, the server still ends it.
      STATEMENT_TIMEOUT_IN_SECONDS: Math.max(1, Math.ceil(caps.timeout / 1_000)),
      // The server stops there, and keeps the order of the rows. One more than asked for tells that there are more.
      ROWS_PER_RESULTSET: caps.maxRows + 1,
    },
    ...(describeOnly ? { describeOnly } : {}),
    complete: (error, finished) => done.resolve({ statement: finished, error }),
  });
  return { statement, done: done.promise };
}

/** Row by row, so that the caps hold and nothing grows with the result. */
async function readRows(
  statement: RowStatement,
  { maxRows = defaults.maxRows, maxBytes = defaults.maxBytes }: QueryOptions,
  end: Promise<Ending>,
): Promise<QueryResult | Ending | { readonly error: unknown }> {
  const driverColumns = statement.getColumns() ?? [];
  const columns = columnsOf(statement);
  const rows: (readonly Cell[])[] = [];
  const stream: Readable = statement.streamRows();
  const closed = (): void => {
    // What was loading ahead may still fail; nobody waits for it.
    stream.on("error", () => undefined);
    stream.destroy();
  };
  const read = async (): Promise<QueryResult | { readonly error: unknown }> => {
    let bytes = 0;
    try {
      for await (const values of stream as AsyncIterable<readonly unknown[]>) {
        if (rows.length >= maxRows) return { columns, rows, truncated: true, truncatedBy: "rows" };
        const row = driverColumns.map((column, index) => cellText(values[index], column));
        for (const cell of row) bytes += cell === null ? 0 : Buffer.byteLength(cell);
        if (bytes > maxBytes) return { columns, rows, truncated: true, truncatedBy: "bytes" };
        rows.push(row);
      }
      return { columns, rows, truncated: false };
    } catch (error) {
      return { error };
    }
  };
  const outcome = await Promise.race([read(), end]);
  closed();
  return outcome;
}

function columnsOf(statement: RowStatement) {
  return (statement.getColumns() ?? []).map(columnOf);
}

/** Milliseconds for each of the server's answers to a cancel. */
const patience = 2_000;

/** Tells the server to cancel until the statement has ended: a cancel that overtakes its statement finds nothing. */
async function cancel({ statement, done }: Execution): Promise<boolean> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await within(patience, new Promise<void>((resolve) => statement.cancel(() => resolve())));
    if ((await within(patience, done)) !== "late") return true;
  }
  return false;
}

/** Promise.withResolvers, which Node 20 has not. */
function deferred<Value>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value | "late"> {
  const late = deferred<"late">();
  const timer = setTimeout(() => late.resolve("late"), milliseconds);
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

function ended(ending: Ending, timeout: number, phase: "running" | "reading"): Result<never> {
  if (ending === "aborted") return failed("aborted", "the query was cancelled");
  if (phase === "reading") {
    return failed("query-timeout", `the query was answered, but its rows did not arrive within ${timeout} ms`, {
      hint: "the connection may have been cut meanwhile; else narrow the query, or raise timeouts.query in audit.config.yaml",
    });
  }
  return failed("query-timeout", `the query took longer than ${timeout} ms`, {
    hint: "narrow the query, or raise timeouts.query in audit.config.yaml",
  });
}

function refusal(error: unknown, { role, options }: Statement, timeout: number): Answer {
  // Somebody else cancelled it: an administrator, or a limit of the account.
  if (isCancelled(error) && options.signal?.aborted !== true) {
    return answer(failed("query-failed", "the query was cancelled in Snowflake", { hint: "see its query history" }));
  }
  const failure: Failure = failureOf(error, role);
  const timedOut = failure.code === "query-timeout" ? ended("timeout", timeout, "running") : null;
  if (timedOut !== null) return answer(timedOut);
  if (isNetwork(error) && !isLost(error)) {
    const message = `the connection to Snowflake was cut: ${failure.message}`;
    const hint = "check the network, VPN and proxy (HTTPS_PROXY); the run goes on where it stopped";
    return answer(failed("warehouse-unreachable", message, { hint }));
  }
  return { result: { ok: false, failure }, isSessionLost: isLost(error) };
}

function answer(result: Result<QueryResult>): Answer {
  return { result, isSessionLost: false };
}
