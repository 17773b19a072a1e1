// What the disk refuses of a claim is told; anything else that is thrown stays a bug.
import { expect, test } from "vitest";
import type { Coordination } from "../../src/audit/coordination.js";
import { tellingRefusals } from "../../src/audit/refused-claims.js";
import { ok } from "../../src/model/result.js";

const token = { task: "VA", token: 1 };
const all = (coordination: Coordination) => [
  coordination.list(),
  coordination.next(),
  coordination.claim({ owner: "me", lease: 1000 }),
  coordination.heartbeat(token),
  coordination.release(token),
  coordination.end(token, "completed"),
];

/** Each of its methods does this. */
function doing(work: () => Promise<unknown>): Coordination {
  const methods = { list: work, next: work, claim: work, heartbeat: work, release: work, end: work };
  return tellingRefusals({ shared: {}, ...methods } as unknown as Coordination);
}

test("a claim on a disk without hard links is refused with what to do", async () => {
  const error = Object.assign(new Error("ENOTSUP: refused, link 'claims/VA.1'"), { code: "ENOTSUP", syscall: "link" });
  for (const end of all(doing(() => Promise.reject(error)))) {
    expect(await end).toMatchObject({
      ok: false,
      failure: { code: "disk", message: error.message, hint: expect.stringContaining("hard links") },
    });
  }
});

test("what is none of the disk's stays a bug, and what went well stays as it is", async () => {
  for (const end of all(doing(() => Promise.reject(new TypeError("BUG"))))) await expect(end).rejects.toThrow("BUG");
  for (const end of all(doing(async () => ok("done")))) expect(await end).toEqual(ok("done"));
});
