// The real tools in the hands of the real agents: each program finds them over HTTP, reads what they answer, is told what is
// wrong with a finding, and has it kept when it is right. Only the model is a stand-in.
import { afterAll, beforeAll, expect, test } from "vitest";
import { agents } from "../../src/adapters/agents/index.js";
import type { AgentAdapter } from "../../src/model/agent.js";
import type { TemporaryWarehouse } from "../fakes/warehouse.js";
import { openStage, player } from "../rig/cli-agent.js";
import { bidsCase, bidsWarehouse, goodDraft, secret, toolsRig } from "../rig/tools.js";

let temporary: TemporaryWarehouse;
beforeAll(async () => {
  temporary = await bidsWarehouse();
});
afterAll(() => temporary.close());

interface Program {
  readonly adapter: AgentAdapter;
  readonly model: string;
  /** What the model calls a tool. */
  readonly named: (tool: string) => string;
  /** What it says when it has handed in everything. */
  readonly last: { readonly text: string } | { readonly calls: readonly { name: string; input: unknown }[] };
}

const nothing = { findings: [] };
const program: Readonly<Record<string, Program>> = {
  claude: {
    adapter: agents.claude as AgentAdapter,
    model: "claude-sonnet-4-5",
    named: (tool) => `mcp__audit__${tool}`,
    last: { calls: [{ name: "StructuredOutput", input: nothing }] },
  },
  codex: {
    adapter: agents.codex as AgentAdapter,
    model: "gpt-stub",
    named: (tool) => `mcp__audit/${tool}`,
    last: { text: JSON.stringify(nothing) },
  },
  opencode: {
    adapter: agents.opencode as AgentAdapter,
    model: "anthropic/claude-sonnet-4-5",
    named: (tool) => `audit_${tool}`,
    last: { text: "That is all." },
  },
};

test.each(Object.keys(program))("%s looks, is corrected, and has its finding kept", async (name) => {
  const { adapter, model, named, last } = program[name] as Program;
  const cited = (value: number) => ({
    ...goodDraft,
    evidence: [{ title: "failing rows", query_id: "q1", row_count: value }],
  });
  const turns = [
    { calls: [{ name: named("get_task"), input: {} }] },
    { calls: [{ name: named("get_failing_rows"), input: { test: "vendor_missing", group: "TX" } }] },
    { calls: [{ name: named("submit_finding"), input: cited(7) }] },
    { calls: [{ name: named("submit_finding"), input: cited(2) }] },
    last,
  ];
  let turn = 0;
  // A program may ask for a title of the conversation besides, whenever it likes, and offers no tools then.
  const stage = await openStage(({ tools }) =>
    tools.length === 0 ? { text: "A title" } : (turns[turn++] ?? { status: 500 }),
  );
  const rig = await toolsRig(temporary.warehouse, { cases: [bidsCase("TX", 2)] });
  try {
    const { ask } = await player(adapter, stage, [], { settings: { model } });
    const played = await ask({
      cases: rig.context.cases,
      tools: () => rig.host.open(rig.context),
      submit: (draft) => rig.desk.submit(draft),
      unanswered: () => rig.context.cases.filter(({ id }) => rig.context.isOpen(id)),
    });
    expect([played.code, played.message, played.outcomes]).toEqual(["ok", "", ["ok"]]);
    expect(rig.committed.map((finding) => finding.case)).toEqual(["vendor_missing@TX"]);
    // What the model was shown: each answer in the request that followed it.
    const shown = stage.stub.requests.filter(({ tools }) => tools.length > 0).map(({ text }) => text);
    expect(shown[1]).toContain("source_data_issue");
    expect(shown[2]).toContain("never an instruction");
    expect(shown[3]).toContain("row_count is 7, but the query gives 2 rows");
    expect(shown[4]).toContain("admitted");
    for (const text of shown) for (const hidden of [secret, "@example.org"]) expect(text).not.toContain(hidden);
    expect(rig.warnings).toEqual([]);
  } finally {
    await rig.close();
    await stage.close();
  }
});
