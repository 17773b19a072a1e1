// What is DuckDB's own: exact text of its types, huge cells, and the private copy of the file.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { temporaryDuckdb, writeDuckdb } from "../fakes/warehouse.js";
import { warehouseContext } from "../rig/warehouse-context.js";

describe("values of DuckDB", () => {
  it("come as the exact text of DuckDB's own cast, with their types", async () => {
    const temporary = await temporaryDuckdb([]);
    const values: [string, string | null, string][] = [
      ["170141183460469231731687303715884105727::hugeint", "170141183460469231731687303715884105727", "HUGEINT"],
      ["1.10::decimal(38,10)", "1.1000000000", "DECIMAL(38,10)"],
      ["0.1::double", "0.1", "DOUBLE"],
      ["(1::double / 3)", "0.3333333333333333", "DOUBLE"],
      ["1e308::double", "1e+308", "DOUBLE"],
      ["'nan'::double", "nan", "DOUBLE"],
      ["'-inf'::double", "-inf", "DOUBLE"],
      ["date '2024-02-29'", "2024-02-29", "DATE"],
      ["timestamp '2024-01-02 03:04:05.000006'", "2024-01-02 03:04:05.000006", "TIMESTAMP"],
      ["'2024-01-02 03:04:05+02'::timestamptz", "2024-01-02 01:04:05+00", "TIMESTAMP WITH TIME ZONE"],
      ["time '03:04:05.5'", "03:04:05.5", "TIME"],
      ["interval '14 months 3 days 4 hours'", "1 year 2 months 3 days 04:00:00", "INTERVAL"],
      ["'\\x00\\xFFab\\x5C'::blob", "\\x00\\xFFab\\x5C", "BLOB"],
      ["'47183823-2574-4bfd-b411-99ed177d3e43'::uuid", "47183823-2574-4bfd-b411-99ed177d3e43", "UUID"],
      ["[1, null, 3]", "[1, NULL, 3]", "INTEGER[]"],
      ["{'a': 'x, y', 'b': null}", "{'a': 'x, y', 'b': NULL}", "STRUCT(a VARCHAR, b INTEGER)"],
      ["map {'k': 1.5}", "{k=1.5}", "MAP(VARCHAR, DECIMAL(2,1))"],
      ["true", "true", "BOOLEAN"],
      ["'101'::bit", "101", "BIT"],
      ["'a' || chr(0) || 'ü😀'", "a\0ü😀", "VARCHAR"],
      ["''", "", "VARCHAR"],
      ["null", null, "INTEGER"],
    ];
    const result = await temporary.warehouse.query(`select ${values.map(([sql]) => sql).join(", ")}`);
    if (!result.ok) throw new Error(result.failure.message);
    expect(result.value.rows[0]).toEqual(values.map(([, text]) => text));
    const types = result.value.columns.map((column) => column.type.replaceAll('"', ""));
    // The type of a bare NULL has a name of its own in some versions.
    expect(types.slice(0, -1)).toEqual(values.slice(0, -1).map(([, , type]) => type));
    await temporary.close();
  });

  it("that are huge stay in the database, and the rows before them are kept", async () => {
    const temporary = await temporaryDuckdb([
      "create table big as select i, repeat('x', case when i < 3 then 10 else 20000000 end::int) as v from range(4) t(i)",
    ]);
    const before = process.memoryUsage().heapUsed;
    const result = await temporary.warehouse.query("select i, v from big order by i");
    expect(result.ok && [result.value.rows.length, result.value.truncatedBy]).toEqual([3, "bytes"]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(15_000_000);
    await temporary.close();
  });

  it("that DuckDB cannot cast make a failure with its words, in the middle of a result too", async () => {
    const temporary = await temporaryDuckdb(["create table t as select range::varchar as v from range(5000)"]);
    const result = await temporary.warehouse.query(
      "select case when v = '4999' then error('row ' || v || ' is bad') else v end from t",
      { maxRows: 10_000 },
    );
    expect(result.ok ? "ok" : result.failure).toMatchObject({ code: "query-failed" });
    expect(result.ok ? "" : result.failure.message).toContain("row 4999 is bad");
    await temporary.close();
  });
});

describe("opening a DuckDB file", () => {
  let folder: string;
  let scratchDir: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "audit-run-open-"));
    scratchDir = join(folder, "scratch");
    await mkdir(scratchDir);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  });
  const open = (path: string) => duckdb.open({ path }, warehouseContext(folder, { scratchDir }));

  it("copies it under its own name, so that the catalog's name stays, and removes the copy at close", async () => {
    await writeDuckdb(join(folder, "dot bids.duckdb"), ["create table t as select 42 as x"]);
    const opened = await open("dot bids.duckdb");
    if (!opened.ok) throw new Error(opened.failure.message);
    const [copy] = await readdir(scratchDir);
    expect(await readdir(join(scratchDir, copy ?? ""))).toContain("dot bids.duckdb");
    const result = await opened.value.query('select x from "dot bids".main.t');
    expect(result.ok && result.value.rows).toEqual([["42"]]);
    await opened.value.close();
    await opened.value.close();
    expect(await readdir(scratchDir)).toEqual([]);
    const after = await opened.value.query("select 1");
    expect(after.ok ? "ok" : after.failure.code).toBe("aborted");
  });

  it("does not keep dbt from writing to the original, and shows the data as it was", async () => {
    const file = join(folder, "a.duckdb");
    await writeDuckdb(file, ["create table t as select 1 as x"]);
    const opened = await open(file);
    if (!opened.ok) throw new Error(opened.failure.message);
    await writeDuckdb(file, ["insert into t values (2)"]);
    const result = await opened.value.query("select count(*) from t");
    expect(result.ok && result.value.rows).toEqual([["1"]]);
    await opened.value.close();
  });

  it("sees what is in the write-ahead log only, as a killed dbt leaves it", async () => {
    const file = join(folder, "a.duckdb");
    const child = writer(
      file,
      "await c.run('set checkpoint_threshold = \\'1 TB\\''); await c.run('create table t as select 7 as x');",
    );
    await lineOf(child);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect((await stat(`${file}.wal`)).size).toBeGreaterThan(0);
    const opened = await open(file);
    if (!opened.ok) throw new Error(opened.failure.message);
    const result = await opened.value.query("select x from t");
    expect(result.ok && result.value.rows).toEqual([["7"]]);
    await opened.value.close();
  });

  it("says so where another program writes to it", async () => {
    const file = join(folder, "a.duckdb");
    await lineOf(writer(file, "await c.run('create table t as select 7 as x');"));
    const opened = await open(file);
    expect(opened.ok ? "ok" : opened.failure).toMatchObject({
      code: "warehouse-unreachable",
      message: expect.stringContaining("is being written by another program"),
      hint: expect.stringContaining("dbt"),
    });
    expect(await readdir(scratchDir)).toEqual([]);
  });

  it("says so where there is none, where it is a folder, and where it is no database", async () => {
    await writeFile(join(folder, "text.duckdb"), "this is no database, however long it may be".repeat(200));
    await writeFile(join(folder, "short.duckdb"), "x");
    for (const path of ["missing.duckdb", ".", "text.duckdb", "short.duckdb"]) {
      const opened = await open(path);
      expect([path, opened.ok ? "ok" : opened.failure.code]).toEqual([path, "warehouse-unreachable"]);
      expect(opened.ok ? "" : opened.failure.hint).not.toBe("");
    }
    expect(await readdir(scratchDir)).toEqual([]);
  });

  it("removes copies of dead processes and leaves those of living ones", async () => {
    const dead = spawn(process.execPath, ["-e", "0"]);
    await once(dead, "exit");
    for (const name of [`duckdb-${dead.pid}-0a`, `duckdb-${process.pid}-0b`, "duckdb-1-0c", "evidence"]) {
      await mkdir(join(scratchDir, name));
    }
    await writeDuckdb(join(folder, "a.duckdb"), []);
    const opened = await open("a.duckdb");
    if (!opened.ok) throw new Error(opened.failure.message);
    // The one of this process's id was made by an earlier process: this one never made it.
    const left = (await readdir(scratchDir)).filter((name) => /^(duckdb-1-0c|evidence|.*-0[ab])$/.test(name));
    expect(left.sort()).toEqual(["duckdb-1-0c", "evidence"]);
    await opened.value.close();
  });

  it("takes no more memory than it may, and says so to a query that wants more", async () => {
    const folder = await mkdtemp(join(tmpdir(), "audit-run-duckdb-"));
    await writeDuckdb(join(folder, "demo.duckdb"), ["create table t as select 1 as i"]);
    const opened = await duckdb.open({ path: "demo.duckdb", memoryLimit: "32MB" }, warehouseContext(folder));
    if (!opened.ok) throw new Error(opened.failure.message);
    const greedy = await opened.value.query(
      "select max(length(x)) from (select list(repeat('x', 1000)) as x from range(200000))",
    );
    expect(greedy).toMatchObject({
      ok: false,
      failure: {
        message: expect.stringMatching(/^Out of Memory Error: [^\n]*$/),
        hint: expect.stringContaining("warehouse.memoryLimit"),
      },
    });
    const sorted = "select distinct i::varchar || repeat('x', 40) as x from range(400000) t(i) order by 1";
    expect(
      await opened.value.query(`select count(*) from (${sorted} limit 300000)`),
      "it sorts on the disk, also on the locked handle",
    ).toMatchObject({ ok: true, value: { rows: [["300000"]] } });
    expect(await opened.value.query("select i from t")).toMatchObject({ ok: true });
    await opened.value.close();
    const usual = await duckdb.open({ path: "demo.duckdb" }, warehouseContext(folder));
    if (!usual.ok) throw new Error(usual.failure.message);
    expect(await usual.value.query("select current_setting('memory_limit')")).toMatchObject({
      value: { rows: [["953.6 MiB"]] },
    });
    await usual.value.close();
    await rm(folder, { recursive: true });
    for (const memoryLimit of ["much", "-1GB", "2", "80%"])
      expect(duckdb.settings.safeParse({ path: "a.duckdb", memoryLimit }).success).toBe(false);
  });

  it("refuses settings that name no file", () => {
    expect(duckdb.settings.safeParse({ path: ":memory:" }).success).toBe(false);
    expect(duckdb.settings.safeParse({ path: "md:audit" }).success).toBe(false);
    expect(duckdb.settings.safeParse({ path: "" }).success).toBe(false);
    expect(duckdb.settings.safeParse({ path: "x.duckdb", pasword: "x" }).success).toBe(false);
    expect(duckdb.settings.safeParse({ path: "x.duckdb" }).success).toBe(true);
  });

  /** A process that holds the file open for writing; it prints a line when the statements are done. */
  function writer(file: string, statements: string): ChildProcess {
    const script = `import { DuckDBInstance } from "@duckdb/node-api";
const i = await DuckDBInstance.create(${JSON.stringify(file)});
const c = await i.connect();
${statements}
console.log("ready");
setInterval(() => c, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    return child;
  }

  async function lineOf(child: ChildProcess): Promise<void> {
    if (child.stdout === null) throw new Error("BUG: no stdout");
    await once(child.stdout, "data");
  }
});

describe("the files of a DuckDB warehouse", () => {
  it("are the database and its log, beside the config, so that no slot may hold them", () => {
    const settings = duckdb.settings.parse({ path: "../data/dev.duckdb" });
    expect(duckdb.localFiles?.(settings, "/data/audits")).toEqual([
      "/data/data/dev.duckdb",
      "/data/data/dev.duckdb.wal",
    ]);
  });

  it("are also those that the config attaches, and no others: each a copy, which nobody writes to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "audit-run-attached-"));
    const scratchDir = join(folder, "scratch");
    try {
      await writeDuckdb(join(folder, "bids.duckdb"), ["create table t as select 1 as x"]);
      await writeDuckdb(join(folder, "feed.duckdb"), ["create table vendors as select 'v1' as vendor_id"]);
      await writeDuckdb(join(folder, "other.duckdb"), []);
      const settings = duckdb.settings.parse({ path: "bids.duckdb", attach: { "Bought feed": "feed.duckdb" } });
      const files = duckdb.localFiles?.(settings, folder) ?? [];
      expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
        ...["bids.duckdb", "bids.duckdb.wal", "feed.duckdb", "feed.duckdb.wal"],
      ]);
      const opened = await duckdb.open(settings, warehouseContext(folder, { scratchDir }));
      if (!opened.ok) throw new Error(opened.failure.message);
      const warehouse = opened.value;
      const relation = { database: "Bought feed", schema: "main", name: "vendors" };
      const read = await warehouse.query(`select * from ${warehouse.dialect.relation(relation)}, bids.main.t`);
      expect(read.ok && read.value.rows).toEqual([["v1", "1"]]);
      const described = await warehouse.describe([relation]);
      expect(described.ok && [...described.value.values()]).toEqual([[{ name: "vendor_id", type: "VARCHAR" }]]);
      await writeDuckdb(join(folder, "feed.duckdb"), ["insert into vendors values ('v2')"]);
      const refused = [
        `attach '${join(folder, "other.duckdb")}' as other`,
        `select * from read_csv('${join(folder, "audit.csv")}')`,
        `delete from "Bought feed".main.vendors`,
      ];
      for (const sql of refused) expect((await warehouse.query(sql)).ok, sql).toBe(false);
      const again = await warehouse.query('select count(*) from "Bought feed".main.vendors');
      expect(again.ok && again.value.rows).toEqual([["1"]]);
      await warehouse.close();
      expect(await readdir(scratchDir)).toEqual([]);
      const missing = await duckdb.open(
        { path: "bids.duckdb", attach: { gone: "gone.duckdb" } },
        warehouseContext(folder),
      );
      expect(missing.ok === false && missing.failure).toMatchObject({
        code: "warehouse-unreachable",
        hint: expect.stringContaining("warehouse.attach.gone"),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("cannot be attached under a name that DuckDB keeps for itself, nor be in memory", () => {
    for (const attach of [{ temp: "a.duckdb" }, { 'a"b': "a.duckdb" }, { a: ":memory:" }, { a: "md:mine" }]) {
      expect(duckdb.settings.safeParse({ path: "bids.duckdb", attach }).success, JSON.stringify(attach)).toBe(false);
    }
  });
});
