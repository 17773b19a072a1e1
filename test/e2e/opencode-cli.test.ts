// The real opencode, against a stand-in of its model's service: one conversation with tools. More is in
// test/long/other-clis.test.ts: it takes seconds to start.
import { afterEach, expect, test } from "vitest";
import { opencode } from "../../src/adapters/agents/opencode.js";
import { draftFor, openStage, player, type Stage } from "../rig/cli-agent.js";

const ids = ["not_null_bids_vendor@VA", "unique_bids_id@VA"];
let stage: Stage;
afterEach(() => stage.close());

test("opencode hands in a finding by its tools and another by its last words, and tells what it has spent", async () => {
  const answers = [
    { calls: [{ name: "audit_submit_finding", input: draftFor("not_null_bids_vendor@VA") }] },
    {
      text: `Here it is: ${JSON.stringify({ findings: [draftFor("unique_bids_id@VA")] })}`,
      tokens: { input: 1_000, output: 50, cached: 200 },
    },
  ];
  stage = await openStage(({ turn }) => answers[turn] ?? { status: 500 });
  const { ask, tools } = await player(opencode, stage, ids, {
    tools: true,
    settings: { model: "anthropic/claude-sonnet-4-5", env: { OPENCODE_DISABLE_MODELS_FETCH: "1" } },
  });
  const played = await ask();
  expect([played.code, played.message, played.outcomes]).toEqual(["ok", "", ["ok"]]);
  expect(tools?.calls.map(({ name }) => name)).toEqual(["submit_finding"]);
  expect(played.drafts.map(({ test }) => test)).toEqual(["not_null_bids_vendor", "unique_bids_id"]);
  const usage = played.activities.flatMap((each) => (each.type === "spent" ? [each.usage] : []));
  expect(usage.map(({ input, output, cached }) => [input, output, cached])).toEqual([
    [10, 20, 0],
    [1_000, 50, 200],
  ]);
  const [asked] = stage.stub.requests;
  expect(asked?.tools.filter((name) => !name.startsWith("audit_")).sort()).toEqual(["glob", "grep", "read"]);
  // It looks for newer plugins of its own where its packages come from; of no model does it ask anybody else.
  const escapes = stage.escapes.filter((each) => !each.startsWith("CONNECT registry."));
  expect([stage.stub.strays, escapes]).toEqual([[], []]);
});
