// The real codex, against a stand-in of its model's service: one conversation with tools, and its re-ask.
import { afterEach, expect, test } from "vitest";
import { codex } from "../../src/adapters/agents/codex.js";
import { draftFor, openStage, player, type Stage } from "../rig/cli-agent.js";

const ids = ["not_null_bids_vendor@VA", "unique_bids_id@VA"];
let stage: Stage;
afterEach(() => stage.close());

test("codex hands in a finding by its tools, and another in the same conversation when it is asked again", async () => {
  const answers = [
    { calls: [{ name: "mcp__audit/submit_finding", input: draftFor("not_null_bids_vendor@VA") }] },
    { text: JSON.stringify({ findings: [] }), tokens: { input: 1_000, output: 50, cached: 200 } },
    { text: JSON.stringify({ findings: [{ ...draftFor("unique_bids_id@VA"), failures: null }] }) },
  ];
  stage = await openStage(({ turn }) => answers[turn] ?? { status: 500 });
  const prices = { input: 2, cached: 1, output: 10 };
  const { ask, tools } = await player(codex, stage, ids, { tools: true, settings: { model: "gpt-stub", prices } });
  const first = await ask();
  expect([first.code, first.message, first.outcomes]).toEqual(["ok", "", ["ok"]]);
  expect(tools?.calls.map(({ name }) => name)).toEqual(["submit_finding"]);
  const again = await ask({ round: 1, followUp: "unique_bids_id@VA is still to be answered." });
  expect([again.code, again.message, again.outcomes]).toEqual(["ok", "", ["ok"]]);
  expect(again.drafts.map(({ test }) => test)).toEqual(["unique_bids_id"]);
  // The second run tells the sum of both: only what it adds is reported.
  const spent = [first, again].flatMap(({ activities }) => activities.filter((each) => each.type === "spent"));
  expect(spent).toEqual([
    { type: "spent", usage: { input: 1_010, output: 70, cached: 200, cost: expect.closeTo(0.00292, 6), turns: 1 } },
    { type: "spent", usage: { input: 10, output: 20, cached: 0, cost: expect.closeTo(0.00022, 6), turns: 1 } },
  ]);
  const [, , asked] = stage.stub.requests;
  expect(asked?.text).toContain("is still to be answered");
  expect(asked?.text).toContain("the prompt");
  expect([stage.stub.strays, stage.escapes]).toEqual([[], []]);
  expect(asked?.tools).not.toContain("web_search");
});
