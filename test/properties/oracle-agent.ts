/**
 * The oracle's agent: answers by what decides a case, and by nothing else; it can be made to fail. Knows no audit.
 */
import { z } from "zod";
import type { AgentAdapter, InvestigationRequest } from "../../src/model/agent.js";
import { sha256 } from "../../src/model/digest.js";
import type { FindingDraft } from "../../src/model/finding.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import type { Trouble } from "./oracle-mishaps.js";
import { citesFile, citesProbe, deciding, type TestName, type World } from "./oracle-world.js";

/** The agent's own bug; not one of the program's. */
export class AgentBug extends Error {}

const settings = z.strictObject({ model: z.string(), modelOfT2: z.string(), slots: z.boolean() });

interface Surroundings {
  /** As it can be seen. */
  readonly world: () => World;
  /** What goes wrong at this moment. */
  readonly strikes: () => Trouble["kind"] | null;
  /** It is asked for a case. The key holds the case and all that decides it. */
  readonly ask: (id: string, key: string) => void;
  /** The finding is durable. */
  readonly finish: (key: string) => void;
}

export function scriptedAgent({ world, strikes, ask, finish }: Surroundings): AgentAdapter<z.infer<typeof settings>> {
  /** Cases that it will not answer well, in this round and the next ones. */
  const stubborn = new Map<string, "answer-missing" | "answer-invalid">();

  const investigate = async (request: InvestigationRequest): Promise<Result<void>> => {
    for (const { id, test, group } of request.cases) {
      const decided = deciding(world(), test.name as TestName, group.key);
      const struck = strikes();
      if (request.signal.aborted) return failed("aborted", "the agent was stopped");
      ask(id, `${id} ${decided}`);
      if (struck === "agent-fails") return failed("agent-failed", "the agent died");
      if (struck === "agent-throws") throw new AgentBug("the agent threw");
      if (struck === "answer-missing" || struck === "answer-invalid") stubborn.set(id, struck);
      const mood = stubborn.get(id);
      if (mood === "answer-missing") continue;
      const draft = answer(test.name as TestName, group.key, decided);
      const admission = await request.submit(mood === undefined ? draft : { ...draft, classification: "whatever" });
      if (admission.admitted) finish(`${id} ${decided}`);
    }
    return ok(undefined);
  };

  return {
    id: "scripted",
    settings,
    async create({ model, modelOfT2, slots }) {
      stubborn.clear();
      return ok({
        id: "scripted",
        needsSlot: slots,
        readsPrompt: true,
        parts: {},
        model,
        variantOf: ({ name }) => (name === "t2" ? { key: "t2", model: modelOfT2 } : { key: "", model }),
        investigate,
        close: async () => {},
      });
    },
  };
}

function answer(test: TestName, group: string, decided: string): FindingDraft {
  return {
    test,
    group,
    classification: sha256(decided) < "8" ? "needs_fix" : "source_data_issue",
    confidence: "high",
    root_cause: `It is so because of ${decided}.`,
    recommendation: "Mend what is broken.",
    evidence: [{ sql: `select n from "memory"."probes"."${citesProbe(test) ? "volume" : "constant"}"` }],
    locations: citesFile(test) ? [{ repo: "sync", file: "load.py" }] : [],
  };
}
