/**
 * Pools: how many nodes do a kind of work at a time. The only home of p-limit.
 */
import pLimit from "p-limit";
import type { PoolName } from "../model/graph.js";

export interface Pools {
  /** Runs `work` when there is a place in each of the pools. Places are taken in the order of the pools' names. */
  use<Value>(names: readonly PoolName[], work: () => Promise<Value>): Promise<Value>;
}

export function createPools(sizes: Readonly<Record<PoolName, number>>): Pools {
  const limits = { slots: pLimit(sizes.slots), warehouse: pLimit(sizes.warehouse) };
  return {
    use(names, work) {
      // One order for all: two nodes can never hold what the other waits for.
      const ordered = [...new Set(names)].sort();
      return ordered.reduceRight<typeof work>((inner, name) => () => limits[name](inner), work)();
    },
  };
}
