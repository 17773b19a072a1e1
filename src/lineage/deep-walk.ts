/**
 * The whole walk of a test: upstream through the project, into each model that is blamed, and then the proof.
 * Knows no rules and no agent.
 */
import { withHistory } from "./earlier.js";
import { blamedModels, expand, withInside } from "./inside.js";
import { prove } from "./proof.js";
import { Trials } from "./trials.js";
import type { Walk } from "./verdict.js";
import { type WalkRequest, walkTest } from "./walk.js";
import type { Answers } from "./workspace.js";

/** `queries` counts the walk through the project alone; looking into models has the same budget once more, each. */
export async function walkDeep(request: WalkRequest): Promise<Walk> {
  const answers: Answers = request.answers ?? new Map();
  let walk = await walkTest({ ...request, answers });
  for (const model of blamedModels(walk, request.project)) {
    const expanded = expand(request.project, model, request.dialect);
    const inner =
      expanded === null ? null : await walkTest({ ...request, ...expanded, answers, maxQueries: request.maxQueries });
    // A model without CTEs is one query: what the walk says of the model holds for it.
    walk = withInside(walk, model, inner ?? walk, {
      project: expanded?.project ?? request.project,
      dialect: request.dialect,
    });
  }
  const trials = await Trials.open(request, answers);
  return trials === null ? walk : prove(trials, await withHistory(trials, walk, request.project.earlier ?? null));
}
