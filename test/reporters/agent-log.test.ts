// What a person reads of an agent's events: `audit-run logs`, and the panes of tmux.
import { expect, test } from "vitest";
import type { AgentActivity } from "../../src/model/agent.js";
import type { AuditEvent } from "../../src/model/events.js";
import { createAgentLog } from "../../src/reporters/terminal/agent-log.js";

const node = "investigate:VA";
const at = new Date(2026, 1, 3, 12, 3, 4).toISOString();
const does = (activity: AgentActivity, leftOut?: number): AuditEvent => ({
  type: "agent",
  node,
  activity,
  ...(leftOut === undefined ? {} : { leftOut }),
});
const usage = { input: 1_200, output: 300, cached: 10_800, cost: 0.03, turns: 2 };

function told(events: readonly AuditEvent[]): string {
  const lines = createAgentLog({ color: false, unicode: true });
  return events.flatMap((event, index) => lines({ ...event, seq: index + 1, at })).join("\n");
}

test("a task's events are lines: what it says, uses, spends and finds, and how it ended", () => {
  expect(
    told([
      { type: "started", node },
      { type: "at-work", node, agent: "claude", slot: 1, isolation: "restricted", session: "agent-va" },
      does({ type: "started", model: "sonnet", version: "claude 2.1.330", conversation: "c" }),
      does({ type: "says", text: "The rows of VA\nhave no vendor." }),
      does({ type: "uses", tool: "run_sql", detail: "select 1" }),
      does({ type: "spent", usage }),
      does({ type: "waits", why: "overloaded" }, 12),
      does({ type: "spent", usage: { ...usage, cost: null, turns: 1 } }),
      { type: "progress", node, message: "3 findings handed in" },
      { type: "finding", node, case: "a@VA", classification: "needs_fix", reused: false },
      { type: "warning", node, message: "it was slow" },
      does({ type: "ended", outcome: "ok", message: "as it should" }),
      {
        type: "settled",
        node,
        outcome: "failed",
        duration: 3_200,
        failure: { code: "agent-failed", message: "it died", hint: "Look." },
      },
      { type: "reopened", node },
    ]),
  ).toMatchInlineSnapshot(`
    "12:03:04 ▸ investigate:VA has started
    12:03:04 ▸ claude is at work in slot 1 (restricted)
    12:03:04 ▸ claude 2.1.330, sonnet
    12:03:04   The rows of VA have no vendor.
    12:03:04 ▸ run_sql select 1
    12:03:04   spent 1.5k tokens, $0.03, 2 turns; in all 1.5k tokens, $0.03, 2 turns
    12:03:04   … 12 more that it did are left out
    12:03:04 ⚠ waits: overloaded
    12:03:04   spent 1.5k tokens, 1 turn; in all 3.0k tokens, $0.03, 3 turns
    12:03:04   3 findings handed in
    12:03:04 ✔ finding: a@VA is needs_fix
    12:03:04 ⚠ it was slow
    12:03:04 ■ its program has ended (ok): as it should
    12:03:04 ✖ failed in 3.2 s: agent-failed: it died
    12:03:04   Look.
    12:03:04 ▸ it is to run once more"
  `);
});

test("what an agent says moves no cursor, and is one line", () => {
  const text = told([does({ type: "says", text: "\u001b[2J\u001b]0;title\u0007\u202eevil\r\nnext" })]);
  for (const character of ["\u001b", "\u0007", "\u202e", "\r", "\n"]) expect(text).not.toContain(character);
  expect(text).toContain("next");
});

test("events that say nothing of the agent are no lines", () => {
  expect(told([{ type: "added", nodes: [node] }])).toBe("");
});
