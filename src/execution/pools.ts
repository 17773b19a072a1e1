/**
 * Pools: how many nodes do a kind of work at a time. The only home of p-limit.
 */
import pLimit from "p-limit";
import type { PoolName } from "../model/graph.js";

export interface Pools {
  /** Runs `work` when there is a place in each of the pools. Places are taken in the order of the pools' names. */
  use<Value>(names: readonly PoolName[], work: () => Promise<Value>): Promise<Value>;
  /**
   * For work that runs in these pools: gives its places back until `wait` resolves, and goes on with `work` when there
   * are places again.
   */
  stepAside<Value>(names: readonly PoolName[], wait: () => Promise<void>, work: () => Promise<Value>): Promise<Value>;
}

export function createPools(sizes: Readonly<Record<PoolName, number>>): Pools {
  const limits = { slots: pLimit(sizes.slots), warehouse: pLimit(sizes.warehouse) };
  const use: Pools["use"] = (names, work) => {
    // One order for all: two nodes can never hold what the other waits for.
    const ordered = [...new Set(names)].sort();
    return ordered.reduceRight<typeof work>((inner, name) => () => limits[name](inner), work)();
  };
  return {
    use,
    async stepAside(names, wait, work) {
      const own = [...new Set(names)];
      // Until it ends, it counts as one more than there are places.
      for (const name of own) limits[name].concurrency += 1;
      try {
        await wait();
        return await use(own, work);
      } finally {
        for (const name of own) limits[name].concurrency -= 1;
      }
    },
  };
}
