// docs/coding-agents.md names every outcome of a conversation, and every coding agent that there is.
import { expect, test } from "vitest";
import { agents } from "../../src/adapters/agents/index.js";
import type { AgentOutcome } from "../../src/model/agent.js";
import { document } from "./documents.js";

const { text } = document("docs/coding-agents.md");
const section = (title: string): string => {
  const from = text.indexOf(title);
  const to = text.indexOf("\n#", from + 1);
  return text.slice(from, to === -1 ? undefined : to);
};

test("every outcome has its row, and no other has one", () => {
  // A new outcome that is missing here is a type error.
  const outcomes: Record<AgentOutcome, true> = {
    ok: true,
    "invalid-answer": true,
    auth: true,
    "rate-limited": true,
    overloaded: true,
    budget: true,
    turns: true,
    timeout: true,
    stalled: true,
    killed: true,
    "tools-unavailable": true,
    "agent-error": true,
  };
  const cells = [...section("## How it ends").matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = ""]) => cell);
  const rows = cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
  expect(rows.sort()).toEqual(Object.keys(outcomes).sort());
});

test("every coding agent has its row", () => {
  const rows = [...section("# Coding agents").matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name).slice(1);
  expect(rows).toEqual(Object.keys(agents).filter((name) => name !== "command" && name !== "lineage"));
});
