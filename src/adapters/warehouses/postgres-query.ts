/**
 * One capped SELECT on one connection, in a read-only transaction of its own that is always rolled back. Every value
 * becomes text in the database, and rows come through a cursor. Knows no pool.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { FieldDef, PoolClient } from "pg";
import { failed, ok, type Result } from "../../model/result.js";
import type { Cell, Column, QueryOptions, QueryResult } from "../../model/warehouse.js";
import { postgres as dialect } from "../../sql/postgres.js";
import type { Connections, Lease } from "./postgres-connection.js";
import { describeStatement } from "./postgres-describe.js";
import { failureOf, isCut, mayPass, read, refused, unreachable } from "./postgres-errors.js";
import { outsideOf } from "./postgres-text.js";

const defaults = { maxRows: 1_000, maxBytes: 1024 * 1024, timeout: 60_000 };

const ignore = () => {};

/** Rows that are fetched at a time. */
const batch = 1_000;

export interface Session {
  readonly connections: Connections;
  /** Settings of every transaction, as SQL; but for its timeout and its label. */
  readonly settings: Readonly<Record<string, string>>;
  /** `audit-run/<audit>`. */
  readonly tag: string;
  /** Names of types, by number and modifier. */
  readonly types: Map<string, string>;
}

/** A SELECT has no effect, so it is run again where another transaction was in its way, or an idle connection was dead. */
export async function runSelect(
  session: Session,
  sql: string,
  options: QueryOptions = {},
): Promise<Result<QueryResult>> {
  for (let attempt = 1; ; attempt += 1) {
    if (options.signal?.aborted === true) return failed("aborted", "the query was cancelled");
    const leased = await session.connections.lease(options.signal);
    if (!leased.ok) return leased;
    const outcome = await new Run(session, leased.value, options).select(sql);
    if (outcome.again && attempt < 4) continue;
    return outcome.result;
  }
}

interface Outcome {
  readonly result: Result<QueryResult>;
  readonly again: boolean;
}

class Run {
  readonly #session: Session;
  readonly #lease: Lease;
  readonly #client: PoolClient;
  readonly #options: Caps & QueryOptions;
  /** How far it got: that decides whose fault an error is. */
  #stage: "begin" | "describe" | "run" = "begin";
  #stopped: "timeout" | "aborted" | null = null;
  /** Settles when the connection has nothing of this query to do any more. */
  #ended: Promise<void> = Promise.resolve();
  #cancelling: Promise<void> = Promise.resolve();
  #giveUp: (error: Error) => void = ignore;
  #onStop: () => void = ignore;

  constructor(session: Session, lease: Lease, options: QueryOptions) {
    this.#session = session;
    this.#lease = lease;
    this.#client = lease.client;
    this.#options = { ...options, ...withDefaults(options) };
  }

