// What is kept of a task's queries, and for how long.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openQueryLog, type QueryLog } from "../../src/mcp/query-log.js";
import { failed, ok } from "../../src/model/result.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-queries-"));
  file = join(folder, "queries.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (): Promise<QueryLog> =>
  openQueryLog({ file, now: () => new Date(0), redact: (text) => text.replaceAll("hidden", "[redacted]") });
const result = (rows: readonly (readonly (string | null)[])[]) =>
  ok({ columns: [{ name: "c", type: "VARCHAR" }], rows, truncated: false });
const lines = async () =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

it("a query that gave a result can be cited by its id; one that failed is recorded alone", async () => {
  const log = await open();
  expect(await log.record("run_sql", "select 'hidden'", result([["1"]]))).toBe("q1");
  expect(await log.record("run_sql", "select x", failed("query-failed", "no column x"))).toBe("q2");
  // The SQL must run again as it was; what is written of it is for reading.
  expect([log.sqlOf("q1"), log.sqlOf("q2"), log.sqlOf("q3"), log.sqlOf("constructor")]).toEqual([
    "select 'hidden'",
    null,
    null,
    null,
  ]);
  expect(await lines()).toEqual([
    expect.objectContaining({ query_id: "q1", sql: "select '[redacted]'", rows: 1, truncated: false }),
    expect.objectContaining({ query_id: "q2", failure: "query-failed" }),
  ]);
});

it("an attempt after another goes on counting, so that no id stands for two queries", async () => {
  await (await open()).record("run_sql", "select 1", result([["1"]]));
  const log = await open();
  expect(log.sqlOf("q1")).toBe(null);
  expect(await log.record("run_sql", "select 2", result([["2"]]))).toBe("q2");
  expect((await lines()).map(({ query_id }) => query_id)).toEqual(["q1", "q2"]);
});

it("queries at the same time each have a line of their own, whole", async () => {
  const log = await open();
  const sqls = Array.from({ length: 50 }, (_, n) => `select ${n}`);
  const ids = await Promise.all(sqls.map((sql) => log.record("run_sql", sql, result([[sql]]))));
  expect(ids.map((id) => log.sqlOf(id))).toEqual(sqls);
  const written = await lines();
  expect(new Set(written.map(({ query_id }) => query_id)).size).toBe(50);
  for (const line of written) expect(log.sqlOf(line.query_id)).toBe(line.sql);
});

it("the newest result is always held, and older ones as long as there is room", async () => {
  const log = await open();
  const large = result(Array.from({ length: 5 }, () => ["x".repeat(1_000_000)]));
  await log.record("run_sql", "one", large);
  await log.record("run_sql", "two", large);
  expect([log.resultOf("q1"), log.resultOf("q2")?.rows.length]).toEqual([null, 5]);
  await log.record("run_sql", "three", result([["1"]]));
  expect([log.resultOf("q2")?.rows.length, log.resultOf("q3")?.rows.length]).toEqual([5, 1]);
  expect(log.sqlOf("q1")).toBe("one");
});

it("a query that cannot be recorded is not taken for one that was", async () => {
  await writeFile(join(folder, "in-the-way"), "");
  const log = await openQueryLog({
    file: join(folder, "in-the-way/queries.jsonl"),
    now: () => new Date(0),
    redact: (text) => text,
  });
  await expect(log.record("run_sql", "select 1", result([["1"]]))).rejects.toThrow(/ENOTDIR/);
  expect(log.sqlOf("q1")).toBe(null);
});
