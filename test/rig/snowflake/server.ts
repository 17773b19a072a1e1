/**
 * A server on 127.0.0.1 that speaks Snowflake's login and query protocol, records what it is sent, and answers what a test
 * says. For what no stand-in shows: ways to log in, cancelling, chunks, errors by number. Knows no SQL and no adapter.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";

export interface Request {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  /** JSON, or the text of a form. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they need.
  readonly body: any;
}

/** JSON to answer with; `cut` closes the connection instead; `raw` is a chunk, gzipped; `status` alone is HTTP's. */
export type Answer = object | "cut" | { readonly raw: string } | { readonly status: number };

export interface Script {
  readonly login?: (request: Request) => Answer;
  /** A statement that is not one of the session's own. */
  readonly statement?: (sql: string, request: Request) => Answer | Promise<Answer>;
  /** One of the session's own statements; undefined: done. */
  readonly session?: (sql: string) => Answer | undefined;
  /** Any other path. */
  readonly other?: (request: Request) => Answer | Promise<Answer> | undefined;
}

export interface RecordingServer {
  readonly port: number;
  readonly url: string;
  readonly requests: readonly Request[];
  /** Of a path, in order. */
  of(path: string): readonly Request[];
  /** Statements without the session's own. */
  statements(): readonly Request[];
  /** When the first request of that path is there. */
  arrived(path: string): Promise<Request>;
  close(): Promise<void>;
}

export const paths = {
  login: "/session/v1/login-request",
  query: "/queries/v1/query-request",
  abort: "/queries/v1/abort-request",
  renew: "/session/token-request",
  logout: "/session",
} as const;

const sessions = /^(alter session set|use secondary roles)/i;

export async function recordingServer(script: Script = {}): Promise<RecordingServer> {
  const requests: Request[] = [];
  const waiting: { readonly path: string; readonly resolve: (request: Request) => void }[] = [];
  const answer = async (request: Request): Promise<Answer> => {
    const own = await script.other?.(request);
    if (own !== undefined) return own;
    if (request.path === paths.login) return script.login?.(request) ?? loggedIn();
    if (request.path === paths.query) {
      const sql = String(request.body.sqlText);
      if (sessions.test(sql)) {
        return script.session?.(sql) ?? rowset([["status", "text"]], [["Statement executed successfully."]]);
      }
      return (await script.statement?.(sql, request)) ?? rowset([["1", "fixed"]], [["1"]]);
    }
    return { success: true, data: null };
  };
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const request = readRequest(incoming, Buffer.concat(parts));
      requests.push(request);
      for (const one of waiting.splice(0)) one.path === request.path ? one.resolve(request) : waiting.push(one);
      answer(request).then(
        (what) => send(response, what),
        (error: unknown) => send(response, { success: false, code: "999999", message: String(error), data: {} }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const of = (path: string) => requests.filter((request) => request.path === path);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    of,
    statements: () => of(paths.query).filter((request) => !sessions.test(request.body.sqlText)),
    arrived: (path) => {
      const [first] = of(path);
      if (first !== undefined) return Promise.resolve(first);
      return new Promise((resolve) => waiting.push({ path, resolve }));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readRequest(incoming: IncomingMessage, bytes: Buffer): Request {
  const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
  const text = (incoming.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
  let body: unknown = text;
  if (text.startsWith("{")) body = JSON.parse(text);
  return { path: url.pathname, query: Object.fromEntries(url.searchParams), headers: incoming.headers, body };
}

function send(response: ServerResponse, what: Answer): void {
  if (what === "cut") {
    response.destroy();
    return;
  }
  if ("status" in what) {
    response.writeHead(what.status).end();
    return;
  }
  if ("raw" in what) {
    response.writeHead(200, { "content-encoding": "gzip", "content-type": "binary/octet-stream" });
    response.end(gzipSync(what.raw));
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(what));
}

export function loggedIn(more: Readonly<Record<string, unknown>> = {}): object {
  const tokens = { token: "session-token", masterToken: "master-token" };
  const valid = { validityInSeconds: 3_600, masterValidityInSeconds: 14_400 };
  return { success: true, data: { ...tokens, ...valid, parameters: [], sessionId: 1, ...more } };
}

/** An answer with rows: columns as [name, type, scale]; values as the text that Snowflake sends. */
export function rowset(
  columns: readonly (readonly [name: string, type: string, scale?: number])[],
  rows: readonly (readonly (string | null)[])[],
  more: Readonly<Record<string, unknown>> = {},
): object {
  const rowtype = columns.map(([name, type, scale = 0]) => ({ name, type, scale, precision: 38, nullable: true }));
  const parameters = [
    { name: "TIME_OUTPUT_FORMAT", value: "HH24:MI:SS.FF9" },
    { name: "TIMESTAMP_OUTPUT_FORMAT", value: "YYYY-MM-DD HH24:MI:SS" },
    { name: "DATE_OUTPUT_FORMAT", value: "YYYY-MM-DD" },
    { name: "BINARY_OUTPUT_FORMAT", value: "HEX" },
    { name: "TIMEZONE", value: "America/New_York" },
  ];
  const size = { total: rows.length, returned: rows.length };
  return {
    success: true,
    data: {
      parameters,
      rowtype,
      rowset: rows,
      ...size,
      queryId: "01b2-query",
      version: 1,
      statementTypeId: 4096,
      ...more,
    },
  };
}

export function refusal(code: string, message: string, sqlState = "42000"): object {
  return { success: false, code, message, data: { errorCode: code, sqlState, queryId: "01b2-query" } };
}
