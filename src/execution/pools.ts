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
  /** From now on so many, at least one. What runs in more places than that goes on. */
  resize(name: PoolName, places: number): void;
  /** Who is given a place from now on begins when `until` has resolved. */
  hold(name: PoolName, until: Promise<void>): void;
}

export function createPools(sizes: Readonly<Record<PoolName, number>>): Pools {
  const pools: Readonly<Record<PoolName, Pool>> = {
    agent: createPool(sizes.agent),
    slots: createPool(sizes.slots),
    warehouse: createPool(sizes.warehouse),
  };
  const use: Pools["use"] = (names, work) => {
    // One order for all: two nodes can never hold what the other waits for.
    const ordered = [...new Set(names)].sort();
    return ordered.reduceRight<typeof work>((inner, name) => () => pools[name].use(inner), work)();
  };
  return {
    use,
    async stepAside(names, wait, work) {
      const own = [...new Set(names)];
      // Until it ends, it counts as one more than there are places.
      for (const name of own) pools[name].lend(1);
      try {
        await wait();
        return await use(own, work);
      } finally {
        for (const name of own) pools[name].lend(-1);
      }
    },
    resize: (name, places) => pools[name].resize(places),
    hold: (name, until) => pools[name].hold(until),
  };
}

interface Pool {
  use<Value>(work: () => Promise<Value>): Promise<Value>;
  /** So many of its places are taken by nodes that stepped aside. */
  lend(places: number): void;
  resize(places: number): void;
  hold(until: Promise<void>): void;
}

function createPool(size: number): Pool {
  const limit = pLimit(size);
  let places = size;
  let lent = 0;
  let held: Promise<void> | null = null;
  const apply = (): void => {
    limit.concurrency = places + lent;
  };
  return {
    use: (work) =>
      limit(async () => {
        while (held !== null) await held;
        return work();
      }),
    lend(more) {
      lent += more;
      apply();
    },
    resize(size) {
      places = Math.max(1, size);
      apply();
    },
    hold(until) {
      // One pause may follow another while somebody waits for the first.
      const own = until.then(() => {
        if (held === own) held = null;
      });
      held = own;
    },
  };
}
