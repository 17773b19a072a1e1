// Runs the contract against every registered agent; one without a rig fails here, so none is forgotten. A coding agent's
// program is a stand-in here that prints what the real one does; the real ones are in test/e2e/*-cli.test.ts.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { agents } from "../../src/adapters/agents/index.js";
import type { AgentAdapter, InvestigationRequest } from "../../src/model/agent.js";
import { build } from "../lineage/rig.js";
import { caseOf } from "../rig/cases.js";
import { draftFor } from "../rig/cli-agent.js";
import { type AgentRig, agentContract } from "./agent.contract.js";

const fake = (name: string) => join(import.meta.dirname, "../fakes", name);

/** An agent that is a program, in a folder of its own. */
const program = (adapter: AgentAdapter, settings: Record<string, unknown>) => async (): Promise<AgentRig> => {
  const folder = await mkdtemp(join(tmpdir(), "audit contract "));
  return {
    cases: [caseOf("not_null_bids_vendor", "VA"), caseOf("unique_bids_id", "VA")],
    make: () => made(adapter, settings, folder),
    request: async (): Promise<Partial<InvestigationRequest>> => {
      const logDir = await mkdtemp(join(folder, "log-"));
      return { checkouts: { dbt: folder }, evidenceDir: folder, logDir };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
};

const cli = (name: "claude" | "codex" | "opencode") => {
  const findings = [draftFor("not_null_bids_vendor@VA"), draftFor("unique_bids_id@VA")];
  const env = { FAKE_CLI: name, FAKE_ANSWER: JSON.stringify({ findings }) };
  return program(agents[name] as AgentAdapter, { program: fake("cli.mjs"), env });
};

const rigs: Record<keyof typeof agents, () => Promise<AgentRig>> = {
  claude: cli("claude"),
  codex: cli("codex"),
  opencode: cli("opencode"),
  command: program(agents.command as AgentAdapter, { command: [process.execPath, fake("agent.mjs"), "answers"] }),
  async lineage() {
    const rows = "select i as id, case when i % 2 = 0 then 'VA' else 'TX' end as state, nullif(i % 3, 0) as amount";
    const { project, query, describe } = await build({
      sources: { bids: `${rows} from range(12) t(i)` },
      models: { stg: "select id, state, amount from {{ bids }}" },
      tests: [{ on: "stg", kind: "not_null", column: "amount" }],
    });
    const of = (group: string) =>
      caseOf("t0", group, 2, {
        test: { ...caseOf("t0", group).test, id: "test.rig.t0" },
        failingRows: { sql: "select * from failures.t0", groupColumn: "state", source: "stored", relation: null },
      });
    return {
      cases: [of("TX"), of("VA")],
      make: () => made(agents.lineage as AgentAdapter, {}, "/"),
      request: async () => ({ project, query, describe, checkouts: {} }),
      close: async () => {},
    };
  },
};

async function made(adapter: AgentAdapter, settings: Record<string, unknown>, baseDir: string) {
  const env = { PATH: process.env.PATH, HOME: baseDir };
  const agent = await adapter.create(adapter.settings.parse(settings), { baseDir, env, redact: (text) => text });
  if (!agent.ok) throw new Error(agent.failure.message);
  return agent.value;
}

it("has a rig for every registered agent", () => {
  expect(Object.keys(rigs).sort()).toEqual(Object.keys(agents).sort());
});

for (const [name, rig] of Object.entries(rigs)) agentContract(name, rig);
