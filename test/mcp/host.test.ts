// Clients that mean no good, or break off: nobody gets another task's tools, nothing is lost, and the host goes on.
import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createToolHost } from "../../src/mcp/host.js";
import type { ToolServer } from "../../src/model/agent.js";
import type { Query } from "../../src/model/warehouse.js";
import type { TemporaryWarehouse } from "../fakes/warehouse.js";
import { bidsCase, bidsWarehouse, call, connectTo, goodDraft, type ToolsRig, toolsRig, value } from "../rig/tools.js";

let temporary: TemporaryWarehouse;
let rig: ToolsRig;
let server: ToolServer;
beforeAll(async () => {
  temporary = await bidsWarehouse();
});
afterAll(() => temporary.close());
beforeEach(async () => {
  rig = await toolsRig(temporary.warehouse);
  const opened = await rig.host.open(rig.context);
  if (!opened.ok) throw new Error(opened.failure.message);
  server = opened.value;
});
afterEach(() => rig.close());

interface Answer {
  readonly status: number | null;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** One request as it is said; status null where the connection broke. */
function send(
  options: { method?: string; path?: string; headers?: OutgoingHttpHeaders; token?: string | null },
  body: string | Buffer = "",
): Promise<Answer> {
  const { port } = new URL(server.url);
  const { token = server.token } = options;
  const headers: OutgoingHttpHeaders = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "content-length": Buffer.byteLength(body),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...options.headers,
  };
  return new Promise((resolve) => {
    const { method = "POST", path = "/mcp" } = options;
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      const done = () => resolve({ status: response.statusCode ?? null, body: text, headers: response.headers });
      response.on("end", done).on("error", done);
    });
    request.on("error", () => resolve({ status: null, body: "", headers: {} }));
    request.end(body);
  });
}

const message = (method: string, params: object = {}, id = 1) => JSON.stringify({ jsonrpc: "2.0", id, method, params });
const toolCall = (name: string, args: object = {}, id = 1) => message("tools/call", { name, arguments: args }, id);
/** The host is as it was: its own agent is answered. */
const serves = async () => expect((await send({}, toolCall("get_task"))).body).toContain("vendor_missing");

describe("who has no business here", () => {
  it.each([
    ["no token", { token: null }],
    ["an empty token", { token: "" }],
    ["a wrong token", { token: "x".repeat(43) }],
    ["a token of another kind", { headers: { authorization: "Basic YTpi" } }],
  ])("with %s is refused, and told of nothing", async (_, options) => {
    const answer = await send(options, toolCall("get_task"));
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    expect(answer.body).not.toContain("vendor");
    await serves();
  });

  it("is refused with the token's beginning, its digest, or more behind it", async () => {
    for (const token of [server.token.slice(0, -1), `${server.token}x`, server.token.toLowerCase()])
      expect((await send({ token }, toolCall("get_task"))).status).toBe(401);
  });

  it.each([
    ["another host", { host: "evil.example" }, 403],
    ["another port of this host", { host: "127.0.0.1:1" }, 403],
    ["a page's origin", { origin: "https://evil.example" }, 403],
    ["this server's own origin", { origin: "http://127.0.0.1" }, 403],
    ["the origin null", { origin: "null" }, 403],
  ])("coming by %s is refused even with the token", async (_, headers, status) => {
    expect((await send({ headers }, toolCall("get_task"))).status).toBe(status);
    await serves();
  });

  it.each([
    ["GET", "/mcp", 405],
    ["DELETE", "/mcp", 405],
    ["OPTIONS", "/mcp", 405],
    ["POST", "/", 404],
    ["POST", "/mcp/../mcp", 404],
    ["GET", "/.well-known/oauth-authorization-server", 404],
  ])("asking %s %s gets nothing", async (method, path, status) => {
    expect((await send({ method, path }, toolCall("get_task"))).status).toBe(status);
  });

  it("has not reached the tools, for whoever asks whether their agent did", async () => {
    await send({ token: null }, toolCall("get_task"));
    await send({ method: "GET" });
    expect(server.wasReached?.()).toBe(false);
    await send({}, toolCall("get_task"));
    expect(server.wasReached?.()).toBe(true);
  });

  it("is heard on this machine alone", () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  });
});

