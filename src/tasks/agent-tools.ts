/**
 * What the agents of one run share of their tools: the server, and the lineage walks that it has made. Knows no task.
 */
import { setMaxListeners } from "node:events";
import type { Walks } from "../lineage/shared-walk.js";
import { createToolHost, type ToolHost } from "../mcp/host.js";
import type { WalkBudget } from "../model/agent.js";

export interface AgentTools {
  readonly host: ToolHost;
  readonly walks: Walks;
  readonly walkBudget: WalkBudget;
  /** Ends the walks. A task that is stopped ends none: others wait for the same. */
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

/** @param maxQueries of all walks; null: no limit. */
export function createAgentTools(maxQueries: number | null = null): AgentTools {
  const host = createToolHost();
  const walks: Walks = new Map();
  const closing = new AbortController();
  // Each query of each walk listens to it.
  setMaxListeners(0, closing.signal);
  return {
    host,
    walks,
    walkBudget: createWalkBudget(maxQueries),
    signal: closing.signal,
    async close() {
      closing.abort();
      await host.close();
      // One that nobody waits for any more may still be about to ask the warehouse, which is closed next.
      await Promise.allSettled([...walks.values()]);
    },
  };
}

function createWalkBudget(max: number | null): WalkBudget {
  let taken = 0;
  return {
    max,
    take() {
      if (max !== null && taken >= max) return false;
      taken += 1;
      return true;
    },
  };
}
