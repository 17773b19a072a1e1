// What no stand-in shows of Snowflake: what is sent with a statement, values over the wire, chunks, cancelling, lost sessions,
// errors by number. The server is a recording one on 127.0.0.1, and nothing else is talked to.
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { snowflake } from "../../src/adapters/warehouses/snowflake.js";
import type { QueryOptions, Warehouse, WarehouseContext } from "../../src/model/warehouse.js";
import {
  loggedIn,
  paths,
  type RecordingServer,
  recordingServer,
  refusal,
  rowset,
  type Script,
} from "../rig/snowflake/server.js";
import { warehouseContext } from "../rig/warehouse-context.js";

let server: RecordingServer;
let warehouse: Warehouse;

/** Hosts that this process has connected to. */
const hosts = new Set<string>();
const { connect } = Socket.prototype;
beforeAll(() => {
  Socket.prototype.connect = function (this: Socket, ...parts: unknown[]) {
    const [first] = parts.flat();
    if (typeof first === "object" && first !== null && "host" in first) hosts.add(String(first.host));
    return Reflect.apply(connect, this, parts);
  } as typeof connect;
});
afterAll(() => {
  Socket.prototype.connect = connect;
  // Tests of other files of this process talk to servers on this machine as well.
  expect([...hosts].filter((host) => !["127.0.0.1", "localhost"].includes(host))).toEqual([]);
});

afterEach(async () => {
  await warehouse?.close();
  await server?.close();
});

async function open(
  script: Script,
  given: Readonly<Record<string, unknown>> = {},
  changes: Partial<WarehouseContext> = {},
): Promise<void> {
  server = await recordingServer(script);
  const where = { account: "myorg-acct", host: "127.0.0.1", port: server.port, protocol: "http" };
  const settings = snowflake.settings.parse({ ...where, user: "auditor", password: "pass", role: "READER", ...given });
  const opened = await snowflake.open(settings, warehouseContext(tmpdir(), changes));
  if (!opened.ok) throw new Error(opened.failure.message);
  warehouse = opened.value;
}

async function failure(sql: string, options?: QueryOptions) {
  const result = await warehouse.query(sql, options);
  if (result.ok) throw new Error("it was answered");
  return result.failure;
}

describe("with a statement", () => {
  it("goes its tag, its limits, and what fixes the text of values; the session is set up before", async () => {
    await open({}, { secondaryRoles: "all" }, { audit: "q3" });
    await warehouse.query("select 1", { label: "investigate:VA", timeout: 2_500, maxRows: 7 });
    const [statement] = server.statements();
    expect(statement?.body).toMatchObject({
      sqlText: "select 1",
      parameters: {
        ...{ QUERY_TAG: "audit-run/q3/investigate:VA", STATEMENT_TIMEOUT_IN_SECONDS: 3, MULTI_STATEMENT_COUNT: 1 },
        ...{ ROWS_PER_RESULTSET: 8, TIMEZONE: "UTC", BINARY_OUTPUT_FORMAT: "HEX" },
        TIMESTAMP_TZ_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
      },
    });
    const before = server.of(paths.query).filter((request) => request !== statement);
    expect(before.map(({ body }) => body.sqlText)).toEqual([
      expect.stringMatching(/^alter session set TIMEZONE = 'UTC' /),
      "use secondary roles all",
    ]);
  });

  it("by default no other roles are used than the one that is named", async () => {
    await open({});
    expect(server.of(paths.query).map(({ body }) => body.sqlText)).toContain("use secondary roles none");
  });

  it("nothing goes that is not one SELECT: neither other statements nor files", async () => {
    await open({});
    const refused = [
      ...["put file:///etc/passwd @~", "GET @~ file:///tmp", "/* select */ delete from t", "select 1; select 2"],
      ...[
        "-- x\ncall p()",
        "( ( begin",
        "select 1; -- one\n// two\n drop table t",
        "execute immediate 'select 1'",
        ";",
      ],
    ];
    for (const sql of refused) expect([sql, (await failure(sql)).code]).toEqual([sql, "query-refused"]);
    expect(server.statements()).toEqual([]);
    for (const sql of ["select ';' as a // ; two", "with a as (select 1) select * from a;", "(select '\\'; drop' )"]) {
      expect([sql, (await warehouse.query(sql)).ok]).toEqual([sql, true]);
    }
  });

  it("at most as many sessions are opened as may be, and each serves many", async () => {
    await open({}, {}, { maxConnections: 2 });
    await Promise.all(Array.from({ length: 9 }, (_, index) => warehouse.query(`select ${index}`)));
    expect(server.of(paths.login)).toHaveLength(2);
    await warehouse.close();
    expect(server.of(paths.logout).map(({ query }) => query.delete)).toEqual(["true", "true"]);
  });
});