describe("another task of the same run", () => {
  it("has a token of its own, which opens its own cases alone", async () => {
    const other = await toolsRig(temporary.warehouse, { cases: [bidsCase("TX", 2)], task: "TX", host: rig.host });
    const opened = await rig.host.open(other.context);
    if (!opened.ok) throw new Error(opened.failure.message);
    expect(opened.value.url).toBe(server.url);
    expect(opened.value.token).not.toBe(server.token);
    const client = await connectTo(opened.value);
    expect(await value(client, "get_task")).toMatchObject({ task: "TX", cases: [{ group: "TX" }] });
    const stolen = await call(client, "submit_finding", { ...goodDraft, group: "VA" });
    expect(stolen.text).toContain("This task has no test");
    expect((await call(client, "get_failing_rows", { test: "vendor_missing", group: "VA" })).isError).toBe(true);
    // A query_id is worth something in its own task alone.
    const own = await connectTo(server);
    const { query_id } = await value(own, "run_sql", { sql: "select 2" });
    const cited = await call(client, "submit_finding", { ...goodDraft, evidence: [{ query_id }] });
    expect(cited.text).toContain("no query of this task");
    await client.close();
    await own.close();
    expect(other.committed).toEqual([]);
  });
});

describe("a message that is none", () => {
  it.each([
    ["no JSON", "{"],
    ["not UTF-8", Buffer.from([0xff, 0xfe, 0x00])],
    ["nothing", ""],
    ["a number", "7"],
    ["null", "null"],
    ["deeply nested", "[".repeat(100_000)],
    ["no JSON-RPC", '{"name":"get_task"}'],
  ])("(%s) is answered with 4xx", async (_, body) => {
    expect((await send({}, body)).status).toBeGreaterThanOrEqual(400);
    expect((await send({}, body)).status).toBeLessThan(500);
    await serves();
  });

  it("(an unknown method) is answered as the protocol has it", async () => {
    expect((await send({}, message("tools/destroy"))).body).toContain("-32601");
    await serves();
  });

  it("(too large, said beforehand) is refused unread", async () => {
    const answer = await send({ headers: { "content-length": 5_000_000_000 } });
    expect(answer.status).toBe(413);
    await serves();
  });

  it("(too large, in chunks that never end) is refused in its middle", async () => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    let answer = "";
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.setEncoding("latin1").on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", () => {});
    socket.write(head);
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const push = (): void => {
      while (!socket.destroyed && socket.write(chunk));
      if (!socket.destroyed) socket.once("drain", push);
    };
    push();
    await closed;
    expect(answer === "" || answer.startsWith("HTTP/1.1 413")).toBe(true);
    await serves();
  });

  it("(no HTTP at all) is hung up on", async () => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1", () => socket.write("\x16\x03\x01 hello\r\n\r\n"));
    await new Promise<void>((resolve) => socket.on("error", () => {}).once("close", () => resolve()));
    await serves();
  });
});

describe("many at once", () => {
  it("100 findings of one case handed in at the same time: one is admitted, and committed once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, id) => send({}, toolCall("submit_finding", goodDraft, id))),
    );
    expect(answers.filter(({ body }) => body.includes('\\"admitted\\":true'))).toHaveLength(1);
    expect(answers.filter(({ body }) => body.includes("already"))).toHaveLength(99);
    expect(rig.committed).toHaveLength(1);
  });

  it("100 queries at the same time are all answered, four of them at a time", async () => {
    let running = 0;
    let most = 0;
    const query: Query = async (sql, options) => {
      running += 1;
      most = Math.max(most, running);
      return temporary.warehouse.query(sql, options).finally(() => {
        running -= 1;
      });
    };
    const busy = await toolsRig(temporary.warehouse, { query });
    const { client } = await busy.connect();
    const sqls = Array.from({ length: 100 }, (_, n) => `select ${n} as n`);
    const pages = await Promise.all(sqls.map((sql) => value(client, "run_sql", { sql })));
    expect(pages.map(({ rows }) => rows[0][0])).toEqual(sqls.map((_, n) => String(n)));
    expect(new Set(pages.map(({ query_id }) => query_id)).size).toBe(100);
    expect(most).toBe(4);
    await busy.close();
  });

  it("an empty batch is answered with nothing", async () => {
    expect(await send({}, "[]")).toMatchObject({ status: 202, body: "" });
  });

  it("calls in one batch are all answered", async () => {
    const batch = `[${[1, 2, 3].map((id) => toolCall("run_sql", { sql: `select ${id}00` }, id)).join(",")}]`;
    const { body } = await send({}, batch);
    for (const text of ["100", "200", "300"]) expect(body).toContain(`[[\\"${text}\\"]]`);
  });
});

