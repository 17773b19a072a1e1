/** What is Postgres' own, against a real server: logins, rights, lost connections, cancelled queries, exact text. */
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { postgres } from "../../src/adapters/warehouses/postgres.js";
import type { Failure, Result } from "../../src/model/result.js";
import type { Cell, Warehouse } from "../../src/model/warehouse.js";
import { wireTo } from "../rig/cut-off.js";
import { type PostgresDatabase, sharedPostgres } from "../rig/postgres.js";
import { warehouseContext } from "../rig/warehouse-context.js";

const endless = "select count(*) from generate_series(1, 1000000000000) as t(i) where i * i % 7 = 3";

let database: PostgresDatabase;
beforeAll(async () => {
  const server = await sharedPostgres();
  database = await server.database([
    "create schema raw",
    'create table raw."Bids" (id integer, state text)',
    `insert into raw."Bids" values (1, 'VA'), (2, 'TX')`,
    "create table public.open (id integer)",
    "create sequence public.numbers",
    'create view public.seen as select * from raw."Bids"',
    `create role plain login password 'plain secret'`,
    "create role reads_raw",
    'grant usage on schema raw to reads_raw; grant select on raw."Bids" to reads_raw',
    "create role writer login password 'w' in role pg_read_all_data; grant insert on public.open to writer",
  ]);
});
afterAll(async () => {
  await database.run(["drop owned by plain, reads_raw, writer"]);
  await database.drop();
  await database.server.run("postgres", ["drop role plain", "drop role reads_raw", "drop role writer"]);
});

type Changes = Readonly<Record<string, unknown>>;

function tryOpen(changes: Changes = {}, context: Parameters<typeof warehouseContext>[1] = {}) {
  const settings = postgres.settings.parse({ ...database.settings, ...changes });
  return postgres.open(settings, warehouseContext(tmpdir(), context));
}

async function opened(changes?: Changes, context?: Parameters<typeof warehouseContext>[1]): Promise<Warehouse> {
  const result = await tryOpen(changes, context);
  if (!result.ok) throw new Error(`${result.failure.message}: ${result.failure.detail ?? ""}`);
  onTestFinished(() => result.value.close());
  return result.value;
}

function failure(result: Result<unknown>): Failure {
  if (result.ok) throw new Error("it did not fail");
  return result.failure;
}

async function rows(warehouse: Warehouse, sql: string, options?: Parameters<Warehouse["query"]>[1]) {
  const result = await warehouse.query(sql, options);
  if (!result.ok) throw new Error(`${result.failure.message}\n${sql}`);
  return result.value.rows;
}

/** Looks again and again, at the server, until it is so. */
async function until(sql: string, wanted: Cell): Promise<void> {
  for (;;) if ((await database.rows(sql))[0]?.[0] === wanted) return;
}

const active = (name: string) =>
  `select count(*) from pg_stat_activity where state = 'active' and application_name = '${name}'`;

