/**
 * A stand-in for the services of models, on 127.0.0.1: Anthropic's Messages API and OpenAI's Responses API, streamed.
 * It says what a test's script tells it to, and keeps what it was asked. Knows no agent and no audit.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { anthropicError, streamMessage } from "./anthropic.js";
import { openaiError, streamResponse } from "./openai.js";

/** What the model says in one turn. */
export type Reply =
  | { readonly text: string; readonly tokens?: Tokens }
  | { readonly calls: readonly ToolCall[]; readonly text?: string; readonly tokens?: Tokens }
  /** An answer of the service that is none of the model's. */
  | { readonly status: number; readonly message?: string; readonly headers?: Readonly<Record<string, string>> }
  /** Begins to answer, and says nothing more. */
  | { readonly stall: true }
  /** Text of so many bytes. */
  | { readonly flood: number };

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cached?: number;
}

export interface ModelRequest {
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** The body as it came. */
  readonly text: string;
  /** Names of the tools that the model may call. */
  readonly tools: readonly string[];
  /** How many times the model was asked before. */
  readonly turn: number;
}

export type Script = (request: ModelRequest) => Reply | Promise<Reply>;

export interface ModelStub {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** What was asked of the model, in order. */
  readonly requests: readonly ModelRequest[];
  /** `METHOD path` of all that the stub has no answer for. */
  readonly strays: readonly string[];
  /** Resolves when so many requests have come. */
  asked(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startModelStub(script: Script): Promise<ModelStub> {
  const requests: ModelRequest[] = [];
  const strays: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    response.on("error", () => {});
    void answer(request, response).catch((error: unknown) => {
      // An agent that is ended while it sends its question is what tests of endings are about, and no failure of the stub.
      const isCutOff = request.destroyed && (error as NodeJS.ErrnoException).code === "ECONNRESET";
      if (!isCutOff) strays.push(`stub failed: ${(error as Error).stack}`);
      response.destroy();
    });
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "";
    const text = await readAll(request);
    const api = /^\/v1\/messages(\?|$)/.test(path) ? "anthropic" : /\/responses(\?|$)/.test(path) ? "openai" : null;
    if (api === null || request.method !== "POST") {
      // codex tries a WebSocket first; 426 tells it at once that there is none.
      if (request.headers.upgrade !== undefined && api !== null) {
        response.writeHead(426).end();
        return;
      }
      // Some programs look first whether anybody is there.
      if (request.method !== "HEAD") strays.push(`${request.method} ${path}`);
      response.writeHead(request.method === "HEAD" ? 200 : 404).end();
      return;
    }
    const body = JSON.parse(text) as Record<string, unknown>;
    const asked: ModelRequest = {
      path,
      headers: request.headers,
      body,
      text,
      tools: toolNames(body),
      turn: requests.length,
    };
    requests.push(asked);
    for (const look of waiting) look();
    const reply = await script(asked);
    if ("status" in reply) {
      const error = api === "anthropic" ? anthropicError(reply) : openaiError(reply);
      response
        .writeHead(reply.status, { "content-type": "application/json", ...reply.headers })
        .end(JSON.stringify(error));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    const events = (api === "anthropic" ? streamMessage : streamResponse)(reply, String(body.model), requests.length);
    for (const event of events) {
      const written = response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      if (response.destroyed) return;
      if (!written) await drained(response);
    }
    if (!("stall" in reply)) response.end();
  };

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    strays,
    asked: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (requests.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Resolves when more may be written, or nobody listens any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

function toolNames({ tools }: Readonly<Record<string, unknown>>): readonly string[] {
  return Array.isArray(tools)
    ? tools.map((tool: { name?: string; type?: string }) => tool.name ?? tool.type ?? "")
    : [];
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
