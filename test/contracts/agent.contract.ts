/** What every agent must do, whatever it is made of. */
import { describe, expect, it } from "vitest";
import type { InvestigationRequest, Investigator } from "../../src/model/agent.js";
import type { Case } from "../../src/model/case.js";
import type { FindingDraft } from "../../src/model/finding.js";
import { requestFor } from "../rig/request.js";

export interface AgentRig {
  /** Two cases that the agent has an answer for. */
  readonly cases: readonly [Case, Case];
  /** A new one, with the same settings each time. */
  readonly make: () => Promise<Investigator>;
  /** What else it needs of a request: a folder for its logs, a warehouse. Called for each task. */
  readonly request: () => Promise<Partial<InvestigationRequest>>;
  readonly close: () => Promise<void>;
}

export function agentContract(name: string, open: () => Promise<AgentRig>): void {
  describe(`the agent ${name}`, () => {
    it("hands in one draft for each case that it is asked for", async () => {
      await withRig(open, async (rig) => {
        const { drafts, result } = await ask(await rig.make(), rig, rig.cases);
        expect([result.ok, drafts]).toEqual([true, rig.cases.map(({ id }) => id).sort()]);
      });
    });

    it("serves two tasks at once", async () => {
      await withRig(open, async (rig) => {
        const agent = await rig.make();
        const both = await Promise.all([ask(agent, rig, rig.cases), ask(agent, rig, rig.cases)]);
        expect(both.map(({ drafts }) => drafts)).toEqual([both[0]?.drafts, both[0]?.drafts]);
        expect(both[0]?.drafts).toHaveLength(2);
      });
    });

    it("does nothing in a run that was stopped, and says so", async () => {
      await withRig(open, async (rig) => {
        const { drafts, result } = await ask(await rig.make(), rig, rig.cases, { signal: AbortSignal.abort() });
        expect([result.ok ? "ok" : result.failure.code, drafts]).toEqual(["aborted", []]);
      });
    });

    it("is told by the same parts each time it is made, none of which holds a path or a time", async () => {
      await withRig(open, async (rig) => {
        const [one, other] = [await rig.make(), await rig.make()];
        expect(one.parts).toEqual(other.parts);
        expect(Object.values(one.parts).every((part) => /^[\w@.:-]+$/.test(part))).toBe(true);
        const { test } = rig.cases[0];
        expect(one.variantOf?.(test) ?? { model: one.model }).toMatchObject({ model: one.model });
      });
    });

    it("can be closed twice, used or not", async () => {
      await withRig(open, async (rig) => {
        const agent = await rig.make();
        await agent.close();
        await agent.close();
      });
    });
  });
}

async function withRig(open: () => Promise<AgentRig>, work: (rig: AgentRig) => Promise<void>): Promise<void> {
  const rig = await open();
  try {
    await work(rig);
  } finally {
    await rig.close();
  }
}

async function ask(
  agent: Investigator,
  rig: AgentRig,
  cases: readonly Case[],
  more: Partial<InvestigationRequest> = {},
) {
  const drafts: string[] = [];
  const submit = async ({ test, group }: FindingDraft) => {
    drafts.push(`${test}@${group}`);
    return { admitted: true } as const;
  };
  const result = await agent.investigate({
    ...requestFor([]),
    cases,
    unanswered: () => cases.filter(({ id }) => !drafts.includes(id)),
    submit,
    ...(await rig.request()),
    ...more,
  });
  return { result, drafts: drafts.sort() };
}