/** A query that waits until it is let go, or aborted. */
function held(): { query: Query; begun: Promise<void>; release: () => void; aborted: () => boolean } {
  let release = () => {};
  let wasAborted = false;
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const query: Query = async (sql, options) => {
    begin();
    const abort = new Promise<void>((resolve) => {
      options?.signal?.addEventListener("abort", () => {
        wasAborted = true;
        resolve();
      });
    });
    await Promise.race([gate, abort]);
    return temporary.warehouse.query(sql, options);
  };
  return { query, begun, release: () => release(), aborted: () => wasAborted };
}

it("a client that asks for signs hears every ten seconds that its call goes on", async () => {
  const hold = held();
  const own = await toolsRig(temporary.warehouse, { query: hold.query });
  const { client } = await own.connect();
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    let heard = () => {};
    const sign = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const signs: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => {
      signs.push(progress);
      if (progress === 2) heard();
    };
    const asked = client.callTool({ name: "run_sql", arguments: { sql: "select 7" } }, undefined, { onprogress });
    await hold.begun;
    vi.advanceTimersByTime(20_000);
    await sign;
    hold.release();
    expect(JSON.stringify(await asked)).toContain('[[\\"7\\"]]');
    expect(signs).toEqual([1, 2]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
    await own.close();
  }
});

describe("a client that breaks off", () => {
  it("in its query has it cancelled", async () => {
    const hold = held();
    const own = await toolsRig(temporary.warehouse, { query: hold.query });
    const { client } = await own.connect();
    const asked = call(client, "run_sql", { sql: "select 1" }).catch((error: Error) => error.message);
    await hold.begun;
    await client.close();
    expect(await asked).toContain("closed");
    // Resolves when the query has been told.
    while (!hold.aborted()) await new Promise((resolve) => setImmediate(resolve));
    await own.close();
  });

  it.each([0, 1, 200, 5_000, 30_000])("after %i bytes of its answer harms nobody", async (bytes) => {
    const { port } = new URL(server.url);
    const body = toolCall("run_sql", { sql: "select repeat('z', 900) as z from range(40)" });
    const head = [
      "POST /mcp HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      `Authorization: Bearer ${server.token}`,
      "Content-Type: application/json",
      "Accept: application/json, text/event-stream",
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const ends = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), "127.0.0.1");
      let received = 0;
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length;
        if (received >= bytes) socket.resetAndDestroy();
      });
      socket.write(`${head.join("\r\n")}\r\n\r\n${body}`, () => {
        if (bytes === 0) socket.resetAndDestroy();
      });
      return new Promise<void>((resolve) => socket.on("error", () => {}).once("close", () => resolve()));
    });
    await Promise.all(ends);
    await serves();
    expect(rig.warnings).toEqual([]);
  });

  it("while its finding is looked at loses nothing: the finding is admitted", async () => {
    const hold = held();
    const own = await toolsRig(temporary.warehouse, { query: hold.query });
    const { client } = await own.connect();
    const handed = call(client, "submit_finding", goodDraft).catch(() => "broken off");
    await hold.begun;
    await client.close();
    expect(await handed).toBe("broken off");
    hold.release();
    await own.desk.idle();
    expect(own.committed).toHaveLength(1);
    await own.close();
  });
});

describe("when the task has ended", () => {
  it("its token is worth nothing, other tasks' are, and no finding that waits is begun", async () => {
    const hold = held();
    const own = await toolsRig(temporary.warehouse, { query: hold.query, host: rig.host });
    // Loads the gate, so that what hangs is the finding's query alone.
    await own.context.query("select * from nowhere.at_all");
    const { client, server: ending } = await own.connect();
    const first = call(client, "submit_finding", goodDraft).catch(() => "hung up");
    const second = call(client, "submit_finding", { ...goodDraft, group: "FL" }).catch(() => "hung up");
    await hold.begun;
    const closing = ending.close();
    hold.release();
    await closing;
    await own.desk.idle();
    expect([await first, await second]).toEqual(["hung up", "hung up"]);
    expect(own.committed.map(({ group }) => group.key)).toEqual(["TX"]);
    await expect(connectTo(ending)).rejects.toThrow(/401|token/i);
    await serves();
  });

  it("and the run with it, the port is free, and closing twice is no mistake", async () => {
    const host = createToolHost();
    await host.close();
    const opened = await host.open(rig.context);
    if (!opened.ok) throw new Error(opened.failure.message);
    const client = await connectTo(opened.value);
    await host.close();
    await host.close();
    await expect(connectTo(opened.value)).rejects.toThrow();
    await client.close();
  });
});
