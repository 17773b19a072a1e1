/**
 * Is the blame right? The blamed place is changed and everything downstream of it computed anew: where no row of the group fails
 * any more, the blame is proved. The same without a change must give the failures as they are.
 * Knows no categories.
 */
import type { Cell } from "../model/warehouse.js";
import { interventionsFor } from "./interventions.js";
import type { Trials } from "./trials.js";
import type { Verdict, Walk } from "./verdict.js";

/** Interventions tried for one place. */
const mostTries = 3;

/** The walk with a proof at each verdict where there is one. A proof that fails leaves the verdict as it is. */
export async function prove(trials: Trials, walk: Walk): Promise<Walk> {
  const verdicts = new Map<Cell, Verdict>();
  for (const [key, verdict] of walk.verdicts)
    verdicts.set(key, await proved(trials, key, verdict, walk.counts.get(key) ?? 0));
  return { ...walk, verdicts };
}

async function proved(trials: Trials, key: Cell, verdict: Verdict, failing: number): Promise<Verdict> {
  const { workspace, subject } = trials;
  const blamed = verdict.node === null ? undefined : workspace.project.resources.get(verdict.node);
  const isOpen = verdict.outcome === "decided" && verdict.proof === null && failing > 0;
  if (!isOpen || blamed === undefined || subject === null) return verdict;
  const tries = await interventionsFor(workspace, subject.check, verdict, blamed);
  for (const intervention of tries.slice(0, mostTries)) {
    const after = await trials.failing(new Map([[blamed.id, intervention.sql]]));
    if (after === null || trials.countOf(after, key) > 0) continue;
    const from = workspace.from(blamed);
    const before = from === null ? null : await trials.failing(new Map([[blamed.id, `select r.* from ${from} as r`]]));
    // What its SQL gives now must be what fails, or the change proves nothing.
    if (before === null || trials.countOf(before, key) !== failing) return verdict;
    return { ...verdict, proof: { sql: trials.evidence(after, key), says: intervention.says } };
  }
  return verdict;
}
