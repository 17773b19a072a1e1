/**
 * What a run may spend on an agent that costs money: its config says so, or a person at the terminal does. Asked before
 * anything is opened; knows no terminal.
 */
import type { Budget } from "../model/config.js";
import { exitCodes } from "./exit-codes.js";
import { type LoadedAudit, type Refusal, refusal } from "./load.js";

/** Asks a person, who answers with a line. Null: there is nobody to ask. */
export type Ask = ((question: string) => Promise<string>) | null;

/** The audit with what was agreed upon. */
export async function agreeOnBudget(loaded: LoadedAudit, ask: Ask): Promise<Refusal | LoadedAudit> {
  const { agent, config, request } = loaded;
  const { charges, id } = agent;
  const investigates = ({ targets }: LoadedAudit["request"]): boolean =>
    targets.length === 0 || targets.some((node) => node === "collect" || node.startsWith("investigate:"));
  if (charges === undefined || !investigates(request)) return loaded;
  if (config.budget !== null) {
    if (charges === "told" || config.budget.tokens !== null) return loaded;
    return refusal(exitCodes.preflight, {
      code: "usage",
      message: `${id} tells no cost, so that a budget of dollars alone would hold nothing`,
      hint: "Add to `budget` in audit.config.yaml how many tokens a run may take, `tokens: 5000000`; or to `agent` its `prices`.",
    });
  }
  if (ask === null) {
    const line = charges === "told" ? "budget: { audit: 20, task: 2 }" : "budget: { tokens: 5000000 }";
    const unit = charges === "told" ? "US dollars for a run and for one task" : "tokens for a run";
    return refusal(exitCodes.preflight, {
      code: "usage",
      message: `${id} costs money, and audit.config.yaml ${unset}`,
      hint: `Add the line \`${line}\` (${unit}).`,
    });
  }
  const unit = charges === "told" ? "US dollars" : "tokens";
  const answer = await ask(
    `${id} costs money, and audit.config.yaml ${unset}.\nHow many ${unit} may this run spend? (a number, "unlimited", or nothing to stop) `,
  );
  const budget = budgetOf(answer.trim(), charges);
  if (budget === null) return refusal(exitCodes.preflight, { code: "usage", message: "nothing was started" });
  return { ...loaded, config: { ...config, budget } };
}

const unset = "sets no `budget` for the run (`agent.budget` limits one conversation only)";

const unlimited: Budget = { audit: null, task: null, tokens: null };

/** Null: what a person wrote allows nothing. */
function budgetOf(answer: string, charges: "told" | "untold"): Budget | null {
  if (answer === "unlimited") return unlimited;
  if (!/^\$?\d+(\.\d+)?$/.test(answer)) return null;
  const amount = Number(answer.replace("$", ""));
  if (!(amount > 0)) return null;
  return charges === "told" ? { ...unlimited, audit: amount } : { ...unlimited, tokens: Math.ceil(amount) };
}
