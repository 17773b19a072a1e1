// The real opencode, against a stand-in of its model's service: one conversation with tools, and its re-ask.
import { afterEach, expect, test } from "vitest";
import { opencode } from "../../src/adapters/agents/opencode.js";
import { draftFor, openStage, player, type Stage } from "../rig/cli-agent.js";

const ids = ["not_null_bids_vendor@VA", "unique_bids_id@VA"];
let stage: Stage;
afterEach(() => stage.close());

test("opencode hands in a finding by its tools, and another in the same conversation when it is asked again", async () => {
  const answers = [
    { calls: [{ name: "audit_submit_finding", input: draftFor("not_null_bids_vendor@VA") }] },
    { text: "That is all.", tokens: { input: 1_000, output: 50, cached: 200 } },
    { text: `Here it is: ${JSON.stringify({ findings: [draftFor("unique_bids_id@VA")] })}` },
  ];
  stage = await openStage(({ turn }) => answers[turn] ?? { status: 500 });
  const { ask, tools } = await player(opencode, stage, ids, {
    tools: true,
    settings: { model: "anthropic/claude-sonnet-4-5" },
  });
  const first = await ask();
  expect([first.code, first.message, first.outcomes]).toEqual(["ok", "", ["ok"]]);
  expect(tools?.calls.map(({ name }) => name)).toEqual(["submit_finding"]);
  const again = await ask({ round: 1, followUp: "unique_bids_id@VA is still to be answered." });
  expect([again.code, again.message, again.outcomes]).toEqual(["ok", "", ["ok"]]);
  expect(again.drafts.map(({ test }) => test)).toEqual(["unique_bids_id"]);
  const usage = first.activities.flatMap((each) => (each.type === "spent" ? [each.usage] : []));
  expect(usage.map(({ input, output, cached }) => [input, output, cached])).toEqual([
    [10, 20, 0],
    [1_000, 50, 200],
  ]);
  const [, , asked] = stage.stub.requests;
  expect(asked?.text).toContain("is still to be answered");
  expect(asked?.text).toContain("the prompt");
  expect(asked?.tools.filter((name) => !name.startsWith("audit_")).sort()).toEqual(["glob", "grep", "read"]);
  expect(stage.stub.strays).toEqual([]);
});