  /** The answer does not wait for what is cancelled to end; the connection does. */
  select(sql: string): Promise<Outcome> {
    const { timeout, signal } = this.#options;
    const stopped = new Promise<Outcome>((resolve) => {
      this.#onStop = () =>
        resolve({ result: this.#refusal() ?? failed("aborted", "the query was cancelled"), again: false });
    });
    const onAbort = () => this.#stop("aborted");
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => this.#stop("timeout"), timeout);
    const outcome = this.#outcome(sql).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    });
    return Promise.race([outcome, stopped]);
  }

  async #outcome(sql: string): Promise<Outcome> {
    let usable = true;
    try {
      const running = this.#run(sql);
      this.#ended = running.then(ignore, ignore);
      const lost = new Promise<never>((_, reject) => {
        this.#giveUp = reject;
      });
      const result = await Promise.race([running, lost]);
      return { result: this.#refusal() ?? result, again: false };
    } catch (error) {
      usable = !isCut(error);
      const hungUp = !usable && this.#stage === "begin" && this.#lease.used;
      const again = this.#stopped === null && (hungUp || mayPass(error));
      return { result: this.#refusal() ?? this.#failure(error, sql), again };
    } finally {
      // A cancel request may still be on its way, and must not hit the next query.
      await this.#cancelling;
      usable &&= this.#stopped === null && (await this.#rolledBack());
      this.#lease.release(!usable);
    }
  }

  async #rolledBack(): Promise<boolean> {
    return this.#client.query("rollback").then(
      () => true,
      () => false,
    );
  }

  #stop(reason: "timeout" | "aborted"): void {
    if (this.#stopped !== null) return;
    this.#stopped = reason;
    this.#onStop();
    this.#cancelling = this.#insist();
  }

  /** A request that meets the server between two messages is lost, and where the network is gone no answer ever comes. */
  async #insist(): Promise<void> {
    let over = false;
    const ended = this.#ended.then(() => {
      over = true;
    });
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await this.#lease.cancel();
      await Promise.race([ended, sleep(1_000)]);
      if (over) return;
    }
    this.#giveUp(new Error("Connection terminated: a cancelled query did not end"));
  }

  #enter(stage: "describe" | "run"): void {
    if (this.#stopped !== null) throw new Error("the query was stopped");
    this.#stage = stage;
  }

  #refusal(): Result<never> | null {
    if (this.#stopped === "aborted") return failed("aborted", "the query was cancelled");
    if (this.#stopped === "timeout") {
      return failed("query-timeout", `the query took longer than ${this.#options.timeout} ms`, {
        hint: "narrow the query, or raise timeouts.query in audit.config.yaml",
      });
    }
    return null;
  }

  #failure(error: unknown, sql: string): Result<never> {
    if (this.#stage === "begin" && !isCut(error)) {
      return { ok: false, failure: unreachable(error, this.#session.connections.target) };
    }
    const failure = failureOf(error, this.#stage === "describe" ? sql : null);
    const { code, message } = read(error);
    // What stands alone but not inside of another SELECT is none: a WITH that writes, a locking clause.
    if (this.#stage === "run" && /^(42601|0A000)$/.test(code) && failure.code === "query-failed") {
      return { ok: false, failure: refused(message) };
    }
    return { ok: false, failure };
  }

  async #run(sql: string): Promise<Result<QueryResult>> {
    if (sql.includes("\0")) return { ok: false, failure: refused("it holds a NUL character") };
    await this.#client.query(beginning(this.#session, this.#options));
    this.#enter("describe");
    const { fields, hasParameters } = await describeStatement(this.#client, sql);
    const objection = objectionTo(sql, fields, hasParameters);
    if (objection !== null) return { ok: false, failure: refused(objection) };
    const columns = await this.#columns(fields ?? []);
    this.#enter("run");
    return this.#read(asText(outsideOf(sql).body, columns.length, this.#options), columns);
  }

  /** Type names by the server's own format_type, asked once for each type. */
  async #columns(fields: readonly FieldDef[]): Promise<readonly Column[]> {
    const { types } = this.#session;
    const key = (field: FieldDef) => `${field.dataTypeID}, ${field.dataTypeModifier}`;
    const unknown = [...new Set(fields.map(key))].filter((each) => !types.has(each));
    if (unknown.length > 0) {
      const names = unknown.map((each) => `format_type(${each})`).join(", ");
      const answer = await this.#client.query<Cell[]>({ text: `select ${names}`, rowMode: "array", types: asItIs });
      for (const [index, each] of unknown.entries()) types.set(each, (answer.rows[0]?.[index] ?? "").toUpperCase());
    }
    return fields.map((field) => ({ name: field.name, type: types.get(key(field)) ?? "" }));
  }

  async #read(sql: string, columns: readonly Column[]): Promise<Result<QueryResult>> {
    const { maxRows, maxBytes } = this.#options;
    const { default: Cursor } = await import("pg-cursor");
    const cursor = this.#client.query(new Cursor<Cell[]>(sql, [], { rowMode: "array", types: asItIs }));
    const rows: Cell[][] = [];
    for (;;) {
      const fetched = await cursor.read(batch);
      for (const row of fetched) {
        if (rows.length >= maxRows) return this.#cut(cursor, columns, rows, "rows");
        if (Number(row.pop()) > maxBytes) return this.#cut(cursor, columns, rows, "bytes");
        rows.push(row);
      }
      if (fetched.length < batch) return ok({ columns, rows, truncated: false });
    }
  }

  async #cut(
    cursor: { close(): Promise<void> },
    columns: readonly Column[],
    rows: readonly (readonly Cell[])[],
    truncatedBy: "rows" | "bytes",
  ): Promise<Result<QueryResult>> {
    await cursor.close();
    return ok({ columns, rows, truncated: true, truncatedBy });
  }
}

