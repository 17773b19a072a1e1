/**
 * A server of tools over MCP as an agent gets it, for tests of agents alone: every tool answers with a fixed text, and
 * what is handed in is kept. The real one is src/mcp.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ToolServer } from "../../src/model/agent.js";

export interface RigToolServer extends ToolServer {
  /** Name and arguments of each call. */
  readonly calls: readonly { readonly name: string; readonly args: unknown }[];
  /** Authorization headers that were refused. */
  readonly refused: readonly string[];
}

/** @param answer text of the tool's answer */
export async function startToolServer(
  answer: (name: string, args: unknown) => string | Promise<string> = () => "done",
): Promise<RigToolServer> {
  const token = "tools-token-of-this-run";
  const calls: { name: string; args: unknown }[] = [];
  const refused: string[] = [];
  let reached = false;
  const http = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      refused.push(String(request.headers.authorization));
      response.writeHead(401).end();
      return;
    }
    if (request.method !== "POST") {
      response.writeHead(405).end();
      return;
    }
    reached = true;
    const server = new Server({ name: "audit", version: "1" }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: ["get_task", "submit_finding"].map((name) => ({
        name,
        description: name,
        inputSchema: { type: "object" as const, properties: {}, additionalProperties: true },
      })),
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      calls.push({ name: params.name, args: params.arguments });
      return { content: [{ type: "text" as const, text: await answer(params.name, params.arguments) }] };
    });
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.on("close", () => void server.close());
    void server.connect(transport).then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    token,
    calls,
    refused,
    wasReached: () => reached,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}
