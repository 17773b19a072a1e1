/**
 * The tools over HTTP on this machine alone: one server a run, started when the first agent wants tools, and a bearer token
 * for each agent, which opens its own task's tools and no other's. Knows no tool and no agent.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ToolServer } from "../model/agent.js";
import { failed, ok, type Result } from "../model/result.js";
import { toolTokenPrefix } from "../support/redact.js";
import type { ToolContext } from "./context.js";

export interface ToolHost {
  /** Opens the tools of one task to whoever has the token. Failure code: tools-unavailable. */
  open(context: ToolContext): Promise<Result<ToolServer>>;
  /** Ends what runs, and frees the port. */
  close(): Promise<void>;
}

interface Door {
  /** Digest of the token: all digests are of one length, as a comparison in constant time needs. */
  readonly digest: Buffer;
  readonly context: ToolContext;
  readonly closing: AbortController;
  readonly running: Set<Promise<void>>;
  /** Somebody has come with the token. */
  isReached: boolean;
}

const path = "/mcp";
/** Bytes: a finding with its longest allowed queries is half of it. */
const largestBody = 4 * 1024 * 1024;
/** Requests that one agent may have open at a time. */
const mostAtOnce = 128;

export function createToolHost(): ToolHost {
  const doors = new Set<Door>();
  let starting: Promise<Server> | null = null;

  const shut = async (door: Door): Promise<void> => {
    doors.delete(door);
    door.closing.abort();
    await Promise.allSettled(door.running);
  };

  return {
    async open(context) {
      let server: Server;
      try {
        starting ??= listen(doors);
        server = await starting;
      } catch (error) {
        starting = null;
        return failed("tools-unavailable", `the tools cannot be served on 127.0.0.1: ${(error as Error).message}`);
      }
      const token = `${toolTokenPrefix}${randomBytes(32).toString("base64url")}`;
      const closing = new AbortController();
      setMaxListeners(mostAtOnce + 1, closing.signal);
      const door: Door = { digest: digestOf(token), context, closing, running: new Set(), isReached: false };
      doors.add(door);
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}${path}`;
      return ok({ url, token, wasReached: () => door.isReached, close: () => shut(door) });
    },
    async close() {
      await Promise.all([...doors].map(shut));
      const server = await starting?.catch(() => null);
      if (!server) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(doors: ReadonlySet<Door>): Promise<Server> {
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => {
    void receive(request, response, doors, (server.address() as AddressInfo | null)?.port ?? 0);
  });
  // A client that breaks off, or talks no HTTP, is none of our business.
  server.on("clientError", (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      server.off("error", reject);
      // Nobody waits for agents that have gone.
      server.unref();
      resolve(server);
    });
  });
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  doors: ReadonlySet<Door>,
  port: number,
): Promise<void> {
  // Who hangs up while it is answered is no fault of ours.
  response.on("error", () => undefined);
  try {
    const refusal = refusalOf(request, port);
    if (refusal !== null) return refuse(request, response, ...refusal);
    const door = doorOf(request.headers.authorization, doors);
    if (door === null) {
      response.setHeader("www-authenticate", "Bearer");
      return refuse(request, response, 401, "The token is missing or wrong, or its task has ended.");
    }
    door.isReached = true;
    if (door.running.size >= mostAtOnce) return refuse(request, response, 429, "Too many requests at once.");
    const work = serve(request, response, door);
    door.running.add(work);
    await work.finally(() => door.running.delete(work));
  } catch (error) {
    if (!response.headersSent) refuse(request, response, 500, (error as Error).message.slice(0, 200));
    else response.destroy();
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  const body = await bodyOf(request);
  if (body.kind !== "json") return refuse(request, response, unread[body.kind][0], unread[body.kind][1]);
  const { answerRequest } = await import("./protocol.js");
  const { signal } = door.closing;
  const hangUp = (): void => void response.destroy();
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    if (signal.aborted) return refuse(request, response, 401, "The task has ended.");
    await answerRequest(request, response, body.value, door.context, { signal, closed });
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
}

/** A page in a browser that names us by a host of its own (DNS rebinding) sends that host, or an origin; programs do not. */
function refusalOf(request: IncomingMessage, port: number): readonly [number, string] | null {
  const { host, origin } = request.headers;
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) return [403, "This host is not served."];
  if (origin !== undefined) return [403, "No page of a browser is served."];
  if (request.url !== path) return [404, `There is ${path} alone.`];
  return request.method === "POST" ? null : [405, "POST alone: there are no sessions."];
}

/** Looks at every door, so that the time tells nothing. */
function doorOf(authorization: string | undefined, doors: ReadonlySet<Door>): Door | null {
  const [, token = ""] = /^Bearer +([\w-]{1,200})$/i.exec(authorization ?? "") ?? [];
  const digest = digestOf(token);
  let found: Door | null = null;
  for (const door of doors) if (timingSafeEqual(door.digest, digest)) found = door;
  return found;
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

const unread = {
  "no-json": [400, "The body is no JSON."],
  "too-large": [413, `More than ${largestBody} bytes.`],
  // Nobody hears it.
  gone: [400, "The body broke off."],
} as const;

type Body = { readonly kind: "json"; readonly value: unknown } | { readonly kind: "no-json" | "too-large" | "gone" };

async function bodyOf(request: IncomingMessage): Promise<Body> {
  if (Number(request.headers["content-length"] ?? 0) > largestBody) return { kind: "too-large" };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > largestBody) return { kind: "too-large" };
      chunks.push(chunk);
    }
  } catch {
    return { kind: "gone" };
  }
  try {
    return { kind: "json", value: JSON.parse(Buffer.concat(chunks).toString("utf8")) };
  } catch {
    return { kind: "no-json" };
  }
}

/** As JSON-RPC has it. The connection goes: what else the client sends on it is not read. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  const body = JSON.stringify({ jsonrpc: "2.0", error: { code: -32_000, message }, id: null });
  response.writeHead(status, {
    "content-type": "application/json",
    ...(status === 405 ? { allow: "POST" } : {}),
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(body);
}
