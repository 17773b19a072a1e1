/**
 * How many tokens the first question of a task may be, told before anything runs: what is known is rendered, and rows and
 * verdicts, which only the warehouse has, are counted at a usual length. Asks no warehouse and reads no output.
 */
import { join } from "node:path";
import type { JudgedTask } from "../graph/assign.js";
import type { Case } from "../model/case.js";
import type { Finding } from "../model/finding.js";
import { estimatedTokens } from "../model/tokens.js";
import { byTest, earlierFindings } from "../tasks/earlier-findings.js";
import { byVariant, repoRoots } from "../tasks/investigate.js";
import { renderPlaceholder, renderPrompt, taskPlaceholders } from "../tasks/prompt.js";
import { sampleSize } from "../tasks/sample-rows.js";
import type { LoadedAudit } from "./load.js";
import { auditFolders } from "./run-folder.js";

export interface ExpectedPrompt {
  readonly tokens: number;
  /** Of the text that is the same for all tasks. */
  readonly shared: number;
}

/** As they come out on the demo. */
const tokensOfRow = 20;
const tokensOfVerdict = 150;
/** No sample in a prompt is longer; see prompt-task.ts. */
const tokensOfSample = 1_500;

const nothingToRead = { find: () => [], read: async () => null };

/** By task id; nothing where the agent reads no prompt, or the task would ask nothing. */
export async function expectedPrompts(
  loaded: LoadedAudit,
  cases: readonly Case[],
  tasks: readonly JudgedTask[],
  reusable: ReadonlyMap<string, Finding>,
): Promise<ReadonlyMap<string, ExpectedPrompt>> {
  const { config, agent, template, exceptions } = loaded;
  const expected = new Map<string, ExpectedPrompt>();
  if (!agent.readsPrompt) return expected;
  const all = byTest(cases);
  const found = new Map([...reusable].map(([id, finding]) => [id, { finding }]));
  const names = taskPlaceholders(template);
  const checkouts = repoRoots({ config });
  // Rendered once: ten thousand tasks have ten thousand times the same of it.
  let shared: number | null = null;
  for (const { task, open } of tasks) {
    if (open.length === 0) continue;
    const own = open.map((item) => item.case);
    const earlier = await earlierFindings({ cases: own, all, traces: nothingToRead, found });
    const folder = join(auditFolders(config.dir, "<run>").run, "tasks", task.id, "evidence");
    const evidenceDir = config.evidence ? folder : null;
    const given = { config, task, round: 0, objections: [], exceptions, earlier, evidenceDir, samples: new Map() };
    let tokens = 0;
    const variants = byVariant(own, agent);
    for (const { cases: asked } of variants) {
      const input = { ...given, checkouts, cases: asked };
      const ofTask = sum(names.map((name) => estimatedTokens(renderPlaceholder(name, input))));
      if (shared === null) {
        const whole = renderPrompt(template, input);
        shared = whole.ok ? Math.max(0, estimatedTokens(whole.value) - ofTask) : 0;
      }
      tokens += shared + ofTask + (config.evidence ? sum(asked.map(ofWarehouse)) : 0);
    }
    expected.set(task.id, { tokens, shared: (shared ?? 0) * variants.length });
  }
  return expected;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function ofWarehouse({ rows }: Case): number {
  return Math.min(tokensOfSample, (1 + Math.min(rows, sampleSize)) * tokensOfRow) + tokensOfVerdict;
}
