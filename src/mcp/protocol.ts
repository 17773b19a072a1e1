/**
 * The Model Context Protocol around the tools: the only home of its SDK, which takes a tenth of a second to load, so this
 * file is imported when the first request has come. Knows no socket and no token.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type ProgressNotification,
} from "@modelcontextprotocol/sdk/types.js";
import { version } from "../support/version.js";
import type { ToolContext } from "./context.js";
import { jsonText, refused, type Tool, type ToolAnswer } from "./tool.js";
import { instructions, toolsFor } from "./tools.js";

/** Every tool keeps below that; a client would put a longer answer aside. */
const tooLong = 100_000;

/**
 * One JSON-RPC message, or a batch: each request has a server of its own, so that there is no session to steal or to leak.
 * Resolves when it is answered, or the client has gone, and all its calls have ended. @param closed of the response; it
 * may be so already.
 */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
  context: ToolContext,
  { signal, closed }: { readonly signal: AbortSignal; readonly closed: Promise<void> },
): Promise<void> {
  const running = new Set<Promise<unknown>>();
  const server = createServer(context, signal, running);
  const transport = new StreamableHTTPServerTransport({});
  // The transport's `onclose` may be undefined, which the interface's does not allow under exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<Server["connect"]>[0]);
  // A client that has gone wants no answer: what its tool runs is aborted.
  const ended = closed.then(() => server.close().catch(() => undefined));
  await Promise.race([transport.handleRequest(request, response, body), ended]);
  await ended;
  await Promise.allSettled(running);
}

/** Serves one client on stdin and stdout; resolves when it has gone, or `signal` aborts, and all calls have ended. */
export async function serveStdio(
  context: ToolContext,
  signal: AbortSignal,
  streams: { readonly stdin: NodeJS.ReadableStream; readonly stdout: NodeJS.WritableStream },
): Promise<void> {
  const running = new Set<Promise<unknown>>();
  const server = createServer(context, signal, running);
  const { stdin, stdout } = streams;
  const gone = new Promise<void>((resolve) => {
    // The SDK's transport does not notice the end of its input.
    for (const event of ["end", "close", "error"]) stdin.once(event, () => resolve());
    signal.addEventListener("abort", () => resolve(), { once: true });
    server.onclose = resolve;
  });
  if (signal.aborted) return;
  const transport = new StdioServerTransport(stdin as typeof process.stdin, stdout as typeof process.stdout);
  await server.connect(transport);
  await gone;
  await Promise.allSettled(running);
  await server.close();
}

function createServer(context: ToolContext, signal: AbortSignal, running: Set<Promise<unknown>>): Server {
  const server = new Server(
    { name: "audit-run", version },
    // Nothing of ours is validated by it, and the default one is slow to make.
    { capabilities: { tools: {} }, instructions, jsonSchemaValidator: noValidator },
  );
  const tools = toolsFor(context);
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(listed) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal: ended, _meta, sendNotification }) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) return asResult(refused(`There is no tool ${JSON.stringify(params.name.slice(0, 100))}.`));
    const call = answer(tool, params.arguments, context, AbortSignal.any([signal, ended]));
    running.add(call);
    const stop = giveSigns(_meta?.progressToken, sendNotification);
    return call.finally(() => {
      stop();
      running.delete(call);
    });
  });
  return server;
}

/** Milliseconds: clients give a call up after 30 or 60 seconds in which they have heard nothing of it. */
const signEvery = 10_000;

/** Tells a client that wants to know of it that its call goes on. */
function giveSigns(
  progressToken: string | number | undefined,
  send: (notification: ProgressNotification) => Promise<void>,
): () => void {
  if (progressToken === undefined) return () => {};
  let progress = 0;
  const timer = setInterval(() => {
    progress += 1;
    // Who has gone hears nothing.
    send({ method: "notifications/progress", params: { progressToken, progress } }).catch(() => {});
  }, signEvery);
  return () => clearInterval(timer);
}

/** A bug in a tool is the tool's answer, and told to the person: the audit goes on. */
async function answer(tool: Tool, input: unknown, context: ToolContext, signal: AbortSignal): Promise<CallToolResult> {
  try {
    const given = await tool.run(input, context, signal);
    // What a warehouse says of a mistake may hold a value.
    return asResult(given.ok ? given : refused(context.redact(given.message)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    context.warn(`the tool ${tool.name} could not answer: ${message}`);
    return asResult(refused(`${tool.name} could not answer: ${context.redact(message).slice(0, 1_000)}`));
  }
}

function asResult(given: ToolAnswer): CallToolResult {
  const text = given.ok ? jsonText(given.value) : given.message;
  if (text.length > tooLong) return asResult(refused("The answer is too long to show. Ask for less at a time."));
  return { content: [{ type: "text", text }], ...(given.ok ? {} : { isError: true }) };
}

function listed({ name, description, inputSchema, readOnly, isRepeatable }: Tool) {
  // What is submitted is added, and the audit is the whole world of these tools.
  const annotations = {
    readOnlyHint: readOnly,
    destructiveHint: false,
    idempotentHint: isRepeatable,
    openWorldHint: false,
  };
  return { name, description, inputSchema, annotations };
}

const noValidator = {
  getValidator(): never {
    throw new Error("BUG: audit-run's tools ask the client nothing");
  },
};
