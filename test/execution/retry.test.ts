import { expect, test } from "vitest";
import { withRetries } from "../../src/execution/retry.js";
import { type FailureCode, failed, ok, type Result } from "../../src/model/result.js";

async function tried(codes: readonly (FailureCode | "ok")[], controller = new AbortController()) {
  const waits: number[] = [];
  let calls = 0;
  const result: Result<string> = await withRetries(
    async () => {
      const code = codes[calls] ?? "ok";
      calls += 1;
      return code === "ok" ? ok("done") : failed(code, "refused");
    },
    {
      signal: controller.signal,
      onRetry: (_, wait) => waits.push(wait),
      pause: async () => undefined,
    },
  );
  return { result, waits, calls };
}

test("what is transient is tried again, each time after a longer wait", async () => {
  const { result, waits } = await tried(["warehouse-unreachable", "warehouse-unreachable", "ok"]);
  expect(result).toEqual(ok("done"));
  expect(waits).toEqual([1_000, 4_000]);
});

test("patience ends, and the last failure is told", async () => {
  const { result, calls } = await tried(Array(9).fill("warehouse-unreachable"));
  expect(result).toMatchObject({ ok: false, failure: { code: "warehouse-unreachable" } });
  expect(calls).toBe(4);
});

test("an agent's failure is never tried again by itself: it costs money", async () => {
  for (const code of ["agent-failed", "answer-invalid", "query-refused"] as const) {
    expect((await tried([code, "ok"])).calls).toBe(1);
  }
});

test("a stopped run waits for nothing", async () => {
  const controller = new AbortController();
  controller.abort();
  expect((await tried(["slot-failed", "ok"], controller)).calls).toBe(1);
});