describe("values", () => {
  it("come to the last digit, in one form whatever the session of others would show", async () => {
    const columns = [
      ["N", "fixed", 0],
      ["D", "fixed", 2],
      ["R", "real"],
      ["B", "boolean"],
      ["T", "text"],
      ["DAY", "date"],
      ["CLOCK", "time", 9],
      ["NTZ", "timestamp_ntz", 9],
      ["LTZ", "timestamp_ltz", 9],
      ["TZ", "timestamp_tz", 9],
      ["V", "variant"],
      ["O", "object"],
      ["A", "array"],
      ["X", "binary"],
      ["N", "fixed", 0],
    ] as const;
    const row = [
      ...["12345678901234567890123456789012345678", "-1234567890123456789012345678901234.56", "0.1", "1", "it's"],
      ...["19723", "45296.123456789", "1704164645.123456789", "-1.500000000", "1704164645.000000001 1770"],
      ...['{\n  "n": 12345678901234567890123456789012345678\n}', '{"a":1.10}', "[1,undefined]", "00FFA1", "7"],
    ];
    await open({ statement: () => rowset(columns, [row, columns.map(() => null)]) });
    const result = await warehouse.query("select everything");
    if (!result.ok) throw new Error(result.failure.message);
    expect(result.value.rows).toEqual([
      [
        ...["12345678901234567890123456789012345678", "-1234567890123456789012345678901234.56", "0.1", "true", "it's"],
        ...["2024-01-01", "12:34:56.123456789", "2024-01-02 03:04:05.123456789"],
        ...["1969-12-31 23:59:58.500000000 +0000", "2024-01-02 08:34:05.000000001 +0530"],
        ...['{\n  "n": 12345678901234567890123456789012345678\n}', '{"a":1.10}', "[1,undefined]", "00FFA1", "7"],
      ],
      columns.map(() => null),
    ]);
    expect(result.value.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...["N NUMBER(38,0)", "D NUMBER(38,2)", "R FLOAT", "B BOOLEAN", "T VARCHAR", "DAY DATE", "CLOCK TIME"],
      ...["NTZ TIMESTAMP_NTZ", "LTZ TIMESTAMP_LTZ", "TZ TIMESTAMP_TZ", "V VARIANT", "O OBJECT", "A ARRAY", "X BINARY"],
      "N NUMBER(38,0)",
    ]);
  });

  it("of chunks come in order, and of a result without end no more is fetched than is asked for", async () => {
    const size = 10_000;
    const chunk = (number: number) =>
      Array.from({ length: size }, (_, index) => `["${number * size + index}"]`).join(",");
    const chunks = Array.from({ length: 1_000 }, (_, number) => ({
      ...{ url: `${server?.url}/chunk/${number}`, rowCount: size, uncompressedSize: 100_000, compressedSize: 20_000 },
    }));
    await open({
      statement: () =>
        rowset([["N", "fixed"]], [["-1"]], {
          chunks: chunks.map((one, number) => ({ ...one, url: `${server.url}/chunk/${number}` })),
          ...{ total: 10_000_001, returned: 10_000_001 },
        }),
      other: ({ path }) => {
        const number = /^\/chunk\/(\d+)$/.exec(path)?.[1];
        return number === undefined ? undefined : { raw: chunk(Number(number)) };
      },
    });
    const result = await warehouse.query("select n from endless", { maxRows: 25_000, maxBytes: 10_000_000 });
    if (!result.ok) throw new Error(result.failure.message);
    expect(result.value).toMatchObject({ truncated: true, truncatedBy: "rows" });
    expect(result.value.rows.map(([cell]) => Number(cell))).toEqual(
      Array.from({ length: 25_000 }, (_, index) => index - 1),
    );
    // Three are needed; the driver loads one ahead.
    const fetched = server.requests.filter(({ path }) => path.startsWith("/chunk/"));
    expect(fetched.length).toBeLessThanOrEqual(4);
  });
});