interface Caps {
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly timeout: number;
}

function withDefaults({ maxRows, maxBytes, timeout }: QueryOptions): Caps {
  return {
    maxRows: maxRows ?? defaults.maxRows,
    maxBytes: maxBytes ?? defaults.maxBytes,
    timeout: timeout ?? defaults.timeout,
  };
}

/** Every value as the server wrote it. */
const asItIs = { getTypeParser: () => (value: string) => value } as never;

/** What the server described, as a reason against it; null where it is a SELECT. */
function objectionTo(sql: string, fields: readonly FieldDef[] | null, hasParameters: boolean): string | null {
  const { firstWord } = outsideOf(sql);
  if (fields === null)
    return firstWord === "" ? "it holds no statement" : `it is no SELECT but ${firstWord.toUpperCase()}`;
  if (!/^(select|with|values|table)$/.test(firstWord)) return `it is no SELECT but ${firstWord.toUpperCase()}`;
  if (hasParameters) return "it has parameters without values";
  return fields.length === 0 ? "it has no columns" : null;
}

/**
 * The transaction and its settings in one round trip. What decides how values look is set, since it decides digests; the
 * server's own limit ends the query where this process is no more.
 */
function beginning({ settings, tag }: Session, { timeout, label }: Caps & QueryOptions): string {
  const all = {
    ...settings,
    statement_timeout: literal(String(timeout + 1_000)),
    // The server cuts it at 63 bytes, and so might cut a character of several in two.
    application_name: literal(cutAt(label === undefined ? tag : `${tag}/${label}`, 63)),
  };
  const set = Object.entries(all).map(([name, value]) => `set_config('${name}', ${value}, true)`);
  return `begin transaction read only; select ${set.join(", ")}`;
}

/** Whatever standard_conforming_strings was before. */
export function literal(text: string): string {
  return `E${dialect.literal(text.replaceAll("\\", "\\\\"))}`;
}

function cutAt(text: string, bytes: number): string {
  let cut = text;
  while (Buffer.byteLength(cut) > bytes) cut = [...cut].slice(0, -1).join("");
  return cut;
}

/**
 * Wraps an admitted SELECT: each column as text, and the bytes of all rows so far. Rows over the cap come without their
 * text, so a cell of 200 MB never leaves the server. The limit keeps the planner from taking `v` into its readers, which
 * would cast each value several times. Inside of a FROM a WITH that writes is no longer allowed.
 */
function asText(body: string, width: number, { maxRows, maxBytes }: Caps): string {
  const list = (text: (index: number) => string) => Array.from({ length: width }, (_, index) => text(index)).join(", ");
  const size = Array.from({ length: width }, (_, index) => `coalesce(octet_length(v${index}), 0)::bigint`).join(" + ");
  return `select ${list((index) => `case when total <= ${maxBytes} then v${index} end`)}, total
from (select v.*, sum(${size}) over (rows unbounded preceding) as total
from (select ${list((index) => `${dialect.toText(`c${index}`)} as v${index}`)}
from (
${body}
) as t(${list((index) => `c${index}`)}) limit ${maxRows + 1}) as v) as w`;
}
