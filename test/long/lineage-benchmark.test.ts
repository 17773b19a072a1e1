/**
 * The lineage agent's benchmark replays SQL that dbt compiled: real dbt still compiles that, and builds the same from the same
 * faults. Real dbt comes from the venv that `npm test` sets up; without it these tests fail, they do not skip.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const node = (...args: readonly string[]) => run(process.execPath, args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });

test("what dbt compiled of the benchmark's projects is what it compiles now", async () => {
  const { stdout } = await node("scripts/bench-lineage/compile.mjs", "--check");
  expect(stdout).toBe("store: fresh\nsubscriptions: fresh\nevents: fresh\n");
});

test("an edited model and a stale incremental model come out as dbt builds them, row for row", async () => {
  const kinds = ["over-filter", "stale-incremental"].flatMap((kind) => ["--only", kind]);
  const { stdout } = await node("scripts/bench-lineage.mjs", "--project", "store", ...kinds, "--quota", "1", "--json");
  expect(JSON.parse(stdout).proof).toEqual({ sample: 2, equal: 2, different: [], compiledAlike: true, stale: [] });
});
