/** What agents have spent, added up. */
import type { Usage } from "./agent.js";

export const nothingSpent: Usage = { input: 0, output: 0, cached: 0, cost: null, turns: 0 };

/** A cost that nobody has told is not known, and adds nothing. */
export function addUsage(one: Usage, other: Usage): Usage {
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cached: one.cached + other.cached,
    cost: one.cost === null && other.cost === null ? null : (one.cost ?? 0) + (other.cost ?? 0),
    turns: one.turns + other.turns,
  };
}
