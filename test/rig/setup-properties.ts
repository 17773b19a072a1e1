/**
 * Properties try the same values on every run; `npm run test:full` (FC_SEED=random FC_RUNS=2000) looks for new ones
 * and prints the seed of what it finds.
 */
import fc from "fast-check";

const { FC_SEED: seed, FC_RUNS: runs } = process.env;
fc.configureGlobal({
  ...(seed === "random" ? {} : { seed: Number(seed ?? 20260203) }),
  ...(runs === undefined ? {} : { numRuns: Number(runs) }),
});
