/** Tasks to claim, for tests of claims. */
import type { ClaimableTask, PublishedTask } from "../../src/model/claim.js";

export function claimable(...ids: readonly string[]): readonly ClaimableTask[] {
  return ids.map((id) => ({ id, first: 1, edition: 1, done: false }));
}

export function publishedTask(id: string, more: Partial<PublishedTask> = {}): PublishedTask {
  const described = { number: 1, state: id, tests: [], failures: 0, size: 0, digest: `digest of ${id}`, cases: [] };
  return { id, first: 1, edition: 1, done: false, ...described, ...more };
}