describe("a statement that is to end", () => {
  const endless = () => {
    let end: (answer: object) => void = () => undefined;
    const script: Script = {
      statement: () =>
        new Promise((resolve) => {
          end = resolve;
        }),
      other: ({ path }) => {
        if (path === paths.abort) end(refusal("000604", "SQL execution canceled", "57014"));
        return undefined;
      },
    };
    return script;
  };

  it("since the run was stopped, is cancelled on the server", async () => {
    await open(endless());
    const controller = new AbortController();
    const pending = failure("select slow", { signal: controller.signal });
    const { query } = await server.arrived(paths.query).then(() => statementOf("select slow"));
    controller.abort();
    expect(await pending).toMatchObject({ code: "aborted" });
    expect(server.of(paths.abort).map(({ body }) => body.requestId)).toEqual([query.requestId]);
  });

  it("since its time is over, is cancelled too, and the session serves the next", async () => {
    await open(endless(), {}, { maxConnections: 1 });
    expect(await failure("select slow", { timeout: 20 })).toMatchObject({ code: "query-timeout" });
    expect(server.of(paths.abort)).toHaveLength(1);
    const controller = new AbortController();
    controller.abort();
    expect(await failure("select 1", { signal: controller.signal })).toMatchObject({ code: "aborted" });
    expect(server.of(paths.login)).toHaveLength(1);
  });

  it("is ended by the server where its own limit is the first", async () => {
    const message = "Statement reached its statement or warehouse timeout of 1 second(s) and was canceled.";
    await open({ statement: () => refusal("000630", message, "57014") });
    expect(await failure("select slow")).toMatchObject({ code: "query-timeout" });
  });

  it("because an administrator cancelled it, says so", async () => {
    await open({ statement: () => refusal("000604", "SQL execution canceled", "57014") });
    expect((await failure("select slow")).message).toContain("cancelled in Snowflake");
  });

  /** The request of the statement; it is on its way when the session's own have been answered. */
  async function statementOf(sql: string) {
    for (;;) {
      const found = server.statements().find(({ body }) => body.sqlText === sql);
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
});

describe("a session", () => {
  it("that expires is renewed, and the statement goes on", async () => {
    let expired = true;
    await open({
      statement: () => {
        if (!expired) return rowset([["N", "fixed"]], [["42"]]);
        expired = false;
        return refusal("390112", "Your session has expired. Please login again.", "08001");
      },
      other: ({ path }) =>
        path === paths.renew
          ? {
              success: true,
              data: { sessionToken: "second", masterToken: "m", validityInSecondsST: 60, validityInSecondsMT: 60 },
            }
          : undefined,
    });
    expect(await warehouse.query("select 42")).toMatchObject({ ok: true, value: { rows: [["42"]] } });
    expect(server.of(paths.renew)).toHaveLength(1);
    expect(server.of(paths.login)).toHaveLength(1);
    expect(server.statements().at(-1)?.headers.authorization).toBe('Snowflake Token="second"');
  });

  it.each([
    ["is gone", () => refusal("390111", "Session no longer exists. New login required.", "08001")],
    ["cannot be renewed any more", () => refusal("390112", "Your session has expired.", "08001")],
  ])("that %s is replaced by a new login, once", async (_name, refused) => {
    let logins = 0;
    await open(
      {
        login: () => {
          logins += 1;
          return loggedIn({ token: `session-${logins}` });
        },
        statement: (_sql, { headers }) =>
          headers.authorization?.includes("session-1") ? refused() : rowset([["N", "fixed"]], [["42"]]),
        other: ({ path }) =>
          path === paths.renew ? refusal("390114", "Authentication token has expired.", "08001") : undefined,
      },
      {},
      { maxConnections: 1 },
    );
    expect(await warehouse.query("select 42")).toMatchObject({ ok: true, value: { rows: [["42"]] } });
    expect(logins).toBe(2);
  });

  it("that is lost again and again ends in a failure that says so, after one more login", async () => {
    await open({ statement: () => refusal("390111", "Session no longer exists.", "08001") }, {}, { maxConnections: 1 });
    expect(await failure("select 42")).toMatchObject({ code: "warehouse-unreachable" });
    expect(server.of(paths.login)).toHaveLength(2);
  });

  it("whose connection is cut asks again with the same request, so that nothing runs twice", async () => {
    let cuts = 1;
    await open({ statement: () => (cuts-- > 0 ? "cut" : rowset([["N", "fixed"]], [["42"]])) });
    expect(await warehouse.query("select 42")).toMatchObject({ ok: true });
    const ids = server.statements().map(({ query }) => query.requestId);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });

  it("that is cut while rows come ends with what happened, at the latest when its time is over", async () => {
    const chunks = [{ url: "", rowCount: 5, uncompressedSize: 9, compressedSize: 9 }];
    await open({
      statement: () =>
        rowset([["N", "fixed"]], [["1"]], {
          ...{ chunks: chunks.map((one) => ({ ...one, url: `${server.url}/chunk/0` })), total: 6, returned: 6 },
        }),
      other: ({ path }) => (path.startsWith("/chunk/") ? "cut" : undefined),
    });
    const cut = await failure("select n from t", { timeout: 2_500 });
    expect(cut.code).toBe("query-timeout");
    expect(`${cut.message} ${cut.hint}`).toMatch(/rows did not arrive.*connection may have been cut/);
  });
});

describe("an error", () => {
  it.each([
    [
      "002003",
      "SQL compilation error:\nObject 'DB.MARTS.FCT_BIDS' does not exist or not authorized.",
      "relation-missing",
      /dropped or is spelt otherwise.*GRANT SELECT ON DB\.MARTS\.FCT_BIDS TO ROLE READER/,
    ],
    [
      "003001",
      "SQL access control error:\nInsufficient privileges to operate on table 'DB.MARTS.FCT_BIDS'",
      "grant-missing",
      /GRANT USAGE ON DATABASE DB TO ROLE READER; GRANT USAGE ON SCHEMA DB\.MARTS TO ROLE READER; GRANT SELECT ON DB\.MARTS\.FCT_BIDS/,
    ],
    [
      "000904",
      "SQL compilation error: error line 1 at position 7\ninvalid identifier 'VENDOR'",
      "query-failed",
      /built the relation anew/,
    ],
    [
      "000606",
      "No active warehouse selected in the current session.",
      "warehouse-auth",
      /warehouse\.virtualWarehouse.*GRANT USAGE ON WAREHOUSE/,
    ],
    [
      "090073",
      "Warehouse 'WH' cannot be resumed because resource monitor 'RM' has exceeded its quota.",
      "warehouse-unreachable",
      /ALTER WAREHOUSE … RESUME/,
    ],
    ["001003", "SQL compilation error:\nsyntax error line 1 at position 7 unexpected 'form'.", "query-failed", null],
    ["100038", "Numeric value 'abc' is not recognized", "query-failed", null],
  ])("%s becomes a failure with its next step", async (code, message, expected, hint) => {
    await open({ statement: () => refusal(code, message) });
    const found = await failure("select vendor from db.marts.fct_bids");
    expect(found.code).toBe(expected);
    for (const word of message.match(/'[^']+'/g) ?? []) {
      if (found.code !== "warehouse-auth") expect(found.message).toContain(word.slice(1, -1));
    }
    if (hint !== null) expect(found.hint).toMatch(hint);
  });
});

describe("the catalog", () => {
  it("is asked in one statement for all relations of a database, and takes names as they are stored", async () => {
    const columns = ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "P", "S"].map(
      (name) => [name, "text"] as const,
    );
    await open({
      statement: () =>
        rowset(
          [...columns, ["CURRENT", "boolean"]],
          [
            ["RAW", "bids", "id", "NUMBER", "38", "0", "0"],
            ["RAW", "BIDS", "ID", "NUMBER", "38", "0", "0"],
            ["RAW", "BIDS", "NAME", "TEXT", null, null, "0"],
            ["RAW", "VENDORS", "V", "VARIANT", null, null, "0"],
          ],
        ),
    });
    const relation = (name: string) => ({ database: "DB", schema: "RAW", name });
    const described = await warehouse.describe([relation("BIDS"), relation("vendors"), relation("it's gone")]);
    if (!described.ok) throw new Error(described.failure.message);
    expect(Object.fromEntries(described.value)).toEqual({
      '["db","raw","bids"]': [
        { name: "ID", type: "NUMBER(38,0)" },
        { name: "NAME", type: "VARCHAR" },
      ],
      '["db","raw","vendors"]': [{ name: "V", type: "VARIANT" }],
    });
    expect(server.statements()).toHaveLength(1);
    expect(server.statements()[0]?.body.sqlText).toContain(`'it''s gone', 'IT''S GONE'`);
  });

  it("that is not there, or not for this role, has no relations", async () => {
    await open({ statement: () => refusal("002003", "Database 'NOPE' does not exist or not authorized.") });
    const described = await warehouse.describe([{ database: "NOPE", schema: "RAW", name: "BIDS" }]);
    expect(described).toEqual({ ok: true, value: new Map() });
  });
});

describe("a look before the leap", () => {
  const who = (warehouseName: string | null) =>
    rowset(
      [
        ["U", "text"],
        ["R", "text"],
        ["W", "text"],
        ["S", "text"],
      ],
      [["AUDITOR", "READER", warehouseName, '{"roles":"","value":""}']],
    );
  const granted = (rows: readonly (readonly string[])[]) =>
    rowset(
      [
        ["created_on", "text"],
        ["privilege", "text"],
        ["granted_on", "text"],
        ["name", "text"],
      ],
      rows.map((row) => ["2026", ...row]),
    );
  const relations = ["BIDS", "VENDORS", "PAYROLL"].map((name) => ({ database: "DB", schema: "RAW", name }));

  it("names what this role may not read, what only another role may, and what it could write", async () => {
    await open(
      {
        statement: (sql, { headers, body }) => {
          if (sql.startsWith("select current_user()")) return who("WH");
          if (sql === 'show grants to role "READER"') {
            return granted([
              ["SELECT", "TABLE", "DB.RAW.BIDS"],
              ["USAGE", "ROLE", "LOADER"],
            ]);
          }
          if (sql === 'show grants to role "LOADER"') return granted([["INSERT", "TABLE", "DB.RAW.BIDS"]]);
          expect(body.describeOnly).toBe(true);
          const all = headers.authorization?.includes("session-2");
          const hidden = [
            ...(sql.includes("PAYROLL") ? ["PAYROLL"] : []),
            ...(sql.includes("VENDORS") && !all ? ["VENDORS"] : []),
          ];
          if (hidden.length === 0) return rowset([["1", "fixed"]], []);
          return refusal("002003", `Object 'DB.RAW.${hidden[0]}' does not exist or not authorized.`);
        },
        login: (() => {
          let logins = 0;
          return () => {
            logins += 1;
            return loggedIn({ token: `session-${logins}` });
          };
        })(),
      },
      {},
      { maxConnections: 1 },
    );
    const notes = await warehouse.preflight?.(relations);
    expect(notes?.ok && notes.value.map(({ level, message, hint }) => [level, message, hint])).toEqual([
      [
        "problem",
        expect.stringMatching(/^DB\.RAW\.VENDORS is lost under `secondaryRoles: none`/),
        expect.stringMatching(/GRANT SELECT ON DB\.RAW\.VENDORS TO ROLE READER; or set `secondaryRoles: all`/),
      ],
      [
        "problem",
        expect.stringMatching(/^DB\.RAW\.PAYROLL does not exist, or role READER may not read it/),
        expect.stringMatching(/GRANT SELECT ON DB\.RAW\.PAYROLL/),
      ],
      [
        "warning",
        expect.stringMatching(/role READER could write: INSERT on table DB\.RAW\.BIDS \(role LOADER\)/),
        expect.stringMatching(/docs\/warehouses\.md/),
      ],
    ]);
    expect(server.of(paths.query).filter(({ body }) => body.sqlText === "use secondary roles all")).toHaveLength(1);
  });

  it("of a role that only reads says that all is well; without a virtual warehouse it does not", async () => {
    let name: string | null = "WH";
    await open({
      statement: (sql) => {
        if (sql.startsWith("select current_user()")) return who(name);
        return sql.startsWith("show grants")
          ? granted([["SELECT", "TABLE", "DB.RAW.BIDS"]])
          : rowset([["1", "fixed"]], []);
      },
    });
    expect(await warehouse.preflight?.(relations)).toMatchObject({ ok: true, value: [{ level: "ok" }] });
    name = null;
    expect(await warehouse.preflight?.(relations)).toMatchObject({
      ok: true,
      value: [{ level: "problem", hint: expect.stringContaining("GRANT USAGE ON WAREHOUSE") }],
    });
  });
});