describe("logging in", () => {
  it("says whose password is refused, and never the password", async () => {
    const refused = failure(await tryOpen({ password: "canary-of-a-password" }));
    expect(refused).toMatchObject({
      code: "warehouse-auth",
      message: expect.stringMatching(/^Postgres at 127\.0\.0\.1:\d+: the password of user 'audit_reader' is refused$/),
    });
    expect(JSON.stringify(refused)).not.toContain("canary");
  });

  it("tells an unknown user, an unknown database and a missing password apart", async () => {
    // The server does not say whether it is the user or the password.
    expect(failure(await tryOpen({ user: "nobody_here" })).message).toContain("password of user 'nobody_here'");
    const unknown = failure(await tryOpen({ database: "nowhere" }));
    expect([unknown.code, unknown.message.split(": ")[1]]).toEqual([
      "warehouse-auth",
      "there is no database 'nowhere'",
    ]);
    const { password: _, ...without } = database.settings;
    const needs = await postgres.open(postgres.settings.parse(without), warehouseContext(tmpdir()));
    expect(failure(needs)).toMatchObject({
      code: "warehouse-auth",
      message: expect.stringContaining("needs a password"),
    });
    const given = warehouseContext(tmpdir(), { env: { PGPASSWORD: String(database.settings.password) } });
    const byVariable = await postgres.open(postgres.settings.parse(without), given);
    expect(byVariable.ok).toBe(true);
    if (byVariable.ok) await byVariable.value.close();
  });

  it("says that nobody answers, and that a name is not known; another try may pass", async () => {
    const wire = await wireTo(1);
    await wire.close();
    const refused = failure(await tryOpen({ port: wire.port }));
    expect([refused.code, refused.message]).toEqual([
      "warehouse-unreachable",
      `Postgres at 127.0.0.1:${wire.port}: nobody answers (connection refused)`,
    ]);
    const unknown = failure(await tryOpen({ host: "no-such-host.invalid" }));
    expect([unknown.code, unknown.message]).toEqual([
      "warehouse-unreachable",
      expect.stringContaining("the name 'no-such-host.invalid' is not known"),
    ]);
  });

  it("gives up on a server that says nothing", async () => {
    const wire = await wireTo(database.server.port);
    onTestFinished(() => wire.close());
    wire.goDead();
    const silent = failure(await tryOpen({ port: wire.port, connectTimeout: 1 }));
    expect([silent.code, silent.message.split(": ").at(-1)]).toEqual(["warehouse-unreachable", "no answer in time"]);
  });

  it("takes a role, and says with which GRANT it could where it may not", async () => {
    const refused = failure(await tryOpen({ user: "plain", password: "plain secret", role: "reads_raw" }));
    expect(refused).toMatchObject({
      code: "warehouse-auth",
      hint: expect.stringContaining('GRANT "reads_raw" TO "plain"'),
    });
    expect(failure(await tryOpen({ role: "no_such_role" })).code).toBe("warehouse-auth");
    const { user, password } = database.server.admin;
    const warehouse = await opened({ user, password, role: "reads_raw" });
    expect(await rows(warehouse, "select current_user, session_user")).toEqual([["reads_raw", user]]);
    expect((await rows(warehouse, 'select * from raw."Bids"')).length).toBe(2);
    expect(failure(await warehouse.query("select * from public.open"))).toMatchObject({
      code: "grant-missing",
      hint: 'GRANT SELECT ON "public"."open" TO "reads_raw";',
    });
  });

  it("comes in by the server's socket as well", async () => {
    const { user } = database.server.admin;
    const warehouse = await opened({ host: database.server.socketDir, user, password: undefined });
    expect(await rows(warehouse, "select inet_client_addr() is null")).toEqual([["true"]]);
  });
});

describe("rights", () => {
  const plain = { user: "plain", password: "plain secret" };

  it("names the relation that may not be read, and the GRANT that is needed", async () => {
    const warehouse = await opened(plain);
    expect(failure(await warehouse.query('select * from raw."Bids"'))).toMatchObject({
      code: "grant-missing",
      message: expect.stringContaining("role plain may not use the schema raw"),
      hint: 'GRANT USAGE ON SCHEMA "raw" TO "plain";',
    });
    expect(failure(await warehouse.query("select * from open"))).toMatchObject({
      code: "grant-missing",
      message: expect.stringContaining("role plain may not read public.open"),
      hint: 'GRANT SELECT ON "public"."open" TO "plain";',
    });
  });

  it("looks before it leaps: what is lacking, and who may write", async () => {
    const relations = ["raw.Bids", "public.open", "public.nothing"].map((name) => {
      const [schema = "", table = ""] = name.split(".");
      return { database: database.name, schema, name: table };
    });
    const notes = async (changes: Changes) => {
      const result = await (await opened(changes)).preflight?.(relations);
      if (result === undefined || !result.ok) throw new Error("no preflight");
      return result.value.map(({ level, message, hint }) => `${level}: ${message}${hint === null ? "" : ` | ${hint}`}`);
    };
    const missing = `problem: there is no relation ${database.name}.public.nothing in this database | let dbt build it, or check the database and the schema of dbt's target`;
    expect(await notes(plain)).toEqual([
      `problem: role plain may not read ${database.name}.raw.Bids | GRANT USAGE ON SCHEMA "raw" TO "plain"; GRANT SELECT ON "raw"."Bids" TO "plain";`,
      `problem: role plain may not read ${database.name}.public.open | GRANT SELECT ON "public"."open" TO "plain";`,
      missing,
      "ok: role plain can read 0 of 3 relations",
    ]);
    expect(await notes({})).toEqual([missing, "ok: role audit_reader can read 2 of 3 relations"]);
    expect((await notes({ user: "writer", password: "w" })).at(-1)).toMatch(
      /^warning: role writer may write to audit_\d+\.public\.open; every query runs in a read-only transaction/,
    );
    const { user, password } = database.server.admin;
    expect((await notes({ user, password })).at(-1)).toMatch(/^warning: role audit_admin is a superuser;/);
  });

  it("lets a superuser change nothing, whatever the statement", async () => {
    const { user, password } = database.server.admin;
    const warehouse = await opened({ user, password });
    const attempts = [
      "with gone as (delete from public.open returning *) select * from gone",
      "select setval('public.numbers', 7)",
      'select * from raw."Bids" for update',
      "select 1; drop table public.open",
      "commit; drop table public.open",
      "select 1 into new_table",
      "explain analyze delete from public.open",
      "values (1); commit",
      "select set_config('transaction_read_only', 'off', true) || lo_create(4711)",
    ];
    for (const sql of attempts) {
      const { code } = failure(await warehouse.query(sql));
      expect([sql, code]).toEqual([sql, expect.stringMatching(/^query-(refused|failed)$/)]);
    }
    // Before version 16 a read-only transaction lets this through; that ours is always rolled back, it does not survive.
    await warehouse.query("select lo_create(4711)");
    expect(await database.rows("select count(*) from pg_largeobject_metadata")).toEqual([["0"]]);
    expect(await database.rows("select last_value from public.numbers")).toEqual([["1"]]);
    // What a statement sets for the session is gone with its transaction.
    await warehouse.query(
      "select set_config('search_path', 'raw', false), set_config('TimeZone', 'Asia/Tokyo', false)",
    );
    for (let again = 0; again < 4; again += 1) {
      expect(await rows(warehouse, "select current_setting('TimeZone')")).toEqual([["UTC"]]);
    }
  });
});

