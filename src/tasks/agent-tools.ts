/**
 * What the agents of one run share of their tools: the server, and the lineage walks that it has made. Knows no task.
 */
import type { Walks } from "../lineage/shared-walk.js";
import { createToolHost, type ToolHost } from "../mcp/host.js";

export interface AgentTools {
  readonly host: ToolHost;
  readonly walks: Walks;
  close(): Promise<void>;
}

export function createAgentTools(): AgentTools {
  const host = createToolHost();
  const walks: Walks = new Map();
  return { host, walks, close: () => host.close() };
}
