// The real claude, against a stand-in of its model's service: one conversation with tools, quickly. The whole matrix is in
// test/long/claude.test.ts.
import { afterEach, expect, test } from "vitest";
import { claude } from "../../src/adapters/agents/claude.js";
import { draftFor, openStage, player, type Stage } from "../rig/cli-agent.js";

const ids = ["not_null_bids_vendor@VA", "unique_bids_id@VA"];
let stage: Stage;
afterEach(() => stage.close());

test("claude hands in a finding by its tools and another by its answer, and tells what it has spent", async () => {
  stage = await openStage(({ turn }) =>
    turn === 0
      ? {
          text: "The join loses the vendor.",
          calls: [{ name: "mcp__audit__submit_finding", input: draftFor("not_null_bids_vendor@VA") }],
          tokens: { input: 1_000, output: 50, cached: 200 },
        }
      : { calls: [{ name: "StructuredOutput", input: { findings: [draftFor("unique_bids_id@VA")] } }] },
  );
  const { ask, tools } = await player(claude, stage, ids, { tools: true, settings: { model: "claude-sonnet-4-5" } });
  const played = await ask();
  expect([played.code, played.message, played.outcomes]).toEqual(["ok", "", ["ok"]]);
  expect(played.drafts.map(({ test }) => test)).toEqual(["not_null_bids_vendor", "unique_bids_id"]);
  expect(tools?.calls.map(({ name }) => name)).toEqual(["submit_finding"]);
  expect(tools?.refused).toEqual([]);
  expect(played.activities.map((each) => each.type)).toEqual(["started", "says", "uses", "uses", "spent", "ended"]);
  expect(played.activities).toContainEqual({
    type: "spent",
    usage: { input: 1_010, output: 70, cached: 200, cost: expect.closeTo(0.00414, 5), turns: expect.any(Number) },
  });
  expect([stage.stub.strays, stage.escapes]).toEqual([[], []]);
  expect(stage.stub.requests[0]?.tools).toEqual(expect.arrayContaining(["Read", "mcp__audit__submit_finding"]));
  expect(stage.stub.requests[0]?.tools).not.toContain("Bash");
});