describe("what goes wrong on the way", () => {
  it("shows the place of a mistake, and the server's hint", async () => {
    const warehouse = await opened();
    const { code, message } = failure(await warehouse.query('select id,\n  stat from raw."Bids"'));
    expect([code, message]).toEqual([
      "query-failed",
      'column "stat" does not exist\nLINE 2:   stat from raw."Bids"\n          ^\nHINT: Perhaps you meant to reference the column "Bids.state".',
    ]);
    expect(failure(await warehouse.query("select * from raw.bids"))).toMatchObject({
      code: "relation-missing",
      message: expect.stringContaining('relation "raw.bids" does not exist'),
    });
    expect(failure(await warehouse.query('select b.id from raw."Bids"')).code).toBe("query-failed");
    expect(failure(await warehouse.query('select * from elsewhere.raw."Bids"')).message).toContain("cross-database");
  });

  it("meets a table that was dropped, and a column that was renamed, since it was described", async () => {
    const warehouse = await opened();
    await database.run(["create table drifting (id integer, amount integer)"]);
    const relation = { database: database.name, schema: "public", name: "drifting" };
    const described = await warehouse.describe([relation]);
    expect(described.ok && [...described.value.values()]).toEqual([
      [
        { name: "id", type: "INTEGER" },
        { name: "amount", type: "INTEGER" },
      ],
    ]);
    await database.run(["alter table drifting rename column amount to total"]);
    expect(failure(await warehouse.query("select amount from drifting"))).toMatchObject({
      code: "query-failed",
      message: expect.stringContaining('column "amount" does not exist'),
    });
    await database.run(["drop table drifting"]);
    expect(failure(await warehouse.query("select total from drifting")).code).toBe("relation-missing");
    expect(await warehouse.describe([relation])).toEqual({ ok: true, value: new Map() });
  });

  it("says that the connection was cut, in the middle of a result as at its start, and works on", async () => {
    const wire = await wireTo(database.server.port);
    onTestFinished(() => wire.close());
    const warehouse = await opened({ port: wire.port, sslmode: "disable" });
    wire.cutAfter(200_000);
    const long = "select i, repeat('x', 1000) from generate_series(1, 100000) as t(i)";
    const cut = failure(await warehouse.query(long, { maxRows: 1_000_000, maxBytes: 1e9 }));
    expect(cut).toMatchObject({
      code: "warehouse-unreachable",
      message: expect.stringContaining("the connection to Postgres was cut while a query ran"),
    });
    wire.cutAfter(Number.POSITIVE_INFINITY);
    expect(await rows(warehouse, "select 1")).toEqual([["1"]]);
    // Idle connections that are dead are not the next query's trouble.
    wire.cut();
    expect(await rows(warehouse, "select 2")).toEqual([["2"]]);
  });

  it("says that the server ended the session", async () => {
    const warehouse = await opened();
    const pending = warehouse.query(endless, { label: "ended" });
    await until(active("audit-run/test/ended"), "1");
    await database.rows(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'audit-run/test/ended'",
    );
    const { code, message } = failure(await pending);
    expect([code, message]).toEqual(["warehouse-unreachable", expect.stringContaining("administrator command")]);
    expect(await rows(warehouse, "select 1")).toEqual([["1"]]);
  });

  it("ends at the server what timed out or was aborted here", async () => {
    const warehouse = await opened();
    expect(failure(await warehouse.query(endless, { timeout: 50, label: "late" })).code).toBe("query-timeout");
    const controller = new AbortController();
    const pending = warehouse.query(endless, { signal: controller.signal, label: "late" });
    await until(active("audit-run/test/late"), "1");
    controller.abort();
    expect(failure(await pending).code).toBe("aborted");
    await until(active("audit-run/test/late"), "0");
  });

  it("answers a timeout also where the network is dead", async () => {
    const wire = await wireTo(database.server.port);
    onTestFinished(() => wire.close());
    const warehouse = await opened({ port: wire.port, sslmode: "disable" });
    const pending = warehouse.query(endless, { timeout: 500, label: "dead" });
    await until(active("audit-run/test/dead"), "1");
    wire.goDead();
    expect(failure(await pending).code).toBe("query-timeout");
    await wire.close();
    await until(active("audit-run/test/dead"), "0");
  });

  it("never has more connections than it may, and none when it is closed", async () => {
    const warehouse = await opened({}, { maxConnections: 2, audit: "bounded" });
    const queries = Array.from({ length: 9 }, () =>
      rows(warehouse, "select count(*) from pg_stat_activity where application_name = 'audit-run/bounded'"),
    );
    const most = Math.max(...(await Promise.all(queries)).map(([row]) => Number(row?.[0])));
    expect(most).toBeLessThanOrEqual(2);
    await warehouse.close();
    await until("select count(*) from pg_stat_activity where application_name like 'audit-run%bounded%'", "0");
  });

  it("tags each statement with the audit and the node, in 63 bytes", async () => {
    const warehouse = await opened({}, { audit: "Ünïted states' audit" });
    const shown = async (label?: string) =>
      (
        await rows(warehouse, "select current_setting('application_name')", label === undefined ? {} : { label })
      )[0]?.[0];
    // The server writes what is not ASCII as it likes.
    expect(await shown("export")).toMatch(/^audit-run\/.+n.+ted states' audit\/export$/);
    expect(Buffer.byteLength((await shown("investigate:".repeat(30))) ?? "")).toBeLessThanOrEqual(63);
  });
});

describe("exact text", () => {
  it("does not depend on the defaults of server, database or user", async () => {
    const warehouse = await opened();
    const values = [
      ["timestamptz '2026-03-08 01:30:00.123456-05'", "2026-03-08 06:30:00.123456+00"],
      ["timestamp 'infinity'", "infinity"],
      ["date '0044-03-15 BC'", "0044-03-15 BC"],
      ["time '23:59:59.999999'", "23:59:59.999999"],
      ["interval '1 year 2 days -3 hours'", "1 year 2 days -03:00:00"],
      ["0.1::float8 + 0.2::float8", "0.30000000000000004"],
      ["'NaN'::float4", "NaN"],
      ["12345678901234567890123456789012345678::numeric", "12345678901234567890123456789012345678"],
      ["1.500::numeric", "1.500"],
      ["9223372036854775807::bigint", "9223372036854775807"],
      ["decode('00ff41', 'hex')", "\\x00ff41"],
      [`'{"b": 1.0,  "a": [1, null]}'::json`, '{"b": 1.0,  "a": [1, null]}'],
      [`'{"b": 1.0,  "a": [1, null]}'::jsonb`, '{"a": [1, null], "b": 1.0}'],
      ["array[array[1, null], array[3, 4]]", "{{1,NULL},{3,4}}"],
      [`array['a,b', 'c"d', null, '']`, '{"a,b","c\\"d",NULL,""}'],
      ["row(1, null, 'x y')", '(1,,"x y")'],
      ["'5e5a4b3c-0000-4000-8000-000000000001'::uuid", "5e5a4b3c-0000-4000-8000-000000000001"],
      ["'10.0.0.1/8'::inet", "10.0.0.1/8"],
      ["int4range(1, 5)", "[1,5)"],
      ["point(1.5, -2)", "(1.5,-2)"],
      ["B'0101'", "0101"],
      ["xmlparse(content '<a>1</a>')", "<a>1</a>"],
      ["true", "true"],
      ["null::bytea", null],
    ] as const;
    const [row] = await rows(warehouse, `select ${values.map(([sql]) => sql).join(", ")}`);
    expect(row).toEqual(values.map(([, text]) => text));
  });

  it("names types as the server does, the server's own and others'", async () => {
    await database.run(["create type raw.mood as enum ('sad', 'ok')", "create domain raw.zip as char(5)"]);
    const warehouse = await opened();
    const sql =
      "select null::varchar(7) as a, null::numeric(12, 3) as b, null::timestamptz(3) as c, null::raw.mood as d, null::raw.zip as e, null::int[] as f";
    const result = await warehouse.query(sql);
    expect(result.ok && result.value.columns.map(({ type }) => type)).toEqual([
      "CHARACTER VARYING(7)",
      "NUMERIC(12,3)",
      "TIMESTAMP(3) WITH TIME ZONE",
      "RAW.MOOD",
      "CHARACTER(5)",
      "INTEGER[]",
    ]);
  });

  it("looks names up where the settings say", async () => {
    const bySchema = await opened({ schema: "raw" });
    expect(await rows(bySchema, 'select count(*) from "Bids"')).toEqual([["2"]]);
    expect(await rows(bySchema, "select count(*) from open")).toEqual([["0"]]);
    const byPath = await opened({ searchPath: "pg_catalog, raw" });
    expect(await rows(byPath, "select current_setting('search_path')")).toEqual([["pg_catalog, raw"]]);
    expect(failure(await byPath.query("select * from open")).code).toBe("relation-missing");
  });

  it("joins by NULL-safe equality without comparing each row with each", async () => {
    const warehouse = await opened();
    const same = warehouse.dialect.nullSafeEquals("l.id", "r.id");
    const plan = await database.rows(
      `explain select 1 from generate_series(1, 1000) as l(id) join (select i::bigint as id from generate_series(1, 1000) as t(i)) as r on ${same}`,
    );
    expect(plan.flat().join("\n")).toMatch(/(Hash|Merge) Join/);
  });
});

describe("settings", () => {
  it("come from an output of dbt's profile, with its other names", () => {
    const output = {
      ...{ type: "postgres", host: "db.example", port: "6432", user: "jg", pass: 12_345, dbname: "dot" },
      ...{ schema: "dbt_jg", role: "reader", search_path: "a, b", sslmode: "verify-ca", sslrootcert: "certs/root.crt" },
      ...{ sslkey: "/keys/k.pem", sslcert: "~/c.pem", keepalives_idle: 0, connect_timeout: 30, retries: 1, threads: 8 },
    };
    const result = postgres.fromProfile?.(output, "/home/jg/.dbt");
    expect(result).toEqual({
      ok: true,
      value: {
        ...{ host: "db.example", port: 6432, user: "jg", password: "12345", database: "dot", schema: "dbt_jg" },
        ...{ role: "reader", searchPath: "a, b", sslmode: "verify-ca", sslrootcert: "/home/jg/.dbt/certs/root.crt" },
        ...{ sslkey: "/keys/k.pem", sslcert: "~/c.pem", keepalivesIdle: 0, connectTimeout: 30 },
      },
    });
    const value = result?.ok === true ? result.value : {};
    expect(postgres.secrets?.(postgres.settings.parse(value), "/")).toEqual(["12345"]);
  });

  it("of a profile that cannot be are named by the profile's words", () => {
    const result = postgres.fromProfile?.({ type: "postgres", host: "h", dbname: ["x"], sslmode: "sometimes" }, "/");
    expect(result?.ok === false && result.failure).toMatchObject({
      code: "profile-unsupported",
      message: expect.stringMatching(/dbname: .*; sslmode: /),
    });
  });
});
