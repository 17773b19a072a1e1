import { expect, test } from "vitest";
import { type Ask, agreeOnBudget } from "../../src/audit/agree.js";
import type { LoadedAudit } from "../../src/audit/load.js";
import type { Investigator } from "../../src/model/agent.js";
import type { Budget } from "../../src/model/config.js";

type Charges = Investigator["charges"];

async function agreed(
  charges: Charges,
  { budget = null as Budget | null, targets = [] as string[], ask = null as Ask } = {},
) {
  const loaded = { agent: { id: "claude", charges }, config: { budget }, request: { targets } };
  const end = await agreeOnBudget(loaded as unknown as LoadedAudit, ask);
  return "exitCode" in end ? { exitCode: end.exitCode, ...end.failure } : end.config.budget;
}

const dollars: Budget = { audit: 20, task: null, tokens: null };

test("an agent that costs money needs a budget, and is told which line to add", async () => {
  expect(await agreed("told")).toEqual({
    exitCode: 4,
    code: "usage",
    message:
      "claude costs money, and audit.config.yaml sets no `budget` for the run (`agent.budget` limits one conversation only)",
    hint: "Add the line `budget: { audit: 20, task: 2 }` (US dollars for a run and for one task).",
  });
  expect(await agreed("untold")).toMatchObject({ exitCode: 4, hint: expect.stringContaining("{ tokens: 5000000 }") });
  expect(await agreed("told", { budget: dollars })).toEqual(dollars);
});

test("other agents need none, nor does a run that investigates nothing", async () => {
  expect(await agreed(undefined)).toBeNull();
  expect(await agreed("told", { targets: ["export"] })).toBeNull();
  for (const target of ["investigate:VA", "collect"])
    expect(await agreed("told", { targets: [target] })).toMatchObject({ exitCode: 4 });
});

test("dollars hold nothing where an agent tells no cost: tokens must", async () => {
  expect(await agreed("untold", { budget: dollars })).toMatchObject({
    exitCode: 4,
    message: "claude tells no cost, so that a budget of dollars alone would hold nothing",
  });
  const tokens = { ...dollars, tokens: 1_000 };
  expect(await agreed("untold", { budget: tokens })).toEqual(tokens);
});

test("a person at the terminal may say how much, or without a limit; anything else starts nothing", async () => {
  const answering = (answer: string, charges: Charges = "told") => agreed(charges, { ask: async () => answer });
  expect(await answering(" $12.50 ")).toEqual({ audit: 12.5, task: null, tokens: null });
  expect(await answering("500000", "untold")).toEqual({ audit: null, task: null, tokens: 500_000 });
  expect(await answering("unlimited")).toEqual({ audit: null, task: null, tokens: null });
  for (const answer of ["", "y", "0", "-3", "1e99", "ten"])
    expect(await answering(answer)).toMatchObject({ exitCode: 4, message: "nothing was started" });
});
